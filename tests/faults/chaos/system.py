"""The whole product as processes of their own: PostgreSQL as durable as in production, two APIs, two workers, and
the simulator, which is never killed and whose book is the truth.
"""

import asyncio
import base64
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import httpx2

from api.embedded import EmbeddedPostgres
from api.simulated_clock import Hands, SimulatedClock
from api.wiring import open_wiring, prepare
from faults.chaos.outside import Outside
from faults.chaos.programs import Database, Program, python, tests_on_path
from ledger.eventstore.connections import AWAY, READ_SECONDS, connect_for_calls
from ledger.settings import MidtransSettings, Settings
from support.customer import CLIENT_KEY, SERVER_KEY, Caller
from support.running import LOOPBACK, SCHEMA, environment, free_port

APIS: Final = 2
WORKERS: Final = 2
ACCOUNT: Final = "chaos"
UP_WITHIN_SECONDS: Final = 60.0
SAYS_WHY_WITHIN_SECONDS: Final = READ_SECONDS + 1.0

# Shorter than the product's own, so that six minutes hold what takes an hour; their order is the same:
# answer of the gateway < late arrival of a request < T_late < lease.
CHARGE_SECONDS: Final = 2.0
# After a crash one sync of the file system instead of one for each file: as durable, and up in half the time.
QUICKLY_UP: Final = {"recovery_init_sync_method": "syncfs"}
LOST_AFTER_SECONDS: Final = 8.0
ASKED_EVERY_SECONDS: Final = 20.0
LEAPS_AGAIN_AFTER_SECONDS: Final = 0.2


@dataclass
class System:
    folder: Path
    settings: Settings
    postgres: Database
    gateway: Outside
    key: str
    http: httpx2.AsyncClient
    apis: list[Program] = field(default_factory=list)
    workers: list[Program] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    ahead: timedelta = timedelta()  # of the machine's time

    @property
    def programs(self) -> list[Program]:
        return [*self.apis, *self.workers]

    @property
    def conninfo(self) -> str:
        """The superuser's."""
        return self.settings.database_url.get_secret_value()

    def shop(self, number: int = 0) -> Caller:
        return Caller(self.http, self.urls[number % len(self.urls)], self.key)

    async def leap(self, by: timedelta) -> None:
        """For the gateway first: what happens there has happened when we learn of it."""
        await self.gateway.advance_clock(by.total_seconds())
        self.ahead += by
        clock = SimulatedClock(partial(connect_for_calls, self.conninfo, SCHEMA), SCHEMA)
        while True:
            try:
                return await clock.set(Hands(self.ahead), by="the world")
            except AWAY:
                await asyncio.sleep(LEAPS_AGAIN_AFTER_SECONDS)

    async def answering(self, within: float = UP_WITHIN_SECONDS) -> None:
        """Every API says that it is ready."""
        until = time.monotonic() + within
        for url in self.urls:
            while trouble := await self._trouble(url):
                if time.monotonic() > until:
                    raise RuntimeError(f"{url} is not ready after {within:.0f} s: {trouble}")
                await asyncio.sleep(0.1)

    async def _trouble(self, url: str) -> str:
        """Why it is not ready; empty when it is."""
        try:
            answer = await self.http.get(f"{url}/ready", timeout=SAYS_WHY_WITHIN_SECONDS)
        except httpx2.TransportError as error:
            return repr(error)
        return "" if answer.status_code == 200 else answer.text


@asynccontextmanager
async def started(mutation: str = "") -> AsyncIterator[System]:
    """With a mutation, APIs and workers are wrong in that way (`faults.mutated`)."""
    folder = Path(tempfile.mkdtemp(prefix="bukubesar-chaos-"))
    folder.chmod(0o755)  # the server's account has to get in
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres = EmbeddedPostgres(folder / "postgres", settings=QUICKLY_UP)
        await asyncio.to_thread(stack.enter_context, postgres)
        api_ports = [free_port() for _ in range(APIS)]
        gateway = await _simulator(stack, folder, api_ports[0])
        settings = _settings(postgres.dsn, gateway)
        await asyncio.to_thread(prepare, settings)
        http = await stack.enter_async_context(
            httpx2.AsyncClient(
                trust_env=False,
                timeout=httpx2.Timeout(15, pool=None),
                limits=httpx2.Limits(
                    max_connections=None, max_keepalive_connections=64, keepalive_expiry=2
                ),
            )
        )
        system = System(folder, settings, Database(postgres), gateway, await _key(settings), http)
        await _programs(stack, system, api_ports, mutation)
        await system.answering()
        yield system


async def _programs(stack: AsyncExitStack, system: System, ports: list[int], mutation: str) -> None:
    read_end, write_end = os.pipe()
    stack.callback(os.close, read_end)
    stack.callback(os.close, write_end)

    def program(name: str, kind: str, command: str, settings: Settings) -> Program:
        env = {**os.environ, **environment(settings)}
        argv = python("api.cli", command)
        if mutation:
            argv, env = python("faults.mutated", mutation, command), env | tests_on_path()
        return Program(name, kind, argv, env, system.folder / f"{name}.log", read_end)

    for number, port in enumerate(ports, start=1):
        own = system.settings.model_copy(update={"port": port})
        system.apis.append(program(f"api-{number}", "api", "serve", own))
        system.urls.append(f"http://{LOOPBACK}:{port}")
    for number in range(1, WORKERS + 1):
        system.workers.append(program(f"worker-{number}", "worker", "work", system.settings))
    for one in system.programs:
        stack.push_async_callback(one.end)
        one.start()
        watching = asyncio.create_task(one.watch())
        stack.callback(watching.cancel)


async def _simulator(stack: AsyncExitStack, folder: Path, notify_port: int) -> Outside:
    read_end, write_end = os.pipe()
    stack.callback(os.close, read_end)
    stack.callback(os.close, write_end)
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    argv = python("api.cli", "simulator", "--port", str(port))
    argv += ["--server-key", SERVER_KEY, "--client-key", CLIENT_KEY]
    argv += ["--notify-url", f"http://{LOOPBACK}:{notify_port}/api/v1/webhooks/midtrans"]
    # Two minutes until a notice's first repeat become 1.2 s, three and a half hours two minutes.
    argv += ["--notify-time-scale", "0.01", "--refund-confirm-seconds", "0.5"]
    argv += ["--tick-seconds", "0.05"]
    simulator = Program(
        "simulator", "simulator", argv, dict(os.environ), folder / "simulator.out", read_end
    )
    stack.push_async_callback(simulator.end)
    simulator.start()
    gateway = Outside(url, notify_port)
    stack.push_async_callback(gateway.close)
    until = time.monotonic() + UP_WITHIN_SECONDS
    while True:
        try:
            await gateway.transactions()
            return gateway
        except httpx2.TransportError:
            if time.monotonic() > until or not simulator.is_running:
                raise
            await asyncio.sleep(0.05)


def _settings(database: str, gateway: Outside) -> Settings:
    given = {
        "database_url": database,
        "database_schema": SCHEMA,
        "master_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "host": LOOPBACK,
        "readers": 8,
        "lost_after_seconds": LOST_AFTER_SECONDS,
        "asked_every_seconds": ASKED_EVERY_SECONDS,
        "simulated_clock": True,  # it runs as the machine's does, and leaps from day to day
        "log_level": "info",  # what leaks has to be written down to be found
    }
    midtrans = {
        "server_key": SERVER_KEY,
        "core_url": gateway.url,
        "snap_url": gateway.url,
        "charge_seconds": CHARGE_SECONDS,
        "inquiry_seconds": CHARGE_SECONDS,
    }
    return Settings(**given, midtrans=MidtransSettings(**midtrans))


async def _key(settings: Settings) -> str:
    async with open_wiring(settings, "tool") as wired:
        text, _ = await wired.api_keys.issue("admin", ACCOUNT, "the merchant's program", by="test")
        return text

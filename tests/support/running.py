"""A whole running system for a test: the API as a real server, workers, and Midtrans as another process.

The database is the test's own. The simulator is shared, and tests tell their payments apart by order id. Workers live
by a clock that a test can put forward, so that nobody has to wait for a lease to run out.
"""

import asyncio
import base64
import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import IO, Any

import httpx2
import pytest
import uvicorn

from api.app import create_app
from api.inbox import Inbox
from api.wiring import Wiring, open_wiring
from api.worker import Worker
from ledger import clock
from ledger.settings import MidtransSettings, Settings
from support.customer import CLIENT_KEY, SERVER_KEY, Caller, Fields, Gateway, eventually
from support.ports import LOOPBACK, free_port

SCHEMA = "bukubesar"
ACCOUNT = "shop"
MASTER_KEY = base64.b64encode(secrets.token_bytes(32)).decode()
STARTS_WITHIN_SECONDS = 30.0


@dataclass
class Ahead:
    """The workers' clock: real time, and as much more as a test has let pass."""

    seconds: float = 0.0

    def __call__(self) -> datetime:
        return clock.now() + timedelta(seconds=self.seconds)


@dataclass
class Running:
    settings: Settings
    gateway: Gateway
    clock: Ahead = field(default_factory=Ahead)
    url: str = ""
    wired: Wiring = field(init=False)  # the API's own
    http: httpx2.AsyncClient = field(init=False)
    _callers: dict[str, Caller] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def caller(self, role: str = "admin") -> Caller:
        if role not in self._callers:
            text, _ = await self.wired.api_keys.issue(role, ACCOUNT, f"a test's {role}", by="test")
            self._callers[role] = Caller(self.http, self.url, text)
        return self._callers[role]

    def later(self, seconds: float) -> None:
        """For the workers, so much time has passed."""
        self.clock.seconds += seconds

    async def start_worker(self) -> None:
        await self._stack.enter_async_context(worker(self.settings, self.clock))

    async def log_length(self) -> int:
        async with self.wired.readers.connection() as conn:
            cursor = await conn.execute(
                "select coalesce(max(notification_id), 0) as head from events"
            )
            row = await cursor.fetchone()
        assert row is not None
        return int(row["head"])

    async def inbox(self, order: str) -> list[Fields]:
        async with self.wired.readers.connection() as conn:
            cursor = await conn.execute(
                "select said, outcome, done_at from inbox where order_id = %s order by received_at",
                [order],
            )
            return list(await cursor.fetchall())

    async def books(self) -> dict[str, int]:
        """Balance by account, once the books show the whole log; they must come to zero."""
        admin = await self.caller()

        async def caught_up() -> dict[str, int]:
            page = (await admin.get("/api/v1/trial-balance")).json()
            assert page["asOf"]["money"] >= page["asOf"]["head"], page["asOf"]
            assert set(page["totals"].values()) <= {0}, page["totals"]
            return {row["account"]: row["balance"] for row in page["accounts"] if row["balance"]}

        return await eventually(caught_up)


@asynccontextmanager
async def running(
    database: str, gateway: Gateway, *, workers: int = 1, **changes: Any
) -> AsyncIterator[Running]:
    """The API on the port that the gateway notifies, and so many workers, in this event loop."""
    settings = settings_for(database, gateway, **changes)
    system = Running(settings=settings, gateway=gateway)
    async with system._stack:
        app = create_app(settings)
        system.url = await system._stack.enter_async_context(served(app, settings.port))
        system.wired = app.state.wiring
        timeout = httpx2.Timeout(30, pool=None)
        # Idle for less than the five seconds after which uvicorn closes: else one meets a connection just closed.
        unbounded = httpx2.Limits(
            max_connections=None, max_keepalive_connections=64, keepalive_expiry=2
        )
        system.http = await system._stack.enter_async_context(
            httpx2.AsyncClient(trust_env=False, timeout=timeout, limits=unbounded)
        )
        for _ in range(workers):
            await system.start_worker()
        yield system


def settings_for(database: str, gateway: Gateway, **changes: Any) -> Settings:
    midtrans = {
        "server_key": SERVER_KEY,
        "core_url": gateway.url,
        "snap_url": gateway.url,
        "charge_seconds": 0.75,
        **changes.pop("midtrans", {}),
    }
    given = {
        "database_url": database,
        "database_schema": SCHEMA,
        "master_key": MASTER_KEY,
        "host": LOOPBACK,
        "port": gateway.notify_port,
        "public_url": f"http://{LOOPBACK}:{gateway.notify_port}",
        "readers": 8,
        "lost_after_seconds": 0.5,
        "log_level": "error",
        **changes,
    }
    return Settings(**given, midtrans=MidtransSettings(**midtrans))


class _Quiet(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()  # Ctrl-C belongs to pytest


@asynccontextmanager
async def served(app: Any, port: int) -> AsyncIterator[str]:
    config = uvicorn.Config(
        app,
        LOOPBACK,
        port,
        lifespan="on",
        log_config=None,
        access_log=False,
        backlog=4096,
        timeout_graceful_shutdown=2,
    )
    server = _Quiet(config)
    serving = asyncio.create_task(server.serve())

    async def started() -> None:
        assert server.started or serving.done()

    await eventually(started, STARTS_WITHIN_SECONDS)
    if serving.done():
        serving.result()
        raise RuntimeError("the API did not start")
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def worker(settings: Settings, ahead: Ahead) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with open_wiring(settings, "worker") as wired:
        work = asyncio.create_task(Worker(living_by(ahead, wired), now=ahead).run(stop))
        try:
            yield
        finally:
            stop.set()
            await work


def living_by(ahead: Ahead, wired: Wiring) -> Wiring:
    payments = replace(wired.payments, now=ahead)
    inbox = Inbox(wired.calls, wired.readers, wired.key_ring, clock=ahead)
    return replace(wired, payments=payments, inbox=inbox)


# ── other processes ───────────────────────────────────────────────────────────────────────────────────────────────


class Process:
    """`bukubesar …` as a process of its own, to be killed and started again; `heard` gets its log."""

    def __init__(
        self, command: str, settings: Settings, heard: int | IO[bytes] = subprocess.DEVNULL
    ) -> None:
        self._heard = heard
        self._argv = [sys.executable, "-m", "api.cli", command]
        self._environment = {**os.environ, **environment(settings)}
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._argv, env=self._environment, stdout=subprocess.DEVNULL, stderr=self._heard
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.process = self._start()


@contextmanager
def process(command: str, settings: Settings) -> Iterator[Process]:
    started = Process(command, settings)
    try:
        yield started
    finally:
        started.kill()


@asynccontextmanager
async def api_process(
    system: Running, port: int | None = None
) -> AsyncIterator[tuple[Process, str]]:
    """Another API on the same database, and its address once it answers."""
    settings = system.settings.model_copy(update={"port": port or free_port()})
    url = f"http://{LOOPBACK}:{settings.port}"
    with process("serve", settings) as started:
        await answering(system.http, url)
        yield started, url


async def answering(http: httpx2.AsyncClient, url: str) -> None:
    async def healthy() -> None:
        with contextlib.suppress(httpx2.TransportError):
            assert (await http.get(f"{url}/ready")).status_code == 200
            return
        raise AssertionError(f"{url} does not answer")

    await eventually(healthy, STARTS_WITHIN_SECONDS)


def environment(settings: Settings) -> dict[str, str]:
    given: dict[str, Any] = {}
    for name, value in settings.model_dump(exclude={"postgres_bin"}).items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        given |= {f"{name}__{part}".removesuffix("__"): one for part, one in parts}
    return {
        f"BUKUBESAR_{name.upper()}": _revealed(value)
        for name, value in given.items()
        if value is not None
    }


def _revealed(value: Any) -> str:
    return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


@contextmanager
def simulator(**changes: str) -> Iterator[tuple[str, int]]:
    """Its address, and the port on this machine that it sends notices to. Options may be changed by name."""
    port, notify_port = free_port(), free_port()
    options: Mapping[str, Any] = {
        "port": port,
        "server-key": SERVER_KEY,
        "client-key": CLIENT_KEY,
        "notify-url": f"http://{LOOPBACK}:{notify_port}/api/v1/webhooks/midtrans",
        "notify-time-scale": 0.01,
        "refund-confirm-seconds": 0.05,
        "tick-seconds": 0.02,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    started = subprocess.Popen(
        [sys.executable, "-m", "simulator", *words], stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(f"http://{LOOPBACK}:{port}/_control/clock", started)
        yield f"http://{LOOPBACK}:{port}", notify_port
    finally:
        started.terminate()
        started.wait(timeout=10)


def _wait_for(url: str, started: "subprocess.Popen[bytes]") -> None:
    give_up_at = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < give_up_at and started.poll() is None:
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(url, timeout=1, trust_env=False).is_success:
                return
        time.sleep(0.05)
    raise RuntimeError("the simulator did not start")


# ── fixtures, for the conftests of journeys and faults ────────────────────────────────────────────────────────────

_SIMULATOR = pytest.StashKey[tuple[str, int]]()


@pytest.fixture(scope="session")
def simulated(request: pytest.FixtureRequest) -> tuple[str, int]:
    """One simulator for all tests of this process, however many conftests ask for it."""
    stash = request.config.stash
    if _SIMULATOR not in stash:
        started = simulator()
        stash[_SIMULATOR] = started.__enter__()
        request.config.add_cleanup(lambda: started.__exit__(None, None, None))
    return stash[_SIMULATOR]


@pytest.fixture
async def gateway(simulated: tuple[str, int]) -> AsyncIterator[Gateway]:
    outside = Gateway(*simulated)
    await outside.forget_faults()
    yield outside
    await outside.forget_faults()
    await outside.close()


@pytest.fixture
async def system(ledger_database: str, gateway: Gateway) -> AsyncIterator[Running]:
    async with running(ledger_database, gateway) as started:
        yield started


@pytest.fixture
async def shop(system: Running) -> Caller:
    """The merchant's own program; its key may do all that a journey needs."""
    return await system.caller("admin")

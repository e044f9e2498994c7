"""`bukubesar up`: PostgreSQL, the gateway's simulator, the API and workers on one machine, until
Ctrl-C.

Everything that has to outlive a run lies in the data folder: the cluster, the master key, and the
first API key.
"""

import asyncio
import base64
import json
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from api.children import Children
from api.embedded import STOP_WITHIN_SECONDS, EmbeddedPostgres, default_data_dir
from api.gateway_clock import PATH as CLOCK
from api.gateway_clock import gateway_clock
from api.tools import ERASURES, SEALS, note_running, note_stopped
from api.wiring import open_wiring, prepare
from ledger.errors import Unavailable
from ledger.settings import Settings

READY_WITHIN_SECONDS: Final = 60.0
LOOPBACK: Final = "127.0.0.1"
SERVER_KEY: Final = "SB-Mid-server-bukubesar"
CLIENT_KEY: Final = "SB-Mid-client-bukubesar"
MERCHANT_ID: Final = "G000000001"


class PortTaken(Unavailable):
    code = "port_taken"
    title = "Another program listens on this port; choose another one."


class NotUp(Unavailable):
    code = "not_up"
    title = "A part did not come up in time; its log says why."


@dataclass(frozen=True, kw_only=True)
class Asked:
    port: int = 8080
    simulator_port: int = 8081
    data_dir: Path | None = None
    workers: int = 1


@dataclass(frozen=True, kw_only=True)
class Running:
    """What is printed once everything answers."""

    api: str
    simulator: str
    database: str
    key: str
    pids: Mapping[str, int]

    def as_json(self) -> str:
        return json.dumps(self.__dict__ | {"pids": dict(self.pids)})


class Deployment:
    """All parts of one machine. `start` returns when they answer; `stop` ends them in order."""

    def __init__(self, asked: Asked, settings: Settings) -> None:
        self._asked = asked
        self._given = settings
        self.data_dir = (asked.data_dir or default_data_dir()).resolve()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._postgres: EmbeddedPostgres | None = None
        self._stopping = threading.Event()
        self._keeper: threading.Thread | None = None
        self.children = Children()

    def start(self) -> Running:
        api_port, simulator_port = map(_free, (self._asked.port, self._asked.simulator_port))
        api, simulator = (f"http://{LOOPBACK}:{port}" for port in (api_port, simulator_port))
        settings = self._settings(self._database(), api_port, simulator)
        prepare(settings)
        database = settings.database_url.get_secret_value()
        note_running(self.data_dir, database, settings.midtrans.core_url)
        key = asyncio.run(_first_key(settings, self.data_dir / "api.key"))
        environment = _environment(settings)
        if settings.midtrans.core_url == simulator:
            self._start_simulator(simulator_port, api)
            asyncio.run(_bring_along(settings, simulator))
        self._start("api", ["serve"], environment)
        for number in range(1, self._asked.workers + 1):
            self._start(f"worker-{number}", ["work"], environment)
        _wait_until_answers(f"{api}/ready")
        return Running(
            api=api,
            simulator=settings.midtrans.core_url,
            database=database,
            key=key,
            pids=self._pids(),
        )

    def run_until_signal(self) -> None:
        self.children.run_until_signal()

    def stop(self) -> None:
        self.children.stop()
        note_stopped(self.data_dir)
        self._stopping.set()
        if self._keeper is not None:
            self._keeper.join(STOP_WITHIN_SECONDS)
        if self._postgres is not None:
            self._postgres.stop()

    def _pids(self) -> dict[str, int]:
        postgres = self._postgres.pid if self._postgres else None
        return {"postgres": postgres} | self.children.pids() if postgres else self.children.pids()

    def _database(self) -> str:
        if given := self._given.database_url.get_secret_value():
            return given
        self._postgres = EmbeddedPostgres(self.data_dir, bin_dir=self._given.postgres_bin)
        database = self._postgres.start()
        self._keeper = threading.Thread(
            target=self._postgres.keep_running, args=(self._stopping,), name="postgres", daemon=True
        )
        self._keeper.start()
        return database

    def _settings(self, database: str, port: int, simulator: str) -> Settings:
        """What was given, completed: nobody needs to set anything to try it."""
        midtrans = self._given.midtrans
        if not midtrans.server_key.get_secret_value():
            midtrans = midtrans.model_copy(
                update={
                    "server_key": type(midtrans.server_key)(SERVER_KEY),
                    "core_url": simulator,
                    "snap_url": simulator,
                }
            )
        seals, erasures = self._given.seals, self._given.erasures_file
        if not self._given.database_url.get_secret_value():
            erasures = erasures or self.data_dir / ERASURES
            if not (seals.file or seals.folder):
                seals = seals.model_copy(update={"file": self.data_dir / SEALS})
        secret = type(self._given.master_key)
        master = self._given.master_key.get_secret_value() or _master_key(self.data_dir)
        return self._given.model_copy(
            update={
                "database_url": secret(database),
                "master_key": secret(master),
                "host": LOOPBACK,
                "port": port,
                "midtrans": midtrans,
                "seals": seals,
                "erasures_file": erasures,
            }
        )

    def _start(self, name: str, arguments: list[str], environment: Mapping[str, str]) -> None:
        argv = [sys.executable, "-m", "api.cli", *arguments]
        self.children.start(name, argv, env=environment, log_file=self.data_dir / f"{name}.log")

    def _start_simulator(self, port: int, api: str) -> None:
        argv = [sys.executable, "-m", "api.cli", "simulator", "--port", str(port)]
        argv += [
            "--server-key",
            SERVER_KEY,
            "--client-key",
            CLIENT_KEY,
            "--merchant-id",
            MERCHANT_ID,
        ]
        argv += ["--notify-url", f"{api}/api/v1/webhooks/midtrans"]
        self.children.start(
            "simulator", argv, env=dict(os.environ), log_file=self.data_dir / "simulator.log"
        )


def _master_key(data_dir: Path) -> str:
    """Made once, kept readable by its owner alone: without it no API key and no personal field can
    be read.
    """
    return _kept(
        data_dir / "master.key", lambda: base64.b64encode(secrets.token_bytes(32)).decode()
    )


def _kept(path: Path, make: Any) -> str:
    if path.exists():
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    text: str = make()
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    return text


async def _first_key(settings: Settings, path: Path) -> str:
    """An admin's key for whoever started this machine; it is made again when it was revoked or has
    expired.
    """
    async with open_wiring(settings, "tool") as wired:
        if path.exists():
            try:
                await wired.api_keys.authenticate(kept := path.read_text().strip())
                return kept
            except Exception:
                path.unlink()
        key, _ = await wired.api_keys.issue(
            "admin", "local", "first key of `bukubesar up`", by="cli:up"
        )
    return _kept(path, lambda: key)


async def _bring_along(settings: Settings, simulator: str) -> None:
    """It begins in real time, and has to be where a simulated clock stands before anybody asks."""
    async with open_wiring(settings, "tool") as wired:
        if wired.simulated_clock is None:
            return
        await asyncio.to_thread(_wait_until_answers, f"{simulator}{CLOCK}")
        async with gateway_clock(simulator) as gateway:
            assert gateway is not None, "it has just answered"
            frozen = wired.simulated_clock.hands.frozen_at is not None
            await gateway.set(wired.simulated_clock.now(), frozen=frozen)


def _environment(settings: Settings) -> dict[str, str]:
    """The settings as a child reads them; secrets travel in the environment, never on a command
    line.
    """
    ours = {
        f"BUKUBESAR_{name.upper()}": _revealed(value)
        for name, value in _flat(settings.model_dump(exclude={"postgres_bin"}))
        if value is not None
    }
    return {**os.environ, **ours}


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from ((f"{name}__{inner}", more) for inner, more in _flat(value))
        else:
            yield name, value


def _revealed(value: Any) -> str:
    return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


def _free(port: int) -> int:
    """The port itself when nobody listens there, any free one for 0; raises PortTaken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise PortTaken(
                f"Port {port} is taken; give another with --port or --simulator-port."
            ) from None
        return int(probe.getsockname()[1])


def _wait_until_answers(url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = httpx2.get(url, timeout=1)
            # Halted read models of money keep nothing else from its work, nor from being repaired.
            if answer.status_code == 200 or b'"haltedAt"' in answer.content:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.05)
    raise NotUp(f"{url} did not answer within {READY_WITHIN_SECONDS:g} s.")

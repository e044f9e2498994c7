"""Programs of the product as processes that can be killed, frozen and ended, and that are started again.

`api.children` does the same for `bukubesar up`, ever more slowly; here a victim has to be back soon, or nothing is
left to kill.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from api.children import PARENT_PIPE, processes_about
from api.embedded import EmbeddedPostgres

AGAIN_AFTER_SECONDS: Final = 0.1
WATCH_SECONDS: Final = 0.05
STARTS_WITHIN_SECONDS: Final = 60.0
ENDS_WITHIN_SECONDS: Final = 20.0
DESCRIPTORS_WHEN_UP: Final = 12

TESTS: Final = Path(__file__).resolve().parents[2]


class Program:
    """One process that is wanted."""

    def __init__(
        self,
        name: str,
        kind: str,
        argv: Sequence[str],
        env: dict[str, str],
        log_file: Path,
        lifeline: int,
    ) -> None:
        """`lifeline` is the read end of a pipe whose write end only we hold: with us, it dies."""
        self.name, self.kind, self.log_file = name, kind, log_file
        self._argv, self.env, self._lifeline = argv, env, lifeline
        self.before_again: Callable[[int], None] | None = None  # told the code it ended with
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._frozen = False
        self._port = int(env.get("BUKUBESAR_PORT", 0)) if kind == "api" else 0
        self.ended_by_itself: Counter[int] = Counter()  # by exit code

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def is_up(self) -> bool:
        """It has imported what it needs and talks to PostgreSQL: from then on a kill can hurt."""
        try:
            return (
                self.is_running and len(os.listdir(f"/proc/{self.pid}/fd")) >= DESCRIPTORS_WHEN_UP
            )
        except OSError:
            return False

    @property
    def is_serving(self) -> bool:
        """It takes connections, and is not frozen."""
        if self._frozen or not self.is_running:
            return False
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def start(self) -> None:
        self._wanted = True
        with self.log_file.open("ab") as output:
            self._process = subprocess.Popen(
                self._argv,
                env={**self.env, PARENT_PIPE: str(self._lifeline)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(self._lifeline,),
            )

    async def watch(self) -> None:
        """Starts it again whenever it has ended while it is wanted."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if not self._wanted or self.is_running:
                continue
            code = self._process.returncode if self._process else 0
            if code != -signal.SIGKILL:
                self.ended_by_itself[code] += 1
            await asyncio.sleep(AGAIN_AFTER_SECONDS)
            if self._wanted:
                if self.before_again:
                    self.before_again(code)
                self.start()

    async def kill(self) -> bool:
        """kill -9; False when there was nothing to kill."""
        if not self._send(signal.SIGKILL):
            return False
        await self._gone()
        return True

    async def freeze(self, seconds: float) -> bool:
        """False when it was not there, or is frozen already. What froze may be killed meanwhile."""
        process = self._process
        if self._frozen or not self._send(signal.SIGSTOP):
            return False
        self._frozen = True
        try:
            await asyncio.sleep(seconds)
        finally:
            self._frozen = False
            if process and process.poll() is None:
                process.send_signal(signal.SIGCONT)
        return True

    async def restart(self) -> bool:
        """Politely, as an upgrade does it: it finishes what it has begun."""
        if self._frozen or not self._send(signal.SIGTERM):
            return False
        await self._gone()
        return True

    async def end(self) -> None:
        self._wanted = False
        if self._send(signal.SIGTERM):
            await self._gone()

    def _send(self, number: signal.Signals) -> bool:
        process = self._process
        if process is None or process.poll() is not None:
            return False
        process.send_signal(number)
        return True

    async def _gone(self) -> None:
        process = self._process
        until = time.monotonic() + ENDS_WITHIN_SECONDS
        while process and process.poll() is None:
            if time.monotonic() > until:
                process.kill()
            await asyncio.sleep(0.01)


class Database:
    """PostgreSQL with all its processes: killing the postmaster alone leaves backends that hold its shared memory
    (reliability.md 5.1).
    """

    name = kind = "postgres"

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self.postgres = postgres
        self.recoveries: list[float] = []  # seconds from the start to the first answer
        self.failures: list[str] = []  # of starts that had to be repeated
        self._busy = asyncio.Lock()

    @property
    def is_running(self) -> bool:
        return self.postgres.pid is not None and not self._busy.locked()

    async def kill(self, down_seconds: float = 0.0) -> bool:
        """All of it at once, and up again; returns when it answers."""
        if self._busy.locked():
            return False
        async with self._busy:
            self._signal_all(signal.SIGKILL)
            # One that is about to be gone has no name any more and is not reaped yet.
            while self._processes() or self.postgres.pid:
                self._signal_all(signal.SIGKILL)
                await asyncio.sleep(0.01)
            await asyncio.sleep(down_seconds)
            began = time.monotonic()
            await self._start()
            self.recoveries.append(round(time.monotonic() - began, 3))
        return True

    async def _start(self) -> None:
        """A supervisor tries again: right after a kill, something of the old server may still be there."""
        until = time.monotonic() + STARTS_WITHIN_SECONDS
        while True:
            try:
                await asyncio.to_thread(self.postgres.start)
            except Exception as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.2)
            else:
                return

    async def freeze(self, seconds: float) -> bool:
        if self._busy.locked():
            return False
        async with self._busy:
            self._signal_all(signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                self._signal_all(signal.SIGCONT)
        return True

    async def restart(self) -> bool:
        """Stopped in order, and started."""
        if self._busy.locked():
            return False
        async with self._busy:
            await asyncio.to_thread(self.postgres.stop)
            await self._start()
        return True

    def _processes(self) -> list[int]:
        """The postmaster first, or it would fork new backends."""
        (cluster,) = (
            path for path in (self.postgres.data_dir / "pg").iterdir() if path.name.isdigit()
        )
        found = processes_about(cluster, "postgres")
        return sorted(found, key=lambda pid: " -D " not in found[pid])

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in self._processes():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def python(*words: str) -> list[str]:
    return [sys.executable, "-m", *words]


def tests_on_path() -> dict[str, str]:
    """As a test, a program is not started with the tests' folder on its path, as `make chaos` is."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))}

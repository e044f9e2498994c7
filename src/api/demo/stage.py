"""A deployment of the demo's own: `bukubesar up` in a folder of its own, and keys for it. It never
touches another.
"""

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from api.children import Watchdog
from api.durability import take_lock

MARKER: Final = ".bukubesar-demo"  # what says that a folder is ours to empty
SERVERS_LOCK: Final = "supervisor.lock"  # that of api/embedded.py
LOG: Final = "up.log"
UP_WITHIN_SECONDS: Final = 90.0
STOP_WITHIN_SECONDS: Final = 30.0

# Nothing of the caller's own deployment may be met: no database, no account at the real gateway.
KEPT_SETTINGS: Final = ("BUKUBESAR_POSTGRES_BIN",)
# A charge that the gateway says it never saw is sent again once it can no longer be on its way.
# Here gateway and
# ledger share one machine, so that is seconds instead of minutes.
OWN_SETTINGS: Final = {
    "BUKUBESAR_LOST_AFTER_SECONDS": "3",
    "BUKUBESAR_SIMULATED_CLOCK": "true",  # a month is to pass
}


class NotADemoFolder(RuntimeError):
    """It holds something that no demo has put there."""


class NotStarted(RuntimeError):
    """`bukubesar up` ended or stayed silent."""


class Stage(msgspec.Struct, frozen=True):
    """The line that `bukubesar up --json` prints; its key is an admin's, so it is not used."""

    api: str
    simulator: str
    database: str


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """The folder without what an earlier demo left; ours alone until the end."""
    folder.mkdir(parents=True, exist_ok=True)
    marker, server = folder / MARKER, folder / SERVERS_LOCK
    if not marker.exists() and any(folder.iterdir()):
        raise NotADemoFolder(f"{folder} holds something else; name another folder with --data-dir.")
    with take_lock(marker):
        with take_lock(server):  # a replay may be reading what an earlier demo left
            _empty(folder, but=(marker, server))
        yield folder


def _empty(folder: Path, but: Collection[Path]) -> None:
    for left in set(folder.iterdir()) - set(but):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


@contextmanager
def started(folder: Path) -> Iterator[Stage]:
    """Everything answers when this begins, and is stopped when it ends, however it ends."""
    argv = _bukubesar(
        "up", "--json", "--port", "0", "--simulator-port", "0", "--data-dir", str(folder)
    )
    watchdog = Watchdog()
    with open(folder / LOG, "ab") as log:
        # In a process group of its own: a Ctrl-C is for us, who then stop it in order.
        process = subprocess.Popen(
            argv, env=_environment(), stdout=subprocess.PIPE, stderr=log, process_group=0
        )
    try:
        watchdog.guard(process.pid)
        yield _first_line(process, folder / LOG)
    finally:
        _stop(process)
        watchdog.release()


def issue_keys(folder: Path, *roles: str) -> list[str]:
    """One key a role, made as an operator makes them."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda role: _issue_key(folder, role), roles))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the product, as an operator would give it."""
    return subprocess.run(
        _bukubesar(*arguments), env=_environment(), capture_output=True, text=True, check=False
    )


def _issue_key(folder: Path, role: str) -> str:
    done = run("keys", "create", "--role", role, "--label", "demo", "--data-dir", str(folder))
    if done.returncode:
        raise NotStarted(f"No {role} key was made: {done.stderr.strip()}")
    return done.stdout.strip()


def _bukubesar(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "api.cli", *arguments]


def _environment() -> Mapping[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT_SETTINGS or not name.startswith("BUKUBESAR_")
    }
    return inherited | OWN_SETTINGS


def _first_line(process: subprocess.Popen[bytes], log: Path) -> Stage:
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    assert process.stdout is not None
    threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True).start()  # type: ignore[union-attr]
    try:
        line = lines.get(timeout=UP_WITHIN_SECONDS)
    except queue.Empty:
        raise NotStarted(f"Nothing answered within {UP_WITHIN_SECONDS:g} s; see {log}.") from None
    if not line:
        raise NotStarted(
            f"`bukubesar up` ended: {log.read_text(errors='replace')[-2000:].strip() or 'without a word'}"
        )
    return msgspec.json.decode(line, type=Stage)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # its parts follow it, for they watch it
        process.wait()

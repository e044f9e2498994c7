"""What may happen to a PostgreSQL server of the test's own, and the end of it."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from api.children import processes_about
from api.embedded import EmbeddedPostgres
from api.postgres_binaries import server_account

PIECE = 1024 * 1024
DROPS = (64 * 1024, 4096, 512, 1)

Taken = psycopg.Connection[tuple[object, ...]]


def cluster(postgres: EmbeddedPostgres) -> Path:
    (folder,) = (found for found in (postgres.data_dir / "pg").iterdir() if found.name.isdigit())
    return folder


def pids(postgres: EmbeddedPostgres) -> list[int]:
    """The server's first, then everything that it has started and that works in its folder."""
    found = processes_about(cluster(postgres), "postgres")
    return sorted(found, key=lambda pid: (pid != postgres.pid, pid))


@contextmanager
def frozen(postgres: EmbeddedPostgres) -> Iterator[None]:
    """As a machine that stands still: connections are taken, and nobody ever answers."""
    stopped = pids(postgres)
    for pid in stopped:  # the server first, so that it starts no more
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def stop_at_once(postgres: EmbeddedPostgres) -> None:
    """No farewell to anybody, and the write-ahead log is replayed at the next start."""
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGQUIT)
    postgres.stop()  # waits for it


def kill(postgres: EmbeddedPostgres) -> None:
    """All of it: a backend that outlives its server keeps the memory, and nothing may start beside."""
    for pid in pids(postgres):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    postgres.stop()  # reaps it


@contextmanager
def no_slots(dsn: str) -> Iterator[list[Taken]]:
    """Somebody else has taken every connection that the server gives, those for superusers too."""
    taken: list[Taken] = []
    take_all(dsn, taken)
    try:
        yield taken
    finally:
        for conn in taken:
            conn.close()


def take_all(dsn: str, taken: list[Taken]) -> None:
    with suppress(psycopg.OperationalError):
        while True:
            taken.append(psycopg.connect(dsn, autocommit=True, connect_timeout=3))


def take_ours(dsn: str, taken: list[Taken]) -> None:
    """Those that processes of ours have, too; they ask for new ones at once, and lose in the end."""
    ours = "from pg_stat_activity where application_name like 'bukubesar %'"
    quiet = 0
    while quiet < 5:  # one that was ended keeps its place for a moment
        ended = taken[0].execute(f"select pg_terminate_backend(pid) {ours}").rowcount
        take_all(dsn, taken)
        quiet = 0 if ended else quiet + 1
        time.sleep(0.1)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system in memory, of its own and only so large. Skips where nobody may mount one."""
    place = Path(tempfile.mkdtemp(prefix="bukubesar-disk-"))
    argv = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(place)]
    if subprocess.run(argv, capture_output=True, check=False).returncode:
        place.rmdir()
        pytest.skip("no right to mount a file system here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()


def folder_of_the_server(path: Path) -> Path:
    path.mkdir(mode=0o700)
    server_account().take(path)
    return path


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Not one more block is to be had there."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (PIECE, *DROPS):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        ballast.unlink()

"""What must hold before money is written: safe settings, and a data folder that is ours alone."""

import fcntl
import os
import secrets
import shutil
import signal
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

import psycopg

from api.children import command_line, processes_about
from ledger.errors import LedgerError

OLDEST_VERSION: Final = 15_00_00

# A server that says "committed" before it is so may lose a payment that was already answered.
# Of synchronous_commit every value but "off" waits for our own disk.
NEVER_OFF: Final = ("fsync", "full_page_writes", "synchronous_commit")

PREDECESSOR_GRACE_SECONDS: Final = 1.0  # its watchdog should have ended it by then
PREDECESSOR_GONE_WITHIN_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.01

ASKED: Final = (*NEVER_OFF, "server_encoding", "server_version", "server_version_num")


class UnsafeDatabase(LedgerError):
    """`settings` are the offending ones, as the server names them."""

    code = "unsafe_database"
    title = "This PostgreSQL could lose what it has acknowledged; it must not hold a ledger."

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings
        found = ", ".join(f"{name} = {value}" for name, value in settings.items())
        super().__init__(
            f"This database must not hold a ledger: {found}. Needed are fsync, full_page_writes "
            f"and synchronous_commit on, encoding UTF8, and PostgreSQL {OLDEST_VERSION // 10_000} "
            "or newer."
        )


def check_durability(conninfo: str) -> None:
    """Raises UnsafeDatabase. Sees what a session of ours gets, so defaults of role and database."""
    # client_encoding, because psycopg reads text of an SQL_ASCII database as bytes.
    with psycopg.connect(conninfo, connect_timeout=10, client_encoding="utf8") as db:
        rows = db.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(ASKED)]
        ).fetchall()
    if offending := _offending(dict(rows)):
        raise UnsafeDatabase(offending)


def _offending(settings: dict[str, str]) -> dict[str, str]:
    found = {name: settings[name] for name in NEVER_OFF if settings[name] == "off"}
    if settings["server_encoding"] != "UTF8":
        found["server_encoding"] = settings["server_encoding"]
    if int(settings["server_version_num"]) < OLDEST_VERSION:
        found["server_version"] = settings["server_version"]
    return found


class DataFolderRefused(LedgerError):
    """Nothing in the folder was changed."""

    code = "data_folder_refused"
    title = "The data folder is unsafe or out of reach."


class DataFolderInUse(LedgerError):
    """Two servers on one data folder would destroy it."""

    code = "data_folder_in_use"
    title = "Another process serves this data folder."


def take_lock(path: Path) -> TextIO:
    """Held until we close it or die. The pid in it is only for the message."""
    lock = open(path, "a+", opener=private)  # noqa: SIM115 - it stays open as long as we serve
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = lock.read().strip()
        lock.close()
        raise DataFolderInUse(f"{path.parent} is already served by process {owner}.") from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def private(path: str, flags: int) -> int:
    """For `open(..., opener=private)`: nobody else may read a file that this makes."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def refuse_shared(folder: Path, uid: int) -> None:
    status = folder.lstat()  # of the folder itself, so that a link put there by another is refused
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid:
        raise DataFolderRefused(f"{folder} is not a folder of the account that runs the server.")
    if status.st_mode & 0o077:
        raise DataFolderRefused(f"{folder} is open to others. Close it with: chmod 700 {folder}")


def refuse_other_version(cluster: Path, version: str) -> None:
    """An empty new cluster beside an old full one would look like a ledger that lost everything."""
    if others := [path for path in cluster.parent.iterdir() if path.name.isdigit()]:
        raise DataFolderRefused(
            f"{others[0]} holds the data of another PostgreSQL than these binaries ({version}). "
            "Name its own in BUKUBESAR_POSTGRES_BIN, or upgrade it first."
        )


def wait_for_predecessor(cluster: Path) -> None:
    """We hold the lock, so a server still here has lost its supervisor: it ends, or we end it."""
    began, told = time.monotonic(), set[int]()
    while remaining := _leftovers(cluster):
        waited = time.monotonic() - began
        if waited > PREDECESSOR_GONE_WITHIN_SECONDS:
            raise DataFolderInUse(f"PostgreSQL {sorted(remaining)} still runs in {cluster}.")
        if waited > PREDECESSOR_GRACE_SECONDS:
            for pid in remaining.keys() - told:
                with suppress(ProcessLookupError):
                    os.kill(pid, remaining[pid])
            told |= remaining.keys()
        time.sleep(POLL_SECONDS)
    # PostgreSQL takes any process of its own account with the noted pid for a living server, and
    # where a container starts again the same few pids return.
    if command_line(_noted_pid(cluster)):
        (cluster / "postmaster.pid").unlink()


def _leftovers(cluster: Path) -> dict[int, signal.Signals]:
    """The server and how to end it. Without one: backends that outlived a killed server, and that
    keep its shared memory. A server may not start beside these."""
    named, noted = f" -D {cluster} ", _noted_pid(cluster)
    here = processes_about(cluster, "postgres")
    servers = {pid for pid, command in here.items() if named in command}
    if noted in here or named in command_line(noted):
        servers.add(noted)
    return dict.fromkeys(servers, signal.SIGINT) or dict.fromkeys(here, signal.SIGQUIT)


def _noted_pid(cluster: Path) -> int:
    """0, which is nobody's, when there is none."""
    return next((int(line) for line in postmaster_lines(cluster)[:1] if line.isdigit()), 0)


def postmaster_lines(cluster: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return (cluster / "postmaster.pid").read_text().splitlines()
    return []


def password_file(cluster: Path) -> Path:
    return cluster.with_name(f"{cluster.name}.password")


def new_password(cluster: Path) -> Path:
    """Its file, beside the cluster that is about to be made with it."""
    path = password_file(cluster)
    with open(path, "w", opener=private) as file:
        file.write(f"{secrets.token_urlsafe(24)}\n")
    return path


def remove_drafts(target: Path) -> None:
    """Of killed attempts. An initdb that outlived its owner may still write: next time, then."""
    for stale in target.parent.glob(f"{target.name}.new-*"):
        shutil.rmtree(stale, ignore_errors=True)


def new_draft(target: Path) -> Path:
    """An empty folder to be renamed to `target` once complete."""
    return Path(tempfile.mkdtemp(prefix=f"{target.name}.new-", dir=target.parent))


def keep_on_disk(*paths: Path) -> None:
    """A file's content, a folder's names: without it a power cut may undo a rename."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

"""A PostgreSQL server of our own, so that `bukubesar up` needs nothing but Python packages.

Below the data folder: `pg/<major>` (the cluster) and its password, `postgres.log`, the
supervisor's lock and, where root needed it, `runtime-<version>` (a copy of the binaries).
"""

import hashlib
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self, TextIO
from urllib.parse import quote

import platformdirs
import psycopg
import structlog
from psycopg import sql

from api.children import Watchdog
from api.durability import (
    DataFolderRefused,
    keep_on_disk,
    new_draft,
    new_password,
    password_file,
    postmaster_lines,
    private,
    refuse_other_version,
    refuse_shared,
    remove_drafts,
    take_lock,
    wait_for_predecessor,
)
from api.postgres_binaries import Account, Binaries, find_binaries, server_account
from ledger.errors import LedgerError

NAME: Final = "bukubesar"  # of the database, of its superuser, and of our folders
DEFAULT_PORT: Final = 5432  # without TCP it only names the socket file
LONGEST_SOCKET: Final = 103  # bytes; macOS has room for 104 with the final NUL, Linux for 108
READY_WITHIN_SECONDS: Final = 120.0  # replaying the WAL after a crash may take a while
STOP_WITHIN_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.01
LOOK_EVERY_SECONDS: Final = 1.0

SETTINGS: Final = MappingProxyType(
    {
        "max_connections": "200",
        "shared_buffers": "512MB",
        # At the default of 1 GB, a day of renewals made checkpoints so often that two thirds of what
        # it wrote were whole pages.
        "max_wal_size": "2GB",
        # Its files are written over rather than made anew, each of which kept all callers waiting.
        "min_wal_size": "1GB",
    }
)


class EmbeddedPostgresFailed(LedgerError):
    """The message quotes PostgreSQL."""

    code = "embedded_postgres_failed"
    title = "PostgreSQL itself refused, or did not finish in time."


def default_data_dir() -> Path:
    """Root's own home is closed to the account that the server runs as, so root gets /var/lib."""
    own = platformdirs.user_data_path(NAME)
    account = server_account()
    return Path("/var/lib", NAME) if account.lent and account.blocked_at(own) else own


class EmbeddedPostgres:
    """Dies with us, however we die. Not to be shared with processes made by a bare fork."""

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] = MappingProxyType({}),
        bin_dir: Path | None = None,
        tcp_port: int | None = None,
        log: Any = None,
    ) -> None:
        """`tcp_port` also listens on 127.0.0.1, 0 on any free port; `settings` is for tests."""
        self.data_dir = data_dir.resolve()
        self.port = DEFAULT_PORT if tcp_port is None else tcp_port or _free_port()
        listen = {"listen_addresses": "" if tcp_port is None else "127.0.0.1"}
        self._settings = {**SETTINGS, **listen, **settings}
        self._bin_dir = bin_dir
        self._log_file = self.data_dir / "postgres.log"
        self._log = log or structlog.get_logger(__name__)
        self._lock: TextIO | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._watchdog: Watchdog | None = None
        self._sockets: Path | None = None
        self._dsn: str | None = None

    @property
    def dsn(self) -> str:
        """Of the running server; carries the password, so not for logs."""
        if not self._dsn:
            raise EmbeddedPostgresFailed("PostgreSQL is not started.")
        return self._dsn

    @property
    def pid(self) -> int | None:
        if self._server and self._server.poll() is None:
            return self._server.pid
        if self._watchdog:
            self._watchdog.release()
        return None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> str:
        """The DSN of the database, once it answers. The first start makes the cluster."""
        if self.pid and self._dsn:
            return self._dsn
        self.stop()
        began = time.monotonic()
        account = server_account()
        try:
            _make_reachable(self.data_dir, account)
            self._lock = take_lock(self.data_dir / "supervisor.lock")
            self._dsn = self._start_as(account)
        except BaseException as error:
            self.stop()
            if isinstance(error, PermissionError):
                raise DataFolderRefused(f"Not allowed in {self.data_dir}: {error}") from error
            raise
        seconds = round(time.monotonic() - began, 3)
        self._log.info("postgres.started", pid=self.pid, data_dir=str(self.data_dir), took=seconds)
        return self._dsn

    def stop(self) -> None:
        """Fast shutdown, then immediate shutdown (the WAL makes good for it); never SIGKILL."""
        for step in (signal.SIGINT, signal.SIGQUIT):
            if self._server and self.pid:
                self._server.send_signal(step)
                with suppress(subprocess.TimeoutExpired):
                    self._server.wait(STOP_WITHIN_SECONDS)
        if self.pid:
            raise EmbeddedPostgresFailed(f"PostgreSQL (pid {self.pid}) does not stop.")
        if self._sockets:
            with suppress(OSError):  # stays when a crashed server left its socket; reused then
                self._sockets.rmdir()
        if self._lock:
            self._lock.close()
        self._lock = self._watchdog = self._server = self._sockets = self._dsn = None

    def keep_running(self, stopping: threading.Event) -> None:
        """Start it again whenever it has ended; returns once `stopping` is set. PostgreSQL replaces
        processes of its own, but gives up when it cannot replay its log, as on a full disk.
        """
        while not stopping.wait(LOOK_EVERY_SECONDS):
            if not self.pid:
                self._log.warning("postgres.died", data_dir=str(self.data_dir))
                try:
                    self.start()
                except (LedgerError, OSError, psycopg.Error) as error:
                    self._log.error("postgres.not_started", error=str(error))

    def _start_as(self, account: Account) -> str:
        binaries = find_binaries(account, configured=self._bin_dir, copies=self.data_dir)
        cluster = self.data_dir / "pg" / str(binaries.major)
        remove_drafts(cluster)
        if not cluster.exists():
            _create_cluster(cluster, binaries, account, sync=self._settings.get("fsync") != "off")
        refuse_shared(cluster, account.uid)
        wait_for_predecessor(cluster)
        sockets = self._sockets = _socket_folder(cluster, account)
        self._launch(binaries, ["-D", str(cluster), "-k", str(sockets)], account)
        self._wait_until_ready(cluster)
        password = password_file(cluster).read_text().strip()
        place = f"host={quote(str(sockets), safe='')}&port={self.port}"
        _ensure_database(f"postgresql://{NAME}:{password}@/postgres?{place}")
        return f"postgresql://{NAME}:{password}@/{NAME}?{place}"

    def _launch(self, binaries: Binaries, where: list[str], account: Account) -> None:
        self._watchdog = Watchdog()  # first, so that the server never runs without one
        argv = [str(binaries.folder / "postgres"), *where, "-p", str(self.port)]
        argv += [f"--{name}={value}" for name, value in self._settings.items()]
        with open(self._log_file, "ab", opener=private) as output:
            self._server = account.spawn(argv, output)
        self._watchdog.guard(self._server.pid)

    def _wait_until_ready(self, cluster: Path) -> None:
        """PostgreSQL writes its state into the last line of postmaster.pid, as pg_ctl reads it."""
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if not self.pid:
                said = self._log_file.read_text(errors="replace")[-2000:]
                raise EmbeddedPostgresFailed(f"PostgreSQL did not start. It said:\n{said}")
            lines = postmaster_lines(cluster)
            if lines[:1] == [str(self.pid)] and lines[-1].strip() == "ready":
                return
            time.sleep(POLL_SECONDS)
        raise EmbeddedPostgresFailed(f"PostgreSQL is not ready after {READY_WITHIN_SECONDS:.0f} s.")


def _make_reachable(data_dir: Path, account: Account) -> None:
    """Make what is missing; never change what is there."""
    for folder in reversed([data_dir / "pg", data_dir, *data_dir.parents]):
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)  # root's umask may be 077, which would shut the account out
    if blocked := account.blocked_at(data_dir / "pg"):
        raise DataFolderRefused(
            f"The server runs as {account.name}, who may not enter {blocked}. Choose another "
            f"place with --data-dir, or let that account pass: chmod o+x {blocked}"
        )


def _create_cluster(cluster: Path, binaries: Binaries, account: Account, *, sync: bool) -> None:
    """Complete or not at all: made in a draft folder and renamed."""
    refuse_other_version(cluster, binaries.version)
    draft, password = new_draft(cluster), new_password(cluster)
    for path in (draft, password):
        account.take(path)
    argv = [str(binaries.folder / "initdb"), "-D", str(draft), "-U", NAME, "--encoding=UTF8"]
    argv += ["--data-checksums", "--auth-local=scram-sha-256", "--auth-host=scram-sha-256"]
    argv += [f"--pwfile={password}", *([] if sync else ["--no-sync"])]
    for locale in ("C.UTF-8", "C"):  # not every system knows the first
        code, said = account.run([*argv, f"--locale={locale}"])
        if code == 0:
            draft.rename(cluster)
            keep_on_disk(password, cluster.parent, cluster.parent.parent)
            return
    raise EmbeddedPostgresFailed(f"initdb failed. It said:\n{said[-2000:]}")


def _socket_folder(cluster: Path, account: Account) -> Path:
    """A short path, whatever the length of the data folder's; the same at each start."""
    name = f"{NAME}-{hashlib.sha256(os.fsencode(cluster)).hexdigest()[:12]}"
    places = [Path(place).resolve() for place in (tempfile.gettempdir(), "/tmp")]
    for place in places:
        short = len(os.fsencode(place / name / ".s.PGSQL.65535")) <= LONGEST_SOCKET
        if short and not account.blocked_at(place):
            return _own_folder(place / name, account)
    raise DataFolderRefused(f"No folder for sockets in {places}: too long, or out of reach.")


def _own_folder(folder: Path, account: Account) -> Path:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        account.take(folder)
    refuse_shared(folder, account.uid)
    for left in folder.glob(".s.PGSQL.*"):  # no server is here any more: we hold the lock
        left.unlink()
    return folder


def _ensure_database(dsn: str) -> None:
    """Asked at every start: the first one may have been killed between initdb and this."""
    with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as db:
        if not db.execute("SELECT FROM pg_database WHERE datname = %s", [NAME]).rowcount:
            db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

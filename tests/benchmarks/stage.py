"""The database that is measured: a server of our own with everything switched on, and the proof of
it.
"""

import base64
import os
import platform
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from api.embedded import EmbeddedPostgres
from api.postgres_binaries import Binaries, find_binaries, server_account
from api.wiring import prepare
from ledger.eventstore.chain import GENESIS, link
from ledger.settings import MidtransSettings, Settings

SCHEMA: Final = "bukubesar"
SAFE: Final = ("fsync", "synchronous_commit", "full_page_writes")
WATCHED: Final = {"events_append_only", "events_no_truncate"}


class NotSafe(AssertionError):
    """Something that protects the ledger was off: no number of this run may be believed."""


@dataclass(frozen=True)
class Stage:
    """`settings` are a process' own; `conninfo` is the superuser's."""

    folder: Path
    binaries: Binaries
    settings: Settings
    postgres_pid: int

    @property
    def conninfo(self) -> str:
        return self.settings.database_url.get_secret_value()

    def fresh_database(self, name: str) -> str:
        """Another ledger on the same server, laid out like the first one."""
        with psycopg.connect(self.conninfo, autocommit=True) as conn:
            conn.execute(f'drop database if exists "{name}" with (force)'.encode())
            conn.execute(f'create database "{name}"'.encode())
        conninfo = make_conninfo(self.conninfo, dbname=name)
        prepare(self._settings_for(conninfo))
        return conninfo

    @contextmanager
    def part(self, name: str) -> Iterator["Stage"]:
        """A stage on a database of its own, which is gone afterwards, and so is what would be cleaned up in it."""
        conninfo = self.fresh_database(name)
        try:
            yield replace(self, settings=self._settings_for(conninfo))
        finally:
            with psycopg.connect(self.conninfo, autocommit=True) as conn:
                conn.execute(f'drop database "{name}" with (force)'.encode())

    def _settings_for(self, conninfo: str) -> Settings:
        return self.settings.model_copy(update={"database_url": SecretStr(conninfo)})


@contextmanager
def open_stage(
    more: Mapping[str, str] = MappingProxyType({}), *, warm: bool = True
) -> Iterator[Stage]:
    """`more`: settings of PostgreSQL beside those that it is started with."""
    folder = Path(tempfile.mkdtemp(prefix="bukubesar-bench-"))
    folder.chmod(0o755)  # the server's account has to get in
    try:
        with EmbeddedPostgres(folder / "postgres", settings=more) as postgres:
            binaries = find_binaries(server_account(), configured=None, copies=folder / "postgres")
            settings = Settings(
                database_url=SecretStr(postgres.dsn),
                database_schema=SCHEMA,
                master_key=SecretStr(base64.b64encode(secrets.token_bytes(32)).decode()),
                midtrans=MidtransSettings(server_key=SecretStr("SB-Mid-server-bench")),
                log_level="error",
            )
            prepare(settings)
            if warm:
                _warm_up(postgres.dsn)
            yield Stage(folder, binaries, settings, postgres.pid or 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _warm_up(conninfo: str) -> None:
    """What a server has after its first hour: buffers that are in memory, and old files of the write-ahead
    log to write over. Before that every page is asked of the system first, and where that is slow, as on a
    virtual machine, a payment cost PostgreSQL half as much again.
    """
    filled = "create table filling as select repeat('x', 1000) as x from generate_series(1, 600000)"
    logged = (
        "select pg_logical_emit_message(false, 'filling', repeat('x', 100000000))"
        " from generate_series(1, 12)"
    )
    with psycopg.connect(conninfo, autocommit=True) as conn:
        for statement in (filled, "drop table filling", logged, "checkpoint", logged, "checkpoint"):
            conn.execute(statement.encode())


def assert_safe(conninfo: str) -> None:
    """Durability, triggers, sums and the chain, tried on the very database that was measured."""
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(f'set search_path = "{SCHEMA}"'.encode())
        off = [name for name in SAFE if _one(conn, f"show {name}") != "on"]
        if off:
            raise NotSafe(f"off: {', '.join(off)}")
        _assert_guarded(conn)
        _assert_refused(conn, "update events set topic = topic where notification_id = 1")
        _assert_refused(conn, "delete from events where notification_id = 1")
        _assert_unbalanced_refused(conn)
        _assert_chained(conn)


def machine() -> dict[str, Any]:
    """What the numbers were taken on; nothing that names the machine itself."""
    return {
        "cpus": os.cpu_count(),
        "cpu": _cpu(),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()}, built {platform.python_build()[1]}",
        "load_1m": round(os.getloadavg()[0], 2),
    }


def _assert_guarded(conn: psycopg.Connection[Any]) -> None:
    rows = conn.execute(
        "select tgname, tgenabled from pg_trigger where tgrelid = 'events'::regclass and not tgisinternal"
    ).fetchall()
    on = {name for name, enabled in rows if enabled in ("A", b"A")}
    if not on >= WATCHED:
        raise NotSafe(f"triggers that do not always fire: {sorted(WATCHED - on)}")
    if not _one(conn, "select convalidated from pg_constraint where conname = 'entry_balances'"):
        raise NotSafe("entry_balances is missing or was never checked")
    unlogged = _one(conn, "select relpersistence from pg_class where oid = 'events'::regclass")
    if unlogged not in ("p", b"p"):
        raise NotSafe("the log is not kept in the WAL")


def _assert_refused(conn: psycopg.Connection[Any], statement: str) -> None:
    if not _one(conn, "select count(*) from events"):
        return
    try:
        conn.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return
    raise NotSafe(f"was not refused: {statement}")


def _assert_unbalanced_refused(conn: psycopg.Connection[Any]) -> None:
    leg = '{"account":"Assets:A","amount":{"minor":1,"currency":"IDR"}}'
    state = ('{"m":{},"d":{"legs":[' + leg + "]}}").encode()
    try:
        conn.execute(
            "insert into events values ('unbalanced', 1, 'journal.entry_posted.v1', %s, -1, '')",
            [state],
        )
    except psycopg.errors.CheckViolation:
        return
    raise NotSafe("an entry that does not balance was stored")


def _assert_chained(conn: psycopg.Connection[Any], last: int = 20_000) -> None:
    """The newest events, against the formula in Python."""
    head = int(_one(conn, "select coalesce(max(notification_id), 0) from events"))
    first = max(1, head - last)
    rows = conn.execute(
        "select notification_id, originator_id, originator_version, topic, state, hash"
        " from events where notification_id >= %s order by notification_id",
        [first],
    ).fetchall()
    if [row[0] for row in rows] != list(range(first, head + 1)):
        raise NotSafe("positions are not free of gaps")
    previous = GENESIS if first == 1 else None
    for *fields, digest in rows:
        if previous is not None and link(previous, *fields) != bytes(digest):
            raise NotSafe(f"the chain breaks at {fields[0]}")
        previous = bytes(digest)


def _one(conn: psycopg.Connection[Any], query: str) -> Any:
    row = conn.execute(query.encode()).fetchone()
    return row[0] if row else None


def _cpu() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        found = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
        return next(found, platform.machine())

"""What PostgreSQL and others do without us, on the same server: pgbench, the library's own recorder,
COPY out of the log.
"""

import os
import re
import subprocess
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from benchmarks.measuring import Sample, sample
from benchmarks.stage import Stage

STATE: Final = b"x" * 300

# The log's own columns and keys, without what we add (hash, command id, checks, triggers).
EVENT_TABLE: Final = """
create schema if not exists floor;
create table if not exists floor.events (
    originator_id      text collate "C" not null,
    originator_version bigint not null,
    topic              text collate "C" not null,
    state              bytea not null,
    notification_id    bigint generated always as identity,
    primary key (originator_id, originator_version)
);
create unique index if not exists floor_position on floor.events (notification_id);
create table if not exists floor.bare (id bigint generated always as identity primary key, state bytea not null);
"""
SCRIPTS: Final = {
    "event": (
        "\\set version :version + 1\n"
        "insert into floor.events (originator_id, originator_version, topic, state)"
        " values (:run || '-' || :client_id, :version, 'payment.settled.v1', :state);\n"
    ),
    "bare": "insert into floor.bare (state) values (:state);\n",
}


class PgBench:
    """The C client: one prepared INSERT of one row of 300 bytes a transaction, `clients` at once."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._runs = count(1)
        with psycopg.connect(stage.conninfo, autocommit=True) as conn:
            conn.execute(EVENT_TABLE.encode())
        for name, text in SCRIPTS.items():
            self._script(name).write_text(text)

    def insert(self, clients: int, seconds: float, script: str = "event") -> Sample:
        argv = [str(self._stage.binaries.folder / "pgbench"), "--no-vacuum", "-M", "prepared"]
        argv += ["-c", str(clients), "-j", str(min(clients, os.cpu_count() or 1))]
        argv += ["-T", str(max(1, round(seconds))), "-f", str(self._script(script))]
        argv += [
            "-D",
            f"run=r{next(self._runs)}",
            "-D",
            "version=0",
            "-D",
            f"state={STATE.decode()}",
        ]
        said = subprocess.run(
            argv, env=self._environment(), capture_output=True, text=True, check=True
        ).stdout
        return Sample(_number(r"tps = ([\d.]+)", said))

    def _script(self, name: str) -> Path:
        return self._stage.folder / f"{name}.sql"

    def _environment(self) -> dict[str, str]:
        parts = conninfo_to_dict(self._stage.conninfo)
        names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}
        names |= {"password": "PGPASSWORD"}
        return {"LC_ALL": "C"} | {words: str(parts[name]) for name, words in names.items()}


@asynccontextmanager
async def stock_recorder(conninfo: str) -> AsyncIterator[PostgresApplicationRecorder]:
    """The library as it comes: table lock, NOTIFY, a connection a thread; a schema of its own."""
    parts = conninfo_to_dict(conninfo)
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute("create schema if not exists stock")
    store = PostgresDatastore(
        dbname=str(parts["dbname"]),
        host=str(parts["host"]),
        port=str(parts["port"]),
        user=str(parts["user"]),
        password=str(parts["password"]),
        schema="stock",
        pool_size=32,
        originator_id_type="text",
    )
    recorder = PostgresApplicationRecorder(store, events_table_name="stock_events")
    recorder.create_table()
    try:
        yield recorder
    finally:
        store.close()


_streams = count(1)


async def stock_append(
    recorder: PostgresApplicationRecorder, callers: int, seconds: float
) -> Sample:
    """As threads, because the library knows no other way."""
    waited: list[float] = []
    lock = threading.Lock()
    began = time.perf_counter()

    def caller(stream: str) -> None:
        own, version = [], 0
        while time.perf_counter() < began + seconds:
            version += 1
            asked = time.perf_counter()
            recorder.insert_events([StoredEvent(stream, version, "payment.settled.v1", STATE)])
            own.append(time.perf_counter() - asked)
        with lock:
            waited.extend(own)

    with ThreadPoolExecutor(callers) as threads:
        for stream in [f"stock-{os.getpid()}-{next(_streams)}" for _ in range(callers)]:
            threads.submit(caller, stream)
    return sample(waited, time.perf_counter() - began)


def copy_out(conn: psycopg.Connection[Any], events: int) -> Sample:
    """The log in its order, as fast as PostgreSQL hands it over and Python takes it."""
    began = time.perf_counter()
    with (
        conn.cursor() as cursor,
        cursor.copy(
            "copy (select * from events order by notification_id) to stdout (format binary)"
        ) as copy,
    ):
        for _ in copy:
            pass
    return Sample(events / (time.perf_counter() - began))


def _number(pattern: str, said: str) -> float:
    found = re.search(pattern, said)
    if not found:
        raise RuntimeError(f"pgbench said: {said[-500:]}")
    return float(found[1])

"""Somebody with the whole database in their hands: superuser, triggers off, constraints and indexes dropped."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from ledger.eventstore.chain import GENESIS, link
from support.log_rows import SCHEMA

UNLOCK = (
    "alter table events disable trigger all",
    "alter table seals disable trigger all",
    "alter table events drop constraint if exists entry_balances",
    "drop index if exists events_notification_id",
    "alter table events drop constraint if exists events_pkey",
)
ROWS = "select notification_id, originator_id, originator_version, topic, state from events"


@contextmanager
def undone(conninfo: str) -> Iterator[None]:
    """Afterwards the rows are what they were, whatever an intruder does to them: a fresh database for each
    would take a hundred times as long.
    """
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(f"set search_path = {SCHEMA}".encode())
        for table in ("events", "seals"):
            conn.execute(f"create temp table {table}_kept as table {SCHEMA}.{table}".encode())
        yield
        for table in ("events", "seals"):
            conn.execute(f"alter table {SCHEMA}.{table} disable trigger all".encode())
            conn.execute(f"truncate {SCHEMA}.{table}".encode())
            conn.execute(f"insert into {SCHEMA}.{table} table {table}_kept".encode())


class Intruder:
    def __init__(self, conninfo: str) -> None:
        self._connection = psycopg.connect(conninfo, autocommit=True)
        for statement in (f"set search_path = {SCHEMA}", *UNLOCK):
            self.execute(statement)

    def execute(self, statement: str, *values: object) -> None:
        self._connection.execute(statement.encode(), values or None)

    def close(self) -> None:
        self._connection.close()

    def change(self, what: str, position: int) -> None:
        """One row of the log: `what` as after `set`."""
        self.execute(f"update events set {what} where notification_id = {position}")

    def make_room(self, position: int) -> None:
        """What stands from there on moves one up."""
        self.execute(
            f"update events set notification_id = notification_id + 1 where notification_id >= {position}"
        )

    def rechain(self) -> None:
        """Every hash anew, so that the log is sound in itself."""
        previous, hashes = GENESIS, []
        for row in self.rows(f"{ROWS} order by notification_id"):
            previous = link(previous, *row)
            hashes.append((previous, row[0]))
        with self._connection.cursor() as cursor:
            cursor.executemany("update events set hash = %s where notification_id = %s", hashes)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query.encode()).fetchall()

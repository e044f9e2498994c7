"""How far each group has come: the library's tracking table, advanced by compare-and-set.

The library only checks that a position grows, which let two overlapping batches both apply
(eventstore.md 4.7). Here a batch says from where it read; if somebody else has moved on from there,
it fails, and its rows with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from eventsourcing.persistence import IntegrityError, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from psycopg.sql import SQL, Identifier

from ledger.eventstore.recorder import datastore

TABLE: Final = "tracking"


class PositionMoved(IntegrityError):
    """Another follower has applied these events; nothing is wrong."""


@dataclass(frozen=True)
class Advance(Tracking):
    """From where to where, in one step."""

    previous: int


class Positions(PostgresTrackingRecorder):
    """The recorder of one read schema. `insert_tracking`, `max_tracking_id` and `wait` are the
    library's.
    """

    def __init__(self, conninfo: str, schema: str, read_schema: str) -> None:
        store = datastore(conninfo, schema)  # opens no connection before somebody waits on it
        store.schema = read_schema
        super().__init__(store, tracking_table_name=TABLE)
        table = Identifier(read_schema, TABLE)
        self.begin_statement = SQL("insert into {} values (%s, %s) on conflict do nothing").format(
            table
        )
        self.advance_statement = SQL(
            "update {} set notification_id = %s where application_name = %s and notification_id = %s"
        ).format(table)

    def lay_out(self, cursor: psycopg.Cursor[Any], groups: Iterable[str]) -> None:
        """Create the table if it is not there, with each new group before the first event."""
        for statement in self.sql_create_statements:
            cursor.execute(statement)
        # The library knows its one-row-a-name layout by this row.
        cursor.execute(self.begin_statement, (self.table_migration_identifier, 1))
        for group in groups:
            cursor.execute(self.begin_statement, (group, 0))

    def read(self, cursor: psycopg.Cursor[Any], group: str) -> int:
        row = cursor.execute(self.max_tracking_id_statement, (group,)).fetchone()
        return int(row[0] or 0) if row else 0

    def _insert_tracking(self, curs: psycopg.Cursor[Any], tracking: Tracking) -> None:
        """On the caller's cursor, so that position and rows commit together; raises PositionMoved."""
        if not isinstance(tracking, Advance):
            super()._insert_tracking(curs, tracking)
            return
        name, new, old = tracking.application_name, tracking.notification_id, tracking.previous
        curs.execute(self.advance_statement, (new, name, old))
        if curs.rowcount != 1:
            raise PositionMoved(f"{name} is no longer at {old}")

    def advance(self, cursor: psycopg.Cursor[Any], group: str, old: int, new: int) -> None:
        self._insert_tracking(cursor, Advance(group, new, old))

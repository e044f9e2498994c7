"""Events in a real log for tests of what reads it: through append() itself, or by COPY when a test needs very many."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import psycopg
from eventsourcing.persistence import StoredEvent

from ledger.events import DomainEvent, Metadata, Recorded
from ledger.eventstore.chain import GENESIS, link
from ledger.eventstore.connections import conninfo_for
from ledger.eventstore.mapping import EventMapper
from ledger.identity import new_id

SCHEMA = "bukubesar"
APPEND = (
    "select substring(append(%(streams)s::text[], %(versions)s::bigint[], %(topics)s::text[],"
    r" %(states)s::bytea[], %(ids)s::text[], %(prints)s::bytea[]) from '\[.*')"
)
Command = tuple[str, Sequence[StoredEvent]]  # its id, and its events


def append_arguments(commands: Sequence[Command]) -> dict[str, list[Any]]:
    """For APPEND. A command's id and fingerprint stand at its last event."""
    events = [event for _, stored in commands for event in stored]
    ids = [name for name, stored in commands for name in (*[None] * (len(stored) - 1), name)]
    return {
        "streams": [event.originator_id for event in events],
        "versions": [event.originator_version for event in events],
        "topics": [event.topic for event in events],
        "states": [event.state for event in events],
        "ids": ids,
        "prints": [None if name is None else b"" for name in ids],
    }


def refused(others: str | None) -> dict[str, int | None]:
    """What APPEND answers: by their ids, the commands that were not appended; a repeated one with
    the position of its first result, one in conflict with None.
    """
    found = json.loads(others or "[]")
    return {row["command_id"]: row["position"] for row in found}


def chained(conninfo: str) -> int:
    """How many events there are: their positions have no gap, and each is linked to the one before."""
    last, position = GENESIS, 0
    with psycopg.connect(conninfo_for(conninfo, SCHEMA, "app")) as conn:
        rows = conn.execute(
            "select originator_id, originator_version, topic, state, notification_id, hash"
            " from events order by notification_id"
        )
        for stream, version, topic, state, given, digest in rows:
            position += 1
            last = link(last, position, stream, version, topic, state)
            assert (given, digest) == (position, last)
    return position


class LogRows:
    """A writer of its own, so that a test can say exactly what stands in the log."""

    def __init__(self, conninfo: str, schema: str = SCHEMA) -> None:
        self.conninfo = conninfo
        self.schema = schema
        self.versions: dict[str, int] = defaultdict(int)
        self.position = 0
        self._mapper = EventMapper()

    def append(
        self, stream: str, facts: Sequence[DomainEvent], *, recorded_at: datetime | None = None
    ) -> list[Recorded[DomainEvent]]:
        """One append of one command; recorded when the first fact occurred unless said otherwise."""
        records = self._record(stream, facts, recorded_at or facts[0].occurred_at)
        stored = [self._mapper.to_stored_event(record) for record in records]
        with psycopg.connect(conninfo_for(self.conninfo, self.schema, "app")) as conn:
            command = (records[0].metadata.command_id, stored)
            row = conn.execute(APPEND, append_arguments([command])).fetchone()
        assert row == (None,), row
        return records

    def append_all(self, appends: Iterable[tuple[str, Sequence[DomainEvent]]]) -> None:
        for stream, facts in appends:
            self.append(stream, facts)

    def copy_all(self, appends: Iterable[tuple[str, Sequence[DomainEvent]]]) -> int:
        """Into an empty log, as a superuser, past append(); returns the last position."""
        previous = GENESIS
        with psycopg.connect(self.conninfo) as conn, conn.cursor() as cursor:
            cursor.execute(f'set search_path = "{self.schema}"')
            with cursor.copy(
                "copy events (originator_id, originator_version, topic, state, notification_id, hash,"
                " command_id) from stdin (format binary)"
            ) as copy:
                copy.set_types(["text", "int8", "text", "bytea", "int8", "bytea", "text"])
                for stream, facts in appends:
                    records = self._record(stream, facts, facts[0].occurred_at)
                    for record in records:
                        event = self._mapper.to_stored_event(record)
                        key = (stream, event.originator_version, event.topic, event.state)
                        previous = link(previous, record.position, *key)
                        command = record.metadata.command_id if record is records[-1] else None
                        copy.write_row((*key, record.position, previous, command))
            cursor.execute("analyze events")
        return self.position

    def tamper(self, statement: str) -> None:
        """As somebody with the database in their hands would: triggers off, constraints off."""
        with psycopg.connect(self.conninfo, autocommit=True) as conn:
            conn.execute(f'set search_path = "{self.schema}"')
            conn.execute("alter table events disable trigger all")
            conn.execute("alter table events drop constraint if exists entry_balances")
            conn.execute(statement.encode())

    def _record(
        self, stream: str, facts: Sequence[DomainEvent], recorded_at: datetime
    ) -> list[Recorded[DomainEvent]]:
        metadata = Metadata(command_id=new_id("cmd"), actor="test", recorded_at=recorded_at)
        records = []
        for fact in facts:
            self.position += 1
            self.versions[stream] += 1
            records.append(
                Recorded(
                    stream=stream,
                    version=self.versions[stream],
                    event=fact,
                    metadata=metadata,
                    position=self.position,
                )
            )
        return records

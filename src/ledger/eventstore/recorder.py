"""The library's PostgreSQL recorder with our way of writing: one group-committed call of append()
instead of a table lock.

Reading events, notifications and subscriptions stays the library's. Tables come from migrate.py,
never from here.
"""

from collections.abc import Sequence
from typing import Any, cast

from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from ledger.eventstore.committer import (
    Appended,
    Committer,
    Duplicate,
    VersionConflict,
)
from ledger.eventstore.connections import connect, conninfo_for
from ledger.eventstore.migrate import LogNames
from ledger.identity import new_id

EVENTS_TABLE = "events"


def datastore(conninfo: str, schema: str) -> PostgresDatastore:
    """The library's datastore on our connection string and role; it opens its first connection when
    first used.
    """
    parts = conninfo_to_dict(conninfo)
    store = PostgresDatastore(
        dbname=str(parts.get("dbname", "")),
        host=str(parts.get("host", "")),
        port=str(parts.get("port", "5432")),
        user=str(parts.get("user", "")),
        password=str(parts.get("password", "")),
        schema=schema,
        pool_size=1,
        max_overflow=4,
        originator_id_type="text",
    )
    given = cast(dict[str, Any], store.pool.kwargs)
    store.pool.kwargs = {**given, "options": _options(conninfo, schema)}
    return store


def _options(conninfo: str, schema: str) -> str:
    return str(conninfo_to_dict(conninfo_for(conninfo, schema, "app"))["options"])


class GroupCommitRecorder(PostgresApplicationRecorder):
    """Appends through a Committer; a caller in a thread uses `insert_events`, a coroutine
    `committer.append`.
    """

    def __init__(self, conninfo: str, schema: str) -> None:
        super().__init__(datastore(conninfo, schema), events_table_name=EVENTS_TABLE)
        self.channel_name = LogNames(schema).channel
        self.committer = Committer(lambda: connect(conninfo, schema, "app"))

    def create_table(self) -> None:
        """Nothing to do: the role we run in owns no table."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append as one command (keyword `command_id`, else a fresh one); raises IntegrityError on
        a version conflict.
        """
        if not stored_events:
            return []
        command_id = str(kwargs.get("command_id") or new_id("cmd"))
        match self.committer.append_and_wait(command_id, b"", stored_events):
            case Appended(position) | Duplicate(position):
                return list(range(position - len(stored_events) + 1, position + 1))
            case VersionConflict():
                raise IntegrityError("another writer appended to one of these streams first")

    def close(self) -> None:
        self.committer.close()
        self.datastore.close()

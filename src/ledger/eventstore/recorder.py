"""The library's PostgreSQL recorder with our way of writing: one group-committed call of append()
instead of a table lock.

Reading events, notifications and subscriptions stays the library's. Tables come from migrate.py,
never from here.
"""

import asyncio
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from ledger.eventstore.committer import (
    Appended,
    Committer,
    Duplicate,
    NewEvent,
    Outcome,
    VersionConflict,
)
from ledger.eventstore.connections import connect_for_calls, conninfo_for
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
    """Appends through a Committer: a coroutine uses `committer.append`; a caller in a thread uses
    `insert_events`, which has an event loop and a connection of its own.
    """

    def __init__(self, conninfo: str, schema: str) -> None:
        super().__init__(datastore(conninfo, schema), events_table_name=EVENTS_TABLE)
        self.channel_name = LogNames(schema).channel
        self._connect = partial(connect_for_calls, conninfo, schema)
        self.committer = Committer(self._connect)
        self._for_threads: _LoopInThread | None = None
        self._starting = threading.Lock()

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
        with self._starting:
            self._for_threads = self._for_threads or _LoopInThread(Committer(self._connect))
        events = [
            NewEvent(str(event.originator_id), event.originator_version, event.topic, event.state)
            for event in stored_events
        ]
        match self._for_threads.append(command_id, events):
            case Appended(position) | Duplicate(position):
                return list(range(position - len(events) + 1, position + 1))
            case VersionConflict():
                raise IntegrityError("another writer appended to one of these streams first")

    async def drain(self) -> None:
        """Commit what is queued, then stop."""
        await self.committer.close()
        self.close()

    def close(self) -> None:
        if self._for_threads:
            self._for_threads.close()
        self.datastore.close()


class _LoopInThread:
    """A committer for callers that have no event loop."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="committer", daemon=True
        )
        self._thread.start()

    def append(self, command_id: str, events: Sequence[NewEvent]) -> Outcome:
        async def coming() -> Outcome:
            return await self._committer.append(command_id, b"", events)

        return asyncio.run_coroutine_threadsafe(coming(), self._loop).result()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._committer.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

"""A real event store on a test's own database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from ledger.eventstore.connections import connect_for_calls
from ledger.eventstore.recorder import GroupCommitRecorder
from ledger.eventstore.store import Context, EventStore
from ledger.identity import new_id

SCHEMA = "bukubesar"


@dataclass
class OpenStore:
    recorder: GroupCommitRecorder
    store: EventStore


@asynccontextmanager
async def open_store(conninfo: str, schema: str = SCHEMA) -> AsyncIterator[OpenStore]:
    recorder = GroupCommitRecorder(conninfo, schema)
    store = EventStore(recorder.committer, partial(connect_for_calls, conninfo, schema))
    try:
        yield OpenStore(recorder, store)
    finally:
        await recorder.drain()
        await store.close()


def context(command_id: str = "", fingerprint: bytes = b"") -> Context:
    return Context(command_id=command_id or new_id("cmd"), actor="test", fingerprint=fingerprint)

"""A real event store on a test's own database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ledger.eventstore.connections import Readers
from ledger.eventstore.recorder import GroupCommitRecorder
from ledger.eventstore.store import Context, EventStore
from ledger.identity import new_id

SCHEMA = "bukubesar"


@dataclass
class OpenStore:
    recorder: GroupCommitRecorder
    readers: Readers
    store: EventStore


@asynccontextmanager
async def open_store(conninfo: str, schema: str = SCHEMA) -> AsyncIterator[OpenStore]:
    recorder = GroupCommitRecorder(conninfo, schema)
    readers = Readers(conninfo, schema, size=4)
    await readers.open()
    try:
        yield OpenStore(recorder, readers, EventStore(recorder.committer, readers))
    finally:
        await readers.close()
        recorder.close()


def context(command_id: str = "", fingerprint: bytes = b"") -> Context:
    return Context(command_id=command_id or new_id("cmd"), actor="test", fingerprint=fingerprint)

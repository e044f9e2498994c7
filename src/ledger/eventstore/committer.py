"""Group commit: whatever queued while the last commit ran goes to PostgreSQL in one call, in one transaction.

One thread owns one connection. Callers wait for their own outcome, with their own deadline. Nothing waits for a batch to fill.
A batch whose reply was lost is sent again: command ids make that safe, because a command that did commit comes back as a
duplicate of itself. The design and its measurements: docs/decisions/0003-group-commit.md.
"""

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
import structlog
from eventsourcing.persistence import StoredEvent

from ledger.errors import LedgerError, Unavailable
from ledger.eventstore import append_call
from ledger.eventstore.append_call import ANSWER_SECONDS, BatchRefused, ConnectionLost

log = structlog.get_logger(__name__)

MAXIMUM_QUEUED: Final = 20_000  # commands; above that callers are told to come back
MAXIMUM_BATCH: Final = 1_000  # commands in one transaction
MAXIMUM_BATCH_BYTES: Final = 8 * 1024 * 1024
CALLER_SECONDS: Final = 4.0  # how long a caller waits for its outcome (reliability.md 4.14)
RECONNECT_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)


class StoreUnavailable(Unavailable):
    code = "store_unavailable"
    title = "The event store cannot be reached; whether the command was stored will show when it is repeated."


class StoreRefused(LedgerError):
    code = "store_refused"
    title = "The database refused these events; nothing was stored."


class StoreOverloaded(Unavailable):
    code = "store_overloaded"
    title = "More commands are waiting than the event store may hold."


@dataclass(frozen=True, slots=True)
class Appended:
    position: int  # of the command's last event


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The command was carried out before, and this is where."""

    position: int
    stream: str
    version: int
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class VersionConflict:
    """Somebody else appended to the stream first."""


Outcome = Appended | Duplicate | VersionConflict


@dataclass(slots=True, eq=False)
class Append:
    """One command's events on their way into the log."""

    command_id: str
    fingerprint: bytes
    events: Sequence[StoredEvent]
    settle: Callable[["Append"], None]
    outcome: Outcome | LedgerError | None = None
    abandoned: bool = False  # nobody waits any more
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = sum(len(event.state) for event in self.events)


class Committer:
    """Owns the connection on which events are appended. Construct it after a fork, one a process."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._conn: psycopg.Connection[Any] | None = None
        self._queue: deque[Append] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self.batches = 0
        self.commands = 0
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    async def append(
        self, command_id: str, fingerprint: bytes, events: Sequence[StoredEvent]
    ) -> Outcome:
        """Raises StoreUnavailable or StoreOverloaded; then the command may or may not have been stored."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Outcome] = loop.create_future()
        append = Append(command_id, fingerprint, events, _Waiters(loop, waiter))
        self._submit(append)
        try:
            return await asyncio.wait_for(waiter, CALLER_SECONDS)
        except TimeoutError:
            raise StoreUnavailable() from None
        finally:
            append.abandoned = True

    def append_and_wait(
        self, command_id: str, fingerprint: bytes, events: Sequence[StoredEvent]
    ) -> Outcome:
        """The same for callers in threads."""
        waiter: Future[Outcome] = Future()
        append = Append(command_id, fingerprint, events, lambda done: _resolve(waiter, done))
        self._submit(append)
        try:
            return waiter.result(CALLER_SECONDS)
        except TimeoutError:
            raise StoreUnavailable() from None
        finally:
            append.abandoned = True

    def close(self) -> None:
        """Commit what is queued, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(ANSWER_SECONDS + CALLER_SECONDS)

    @property
    def queued(self) -> int:
        return len(self._queue)

    def _submit(self, append: Append) -> None:
        with self._wake:
            if self._closing:
                raise StoreUnavailable("The event store is shutting down.")
            if len(self._queue) >= MAXIMUM_QUEUED:
                raise StoreOverloaded(waiting=len(self._queue))
            self._queue.append(append)
            self._wake.notify()

    def _run(self) -> None:
        failures = 0
        while batch := self._take():
            try:
                outcomes = self._commit_or_single_out(batch)
            except (ConnectionLost, psycopg.Error, OSError) as error:
                log.warning("store.commit_failed", cause=str(error), commands=len(batch))
                self._disconnect()
                self._put_back(batch)
                pause = RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)]
                failures += 1
                threading.Event().wait(pause)
            else:
                failures = 0
                self._settle(batch, outcomes)
        self._disconnect()

    def _take(self) -> list[Append]:
        """Everything that waits, up to the bounds of a batch; empty when closing and drained."""
        with self._wake:
            while not (self._queue or self._closing):
                self._wake.wait()
            batch: list[Append] = []
            size = 0
            while self._queue and len(batch) < MAXIMUM_BATCH and size < MAXIMUM_BATCH_BYTES:
                append = self._queue.popleft()
                if not append.abandoned:
                    batch.append(append)
                    size += append.size
        if batch or self._closing:
            return batch
        return self._take()

    def _put_back(self, batch: Sequence[Append]) -> None:
        with self._wake:
            self._queue.extendleft(append for append in reversed(batch) if not append.abandoned)
            if self._closing:
                self._queue.clear()

    def _commit_or_single_out(self, batch: Sequence[Append]) -> list[Outcome | LedgerError]:
        """A command the database refuses must not take its neighbours with it."""
        try:
            return list(self._commit(batch))
        except BatchRefused as refusal:
            if len(batch) == 1:
                return [StoreRefused(str(refusal))]
            return [self._commit_or_single_out([append])[0] for append in batch]

    def _commit(self, batch: Sequence[Append]) -> list[Outcome]:
        conn = self._conn = self._conn or append_call.prepared(self._connect())
        rows = append_call.call(
            conn.pgconn, [(append.command_id, append.fingerprint, append.events) for append in batch]
        )
        if len(rows) != len(batch):
            raise ConnectionLost(f"{len(rows)} outcomes for {len(batch)} commands")
        self.batches += 1
        self.commands += len(batch)
        return [_outcome(row) for row in rows]

    def _settle(self, batch: Sequence[Append], outcomes: Sequence[Outcome | LedgerError]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[Append]] = defaultdict(list)
        for append, outcome in zip(batch, outcomes, strict=True):
            append.outcome = outcome
            if isinstance(append.settle, _Waiters):
                by_loop[append.settle.loop].append(append)
            else:
                append.settle(append)
        for loop, appends in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle_all, appends)

    def _disconnect(self) -> None:
        if self._conn is not None:
            # Not close(): a frozen server must not hold us; the socket alone is dropped.
            self._conn.pgconn.finish()
            self._conn = None


@dataclass(frozen=True, slots=True)
class _Waiters:
    """Settles a future of an event loop; a whole batch costs each loop one wake-up."""

    loop: asyncio.AbstractEventLoop
    waiter: "asyncio.Future[Outcome]"

    def __call__(self, append: Append) -> None:
        _resolve(self.waiter, append)


def _settle_all(appends: Sequence[Append]) -> None:
    for append in appends:
        append.settle(append)


def _resolve(waiter: Any, append: Append) -> None:
    if waiter.done():
        return
    if isinstance(append.outcome, LedgerError):
        waiter.set_exception(append.outcome)
    else:
        waiter.set_result(append.outcome)


def _outcome(row: Sequence[bytes | None]) -> Outcome:
    _, kind, position, stream, version, fingerprint = row
    if kind == b"conflict":
        return VersionConflict()
    if kind == b"appended":
        return Appended(int(position or 0))
    return Duplicate(
        int(position or 0),
        (stream or b"").decode(),
        int(version or 0),
        bytes.fromhex((fingerprint or b"\\x")[2:].decode()),
    )

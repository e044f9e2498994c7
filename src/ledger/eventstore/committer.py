"""Group commit: whatever queued while the last commit ran goes to PostgreSQL in one call, in one
transaction.

One thread owns one connection. Callers wait for their own outcome, with their own deadline. Nothing
waits for a batch to fill. A batch whose reply was lost is sent again: command ids make that safe,
because a command that did commit comes back as a duplicate of itself. The design and its
measurements: docs/decisions/0003-group-commit.md.
"""

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
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
Waiter = asyncio.Future[Outcome] | Future[Outcome]


@dataclass(slots=True, eq=False)
class Append:
    """One command's events on their way into the log."""

    command_id: str
    fingerprint: bytes
    events: Sequence[StoredEvent]
    waiter: Waiter
    abandoned: bool = False  # nobody waits any more
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = sum(len(event.state) for event in self.events)


Settled = list[tuple[Append, Outcome | LedgerError]]


class Committer:
    """Owns the connection on which events are appended. Construct it after a fork, one a process."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._conn: psycopg.Connection[Any] | None = None
        self._queue: deque[Append] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._failures = 0
        self.batches = 0
        self.commands = 0
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    async def append(
        self, command_id: str, fingerprint: bytes, events: Sequence[StoredEvent]
    ) -> Outcome:
        """Raises StoreUnavailable or StoreOverloaded; then the command may or may not have been
        stored.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Outcome] = loop.create_future()
        append = Append(command_id, fingerprint, events, waiter)
        self._submit(append)
        deadline = loop.call_later(
            CALLER_SECONDS, _give_up, waiter
        )  # a third of the cost of wait_for
        try:
            return await waiter
        finally:
            deadline.cancel()
            append.abandoned = True

    def append_and_wait(
        self, command_id: str, fingerprint: bytes, events: Sequence[StoredEvent]
    ) -> Outcome:
        """The same for callers in threads."""
        waiter: Future[Outcome] = Future()
        append = Append(command_id, fingerprint, events, waiter)
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
        told: Settled = []
        while True:
            batch = self._take(returning=len(told))
            if not (batch or told):
                break
            try:
                # The next batch leaves before the last one's callers are woken: they wake while
                # PostgreSQL works.
                self._send(batch)
                self._tell(told)
                told = self._receive(batch)
                self._failures = 0
            except (ConnectionLost, psycopg.Error, OSError) as error:
                self._tell(told)
                told = []
                self._recover(batch, error)
        self._disconnect()

    def _take(self, returning: int) -> list[Append]:
        """What waits, up to the bounds of a batch; empty when closing and drained.

        `returning` callers are about to be told and to come back. A batch takes half of all, so
        that one half's callers run while the other half is being committed; without callers to be
        told it waits for the first.
        """
        with self._wake:
            while not (self._queue or self._closing or returning):
                self._wake.wait()
            most = min(MAXIMUM_BATCH, (len(self._queue) + returning + 1) // 2)
            batch: list[Append] = []
            size = 0
            while self._queue and len(batch) < most and size < MAXIMUM_BATCH_BYTES:
                append = self._queue.popleft()
                if not append.abandoned:
                    batch.append(append)
                    size += append.size
        if batch or returning or (self._closing and not self._queue):
            return batch
        return self._take(returning)

    def _recover(self, batch: Sequence[Append], error: Exception) -> None:
        log.warning("store.commit_failed", cause=str(error), commands=len(batch))
        self._disconnect()
        self._put_back(batch)
        pause = RECONNECT_SECONDS[min(self._failures, len(RECONNECT_SECONDS) - 1)]
        self._failures += 1
        threading.Event().wait(pause)

    def _put_back(self, batch: Sequence[Append]) -> None:
        with self._wake:
            self._queue.extendleft(append for append in reversed(batch) if not append.abandoned)
            if self._closing:
                self._queue.clear()

    def _send(self, batch: Sequence[Append]) -> None:
        if batch:
            conn = self._conn = self._conn or append_call.prepared(self._connect())
            append_call.send(conn.pgconn, [(a.command_id, a.fingerprint, a.events) for a in batch])

    def _receive(self, batch: Sequence[Append]) -> Settled:
        if not batch or self._conn is None:
            return []
        try:
            rows = append_call.receive(self._conn.pgconn)
        except BatchRefused as refusal:
            return self._one_by_one(batch, refusal)
        if len(rows) != len(batch):
            raise ConnectionLost(f"{len(rows)} outcomes for {len(batch)} commands")
        self.batches += 1
        self.commands += len(batch)
        return [(append, _outcome(row)) for append, row in zip(batch, rows, strict=True)]

    def _one_by_one(self, batch: Sequence[Append], refusal: BatchRefused) -> Settled:
        """A command the database refuses must not take its neighbours with it."""
        if len(batch) == 1:
            return [(batch[0], StoreRefused(str(refusal)))]
        settled: Settled = []
        for append in batch:
            self._send([append])
            settled += self._receive([append])
        return settled

    def _tell(self, settled: Settled) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, Settled] = defaultdict(list)
        for append, outcome in settled:
            if isinstance(append.waiter, Future):
                _resolve(append.waiter, outcome)
            else:
                by_loop[append.waiter.get_loop()].append((append, outcome))
        for loop, of_loop in by_loop.items():
            # A whole batch costs each event loop one wake-up.
            with suppress(RuntimeError):  # a loop that was closed has nobody waiting
                loop.call_soon_threadsafe(_resolve_all, of_loop)

    def _disconnect(self) -> None:
        if self._conn is not None:
            # Not close(): a frozen server must not hold us; the socket alone is dropped.
            self._conn.pgconn.finish()
            self._conn = None


def _resolve_all(settled: Settled) -> None:
    for append, outcome in settled:
        _resolve(append.waiter, outcome)


def _resolve(waiter: Waiter, outcome: Outcome | LedgerError) -> None:
    if waiter.done():
        return
    if isinstance(outcome, LedgerError):
        waiter.set_exception(outcome)
    else:
        waiter.set_result(outcome)


def _give_up(waiter: "asyncio.Future[Outcome]") -> None:
    _resolve(waiter, StoreUnavailable())


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

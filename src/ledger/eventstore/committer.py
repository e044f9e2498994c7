"""Group commit: whatever queued while the last commit ran goes to PostgreSQL in one call, in one transaction.

One thread owns one connection. Callers wait for their own outcome, with their own deadline. Nothing waits for a batch to fill.
A batch whose reply was lost is sent again: command ids make that safe, because a command that did commit comes back as a
duplicate of itself. The design and its measurements: docs/decisions/0003-group-commit.md.
"""

import asyncio
import select
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
import structlog
from eventsourcing.persistence import StoredEvent
from psycopg import pq

from ledger import clock
from ledger.errors import LedgerError, Unavailable

log = structlog.get_logger(__name__)

MAXIMUM_QUEUED: Final = 20_000  # commands; above that callers are told to come back
MAXIMUM_BATCH: Final = 1_000  # commands in one transaction
MAXIMUM_BATCH_BYTES: Final = 8 * 1024 * 1024
ANSWER_SECONDS: Final = 3.0  # how long PostgreSQL may take for one batch before the connection is given up
CALLER_SECONDS: Final = 4.0  # how long a caller waits for its outcome (reliability.md 4.14)
REFUSED_CLASSES: Final = ("22", "23", "42", "P0")  # data, constraint, rights and syntax, PL/pgSQL; all else may pass
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


class ConnectionLost(Exception):
    """The reply did not come; the batch may or may not have been committed."""


class BatchRefused(Exception):
    """The server is well and says that these rows may not stand; nothing of the batch was committed."""


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

    # ── callers ───────────────────────────────────────────────────────────────────────────────────────────────

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

    # ── the thread ────────────────────────────────────────────────────────────────────────────────────────────

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
        conn = self._conn = self._conn or _prepared(self._connect())
        rows = _call(conn.pgconn, _parameters(batch))
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


# ── libpq: binary arrays by hand, because psycopg's list parameters cost five times the CPU (parts.md 3) ──────────

_STATEMENT: Final = b"append"
_QUERY: Final = b"select * from append($1, $2, $3, $4, $5, $6, $7) order by 1"
_TEXT, _BYTEA, _INT8, _INT4 = 25, 17, 20, 23
_ARRAY_OF: Final = {_TEXT: 1009, _BYTEA: 1001, _INT8: 1016, _INT4: 1007}
_TYPES: Final = (_TEXT, _BYTEA, _INT4, _TEXT, _INT8, _TEXT, _BYTEA)
_LENGTH: Final = struct.Struct(">i")
_INT8_ITEM: Final = struct.Struct(">iq")
_INT4_ITEM: Final = struct.Struct(">ii")


def _prepared(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    result = conn.pgconn.prepare(_STATEMENT, _QUERY, [_ARRAY_OF[kind] for kind in _TYPES])
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
    conn.pgconn.nonblocking = 1
    return conn


def _parameters(batch: Sequence[Append]) -> list[bytes]:
    events = [event for append in batch for event in append.events]
    lasts, count = [], 0
    for append in batch:
        count += len(append.events)
        lasts.append(count)
    return [
        _bytes_array(_TEXT, [append.command_id.encode() for append in batch]),
        _bytes_array(_BYTEA, [append.fingerprint for append in batch]),
        _header(_INT4, len(lasts)) + b"".join(_INT4_ITEM.pack(4, last) for last in lasts),
        _bytes_array(_TEXT, [str(event.originator_id).encode() for event in events]),
        _header(_INT8, len(events))
        + b"".join(_INT8_ITEM.pack(8, event.originator_version) for event in events),
        _bytes_array(_TEXT, [event.topic.encode() for event in events]),
        _bytes_array(_BYTEA, [event.state for event in events]),
    ]


def _header(element: int, length: int) -> bytes:
    return struct.pack(">iiiii", 1, 0, element, length, 1)


def _bytes_array(element: int, items: Sequence[bytes]) -> bytes:
    return _header(element, len(items)) + b"".join(
        part for item in items for part in (_LENGTH.pack(len(item)), item)
    )


def _call(pgconn: pq.abc.PGconn, parameters: Sequence[bytes]) -> list[list[bytes | None]]:
    """One prepared call with a deadline that holds even when the server is frozen; raises ConnectionLost."""
    pgconn.send_query_prepared(_STATEMENT, parameters, [1] * len(parameters))
    deadline = clock.monotonic_seconds() + ANSWER_SECONDS
    while pgconn.flush():
        _wait(pgconn.socket, deadline, writing=True)
        pgconn.consume_input()
    rows: list[list[bytes | None]] = []
    failure: Exception | None = None
    while True:
        while pgconn.is_busy():
            _wait(pgconn.socket, deadline)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            break
        if result.status != pq.ExecStatus.TUPLES_OK:
            failure = _failure(result)
        rows += [
            [result.get_value(row, column) for column in range(result.nfields)]
            for row in range(result.ntuples)
        ]
    if failure:
        raise failure
    return rows


def _failure(result: pq.abc.PGresult) -> Exception:
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    words = result.error_message.decode(errors="replace").strip()
    return BatchRefused(words) if state[:2] in REFUSED_CLASSES else ConnectionLost(words)


def _wait(socket: int, deadline: float, *, writing: bool = False) -> None:
    ready = select.poll()
    ready.register(socket, select.POLLIN | (select.POLLOUT if writing else 0))
    left = deadline - clock.monotonic_seconds()
    if left <= 0 or not ready.poll(left * 1000):
        raise ConnectionLost(f"no answer within {ANSWER_SECONDS:g} s")

"""Group calls: whatever queued while the last call ran goes to PostgreSQL in one statement, in one
transaction.

One connection, driven by the event loop. Callers wait for their own outcome, with their own deadline;
while PostgreSQL is idle nothing waits for a batch to fill. A call whose reply was lost is sent again,
so what it does must be harmless to repeat. The design and its measurements: docs/decisions/0003-group-commit.md.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec
import psycopg
import structlog

from ledger import clock, deadline
from ledger.errors import LedgerError, Unavailable
from ledger.eventstore.line import ConnectionLost, Line, Result, StatementRefused, check

log = structlog.get_logger(__name__)

MAXIMUM_QUEUED: Final = 20_000  # items; above that callers are told to come back
MAXIMUM_BATCH: Final = 1_000  # items in one call
MAXIMUM_BATCH_BYTES: Final = 8 * 1024 * 1024
PUSH_SECONDS: Final = 0.0005  # once Python has been this long at making items, PostgreSQL begins
ANSWER_SECONDS: Final = (
    3.0  # how long PostgreSQL may take for one call before the connection is given up
)
CALLER_SECONDS: Final = 4.0  # how long a caller waits for its outcome (reliability.md 4.14)
WATCH_SECONDS: Final = 0.1  # how exactly the two above are kept
RECONNECT_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Item_contra = TypeVar("Item_contra", contravariant=True)
Outcome_co = TypeVar("Outcome_co", covariant=True)
Connect = Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]


class StoreUnavailable(Unavailable):
    code = "store_unavailable"
    title = "The event store cannot be reached; whether the command was stored will show when it is repeated."


class StoreRefused(LedgerError):
    code = "store_refused"
    title = "The database refused these events; nothing was stored."


class StoreOverloaded(Unavailable):
    code = "store_overloaded"
    title = "More commands are waiting than the event store may hold."


class Statement(Protocol[Item_contra, Outcome_co]):
    """What is called, with how many items it likes."""

    @property
    def query(self) -> bytes: ...

    @property
    def types(self) -> Sequence[int]:
        """Of its parameters, as PostgreSQL's object ids."""

    def parameters(self, items: Sequence[Item_contra]) -> Sequence[bytes]: ...

    def outcomes(self, items: Sequence[Item_contra], result: Result) -> Iterable[Outcome_co]:
        """One for each item, in their order."""

    def size(self, item: Item_contra) -> int:
        """Bytes, roughly."""

    def keys(self, item: Item_contra) -> Iterable[Hashable]:
        """Two items that share one never go in the same call."""


class _Waiting(msgspec.Struct, Generic[Item, Outcome], eq=False, gc=False):
    item: Item
    outcome: "asyncio.Future[Outcome]"
    until: float
    alone: bool = False  # a call with others was refused


@dataclass(slots=True)
class _Call(Generic[Item, Outcome]):
    batch: list[_Waiting[Item, Outcome]]
    until: float


class GroupCall(Generic[Item, Outcome]):
    """Belongs to the event loop it is first used on. Construct it after a fork, one a process."""

    def __init__(
        self, connect: Connect, statement: Statement[Item, Outcome], under_way: int = 1
    ) -> None:
        """`under_way` calls at most: with 2 PostgreSQL never waits for Python, with 1 batches are
        larger and cost both less.
        """
        self._connect = connect
        self._under_way = under_way
        self._statement = statement
        self._queue: deque[_Waiting[Item, Outcome]] = deque()
        self._sent: deque[_Call[Item, Outcome]] = deque()
        self._line: Line | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # to ask for it is a system call
        self._opening: asyncio.Task[None] | None = None
        self._is_due = self._is_watched = self._closing = False
        self._due_since = 0.0
        self._failures = 0
        self.batches = 0

    def submit(self, item: Item) -> "asyncio.Future[Outcome]":
        """Never raises; the outcome does when it is awaited: StoreOverloaded, StoreRefused, or
        StoreUnavailable, and with the last the item may or may not have been dealt with.
        """
        loop = self._loop = self._loop or asyncio.get_running_loop()
        now = clock.monotonic_seconds()
        until = min(now + CALLER_SECONDS, deadline.latest())
        outcome: asyncio.Future[Outcome] = loop.create_future()
        if self._closing:
            outcome.set_exception(StoreUnavailable("The event store is shutting down."))
            return outcome
        if until <= now:
            outcome.set_exception(StoreUnavailable())
            return outcome
        if len(self._queue) >= MAXIMUM_QUEUED:
            outcome.set_exception(StoreOverloaded(waiting=len(self._queue)))
            return outcome
        self._queue.append(_Waiting(item, outcome, until))
        if not self._is_due:
            self._is_due, self._due_since = True, now
            loop.call_soon(self._pump)
        elif now - self._due_since > PUSH_SECONDS:
            self._due_since = now
            self._send_what_waits()
        if not self._is_watched:
            self._is_watched = True
            loop.call_later(WATCH_SECONDS, self._watch)
        return outcome

    async def close(self) -> None:
        """Finish what is queued, then stop."""
        self._closing = True
        deadline = clock.monotonic_seconds() + CALLER_SECONDS
        while self._waiting() and clock.monotonic_seconds() < deadline:
            await asyncio.sleep(0.005)
        if self._opening:
            self._opening.cancel()
        self._disconnect()
        _fail(self._queue, StoreUnavailable)

    @property
    def queued(self) -> int:
        return len(self._queue)

    def _pump(self) -> None:
        """Send what waits, as far as calls may be under way."""
        self._is_due = False
        if self._line is None:
            if self._queue and self._opening is None:
                self._opening = asyncio.ensure_future(self._open())
            return
        self._send_what_waits()

    def _send_what_waits(self) -> None:
        """A second call when it carries at least half of what the first does: two of a size keep both
        sides busy, and what a call costs by itself is paid seldom.
        """
        while self._line and self._queue and len(self._sent) < self._under_way:
            if self._sent and 2 * len(self._queue) < len(self._sent[0].batch):
                return
            if batch := self._take():
                self._send(self._line, batch)

    def _take(self) -> list[_Waiting[Item, Outcome]]:
        """The next batch, in the order of arrival."""
        batch: list[_Waiting[Item, Outcome]] = []
        held: list[_Waiting[Item, Outcome]] = []
        taken: set[Hashable] = set()
        size, queue, statement = 0, self._queue, self._statement
        while queue and len(batch) < MAXIMUM_BATCH and size < MAXIMUM_BATCH_BYTES:
            if batch and (batch[0].alone or queue[0].alone):
                break
            waiting_one = queue.popleft()
            if waiting_one.outcome.done():  # nobody waits any more
                continue
            item = waiting_one.item
            keys = statement.keys(item)
            (batch if taken.isdisjoint(keys) else held).append(waiting_one)
            taken.update(keys)
            size += statement.size(item)
        queue.extendleft(reversed(held))
        return batch

    def _send(self, line: Line, batch: list[_Waiting[Item, Outcome]]) -> None:
        try:
            parameters = self._statement.parameters([one.item for one in batch])
        except Exception as error:  # what PostgreSQL has no form for, mostly
            self._refused(batch, error)
            return
        self._sent.append(_Call(batch, clock.monotonic_seconds() + ANSWER_SECONDS))
        try:
            line.call(b"call", parameters)
        except psycopg.Error as error:
            self._lost(error)

    def _answered(self, result: Result) -> None:
        call = self._sent.popleft()
        try:
            check(result)
            if call.batch:
                self._settle(call.batch, result)
        except StatementRefused as refusal:
            self._refused(call.batch, refusal)
        except ConnectionLost:
            self._sent.appendleft(call)
            raise
        except Exception:  # it may be stored, and nothing is left that would tell who waits
            _fail(call.batch, StoreUnavailable)
            self._pump()
            raise
        if call.batch:  # a server that lets us in may still refuse all that we ask of it
            self._failures = 0
        self._pump()

    def _settle(self, batch: Sequence[_Waiting[Item, Outcome]], result: Result) -> None:
        outcomes = self._statement.outcomes([one.item for one in batch], result)
        for one, outcome in zip(batch, outcomes, strict=True):
            if not one.outcome.done():
                one.outcome.set_result(outcome)
        self.batches += 1

    def _refused(self, batch: Sequence[_Waiting[Item, Outcome]], refusal: Exception) -> None:
        """An item the database refuses must not take its neighbours with it."""
        if len(batch) == 1:
            _fail(batch, lambda: StoreRefused(str(refusal)))
            return
        for one in batch:
            one.alone = True
        self._queue.extendleft(reversed(batch))

    async def _open(self) -> None:
        """Connect, however long it takes, as long as somebody waits."""
        try:
            while self._waiting():
                try:
                    self._start(await self._connect())
                except (psycopg.Error, OSError) as error:
                    await asyncio.sleep(self._pause(error))
                else:
                    break
        finally:
            self._opening = None
        self._pump()

    def _start(self, conn: psycopg.AsyncConnection[Any]) -> None:
        self._line = Line(conn, self._answered, self._lost)
        until = clock.monotonic_seconds() + ANSWER_SECONDS
        self._sent.append(_Call([], until))
        try:
            self._line.prepare(b"call", self._statement.query, self._statement.types)
        except psycopg.Error:
            self._disconnect()
            raise

    def _lost(self, error: Exception) -> None:
        if self._line is None:
            return
        self._disconnect()
        if self._queue and self._opening is None:
            self._opening = asyncio.ensure_future(self._open_after(self._pause(error)))

    async def _open_after(self, pause: float) -> None:
        await asyncio.sleep(pause)
        await self._open()

    def _pause(self, error: Exception) -> float:
        log.warning("store.call_failed", cause=str(error), waiting=len(self._queue))
        pause = RECONNECT_SECONDS[min(self._failures, len(RECONNECT_SECONDS) - 1)]
        self._failures += 1
        return pause

    def _disconnect(self) -> None:
        """What was under way waits again."""
        if self._line is not None:
            self._line.close()
            self._line = None
        self._queue.extendleft(reversed(self._unanswered()))
        self._sent.clear()

    def _watch(self) -> None:
        """Keeps the deadlines of callers and calls while there are any: one timer for all of them."""
        now = clock.monotonic_seconds()
        try:
            _fail(
                [one for one in (*self._unanswered(), *self._queue) if one.until <= now],
                StoreUnavailable,
            )
            if self._sent and self._sent[0].until <= now:
                self._lost(ConnectionLost(f"no answer within {ANSWER_SECONDS:g} s"))
        finally:
            self._is_watched = self._waiting()
            if self._is_watched:
                asyncio.get_running_loop().call_later(WATCH_SECONDS, self._watch)

    def _waiting(self) -> bool:
        while self._queue and self._queue[0].outcome.done():
            self._queue.popleft()
        return bool(self._queue or self._sent)

    def _unanswered(self) -> list[_Waiting[Item, Outcome]]:
        return [one for call in self._sent for one in call.batch if not one.outcome.done()]


def _fail(waiting: Iterable[_Waiting[Any, Any]], error: Callable[[], LedgerError]) -> None:
    for one in waiting:
        if not one.outcome.done():
            one.outcome.set_exception(error())

"""The log from its first event on, applied to a fresh read schema.

Read models do not depend on each other, so each has a thread and a connection of its own while
another thread reads and decodes ahead: Python works on one processor and PostgreSQL on the other.
"""

import gc
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import islice
from typing import Any, Final, NamedTuple

import psycopg
from eventsourcing.persistence import MapperDeserialisationError

from ledger.events import DomainEvent, Recorded
from ledger.eventstore.mapping import EventMapper
from projections.engine import log, quarantine
from projections.engine.log import StoredRow
from projections.engine.quarantine import EventNotApplied
from projections.engine.read_model import Batch, ReadModel

AHEAD: Final = 2  # pages that may wait for a thread; more would only fill memory

Connection = psycopg.Connection[Any]
Connect = Callable[[ReadModel], AbstractContextManager[Connection]]
Decode = Callable[[Sequence[StoredRow]], Sequence[Recorded[DomainEvent]]]
Progress = Callable[[int], None]  # the position reached


class Stop(NamedTuple):
    """These models, up to and including this position; without models the log is only read."""

    models: Sequence[ReadModel]
    position: int


def replay(
    source: Connection,
    connect: Connect,
    stops: Sequence[Stop],
    *,
    after: int = 0,
    decode: Decode | None = None,
    progress: Progress = lambda position: None,
) -> None:
    """Apply the log behind the position `after`, as `source` reads it, to the tables that the
    connection of each model sees. Raises EventNotApplied.
    """
    skipped: frozenset[str] = frozenset()
    if decode is None:
        skipped = log.unfollowed(
            event for stop in stops for model in stop.models for event in model.FOLLOWS
        )
        decode = _decoder(skipped)
    with (
        collector_paused(),
        _appliers(connect, stops) as appliers,
        _batches(source, decode, _pages(stops, after), skipped) as batches,
    ):
        for end, batch in batches:
            for applier in appliers:
                applier.take(end, batch)
            progress(end)
        for applier in appliers:
            applier.finish()


def _pages(stops: Sequence[Stop], after: int) -> Iterator[tuple[int, int]]:
    """(after, how many): no page crosses a stop, so every model takes a page whole or not at all."""
    for until in sorted({stop.position for stop in stops}):
        while after < until:
            yield after, min(log.LARGEST_PAGE, until - after)
            after = min(after + log.LARGEST_PAGE, until)


class _Applier:
    """One model, in a thread of its own."""

    def __init__(self, model: ReadModel, until: int, connection: Connection) -> None:
        self._model, self._until, self._connection = model, until, connection
        self._waiting: deque[Future[None]] = deque()
        self.thread = ThreadPoolExecutor(1, model.NAME)

    def take(self, end: int, batch: Batch) -> None:
        """Raises what went wrong with an earlier batch."""
        if end <= self._until:
            self._finish_but(AHEAD - 1)
            self._waiting.append(self.thread.submit(self._apply, batch))

    def finish(self) -> None:
        self._finish_but(0)

    def _finish_but(self, left: int) -> None:
        while len(self._waiting) > left:
            self._waiting.popleft().result()

    def _apply(self, batch: Batch) -> None:
        try:
            self._write(batch)
        except Exception as error:
            if not quarantine.of_the_event(error):
                raise
            raise self._blamed(batch, error) from error

    def _write(self, batch: Batch) -> None:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            self._model.apply(batch, cursor)

    def _blamed(self, batch: Batch, error: Exception) -> EventNotApplied:
        """By halves: what comes before the event that fails is applied."""
        while len(batch) > 1:
            half = len(batch) // 2
            try:
                self._write(batch[:half])
            except Exception as one_of_them:
                batch, error = batch[:half], one_of_them
            else:
                batch = batch[half:]
        found = batch[0]
        return EventNotApplied(
            found.position, found.stream, found.version, found.event.TOPIC, error
        )


@contextmanager
def _appliers(connect: Connect, stops: Sequence[Stop]) -> Iterator[list[_Applier]]:
    with ExitStack() as opened:
        appliers = []
        for stop in stops:
            for model in stop.models:
                connection = opened.enter_context(connect(model))
                appliers.append(_Applier(model, stop.position, connection))
                opened.callback(appliers[-1].thread.shutdown, cancel_futures=True)
        yield appliers


@contextmanager
def _batches(
    source: Connection,
    decode: Decode,
    pages: Iterator[tuple[int, int]],
    skipped: frozenset[str],
) -> Iterator[Iterator[tuple[int, Batch]]]:
    """The end of each page and its events, read ahead."""

    def read(after: int, limit: int) -> tuple[int, Batch]:
        with source.cursor() as cursor:
            rows = log.page(cursor, after, limit, skipped)
        if len(rows) < limit:
            end = after + len(rows)
            raise log.LogHasGap(f"The log ends at {end}.", position=end + 1)
        return rows[-1].position, decode(rows)

    def submitted(count: int) -> list[Future[tuple[int, Batch]]]:
        return [thread.submit(read, *page) for page in islice(pages, count)]

    def in_order() -> Iterator[tuple[int, Batch]]:
        coming = submitted(AHEAD)
        while coming:
            yield coming.pop(0).result()
            coming += submitted(1)

    thread = ThreadPoolExecutor(1, "read ahead")
    try:
        yield in_order()
    finally:
        thread.shutdown(cancel_futures=True)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Events hold no cycles; looking for some in millions of them took a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _decoder(skipped: frozenset[str]) -> Decode:
    mapper = EventMapper()

    def decode(rows: Sequence[StoredRow]) -> Sequence[Recorded[DomainEvent]]:
        try:
            return log.decode(rows, mapper, skipped)
        except MapperDeserialisationError:
            for row in rows:
                _decode_one(row, mapper, skipped)
            raise

    return decode


def _decode_one(row: StoredRow, mapper: EventMapper, skipped: frozenset[str]) -> None:
    try:
        log.decode([row], mapper, skipped)
    except MapperDeserialisationError as error:
        place = (row.position, row.stream, row.version, row.topic)
        raise EventNotApplied(*place, error) from error

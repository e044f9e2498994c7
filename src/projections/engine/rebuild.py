"""A fresh read schema, filled from the log.

Digests compare it with a live one (digests.py). The caller says where each model stops, because two
live groups may stand at different positions when they are looked at.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql as psql

from ledger.events import DomainEvent, Recorded
from ledger.eventstore.mapping import EventMapper
from projections.engine import connections, log, sql
from projections.engine.log import StoredRow
from projections.engine.positions import Positions
from projections.engine.read_model import ReadModel

SQL = sql.load(__name__)

Connection = psycopg.Connection[Any]
Groups = Mapping[str, Sequence[ReadModel]]
Stop = tuple[Sequence[ReadModel], int]  # these models, up to and including this position
Progress = Callable[[int], None]  # the position reached
Decode = Callable[[Sequence[StoredRow]], Sequence[Recorded[DomainEvent]]]


def create(
    connection: Connection, conninfo: str, schema: str, read_schema: str, groups: Groups
) -> None:
    """Everything a read schema needs, where it is not there yet; safe at every start and from
    several processes.
    """
    models = [model for group in groups.values() for model in group]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(SQL["one_at_a_time"], (read_schema,))
        if not cursor.execute(SQL["has_schema"], (read_schema,)).fetchone():
            cursor.execute(psql.SQL("create schema {}").format(psql.Identifier(read_schema)))
        connections.look_in(cursor, read_schema, schema)
        for model in models:
            if not cursor.execute(SQL["has_table"], (read_schema, model.TABLES[0])).fetchone():
                create_tables(cursor, model)
                create_indexes(cursor, model)
        Positions(conninfo, schema, read_schema).lay_out(cursor, groups)


def create_tables(cursor: psycopg.Cursor[Any], model: ReadModel) -> None:
    cursor.execute(model.SQL["create"])


def create_indexes(cursor: psycopg.Cursor[Any], model: ReadModel) -> None:
    if "index" in model.SQL:
        cursor.execute(model.SQL["index"])


def create_scratch(
    connection: Connection, schema: str, read_schema: str, models: Sequence[ReadModel]
) -> None:
    """Tables to compare and then drop: no WAL, no indexes for queries, no positions."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(psql.SQL("create schema {}").format(psql.Identifier(read_schema)))
        connections.look_in(cursor, read_schema, schema)
        for model in models:
            create_tables(cursor, model)
            for table in model.TABLES:
                name = psql.Identifier(read_schema, table)
                cursor.execute(psql.SQL("alter table {} set unlogged").format(name))


def drop(connection: Connection, read_schema: str) -> None:
    name = psql.Identifier(read_schema)
    connection.execute(psql.SQL("drop schema if exists {} cascade").format(name))


def replay(
    source: Connection,
    target: Connection,
    stops: Sequence[Stop],
    *,
    decode: Decode | None = None,
    progress: Progress = lambda position: None,
) -> None:
    """Apply the log from 1, as `source` reads it, to the schema that `target` looks in, each model
    up to its stop.
    """
    skipped: frozenset[str] = frozenset()
    if decode is None:
        skipped = log.unfollowed(
            event for models, _ in stops for model in models for event in model.FOLLOWS
        )
        decode = _decoder(skipped)
    with _collector_paused(), _Ahead(source, decode, _pages(stops), skipped) as batches:
        for end, batch in batches:
            with target.transaction(), target.cursor() as cursor:
                for models, position in stops:
                    for model in models if position >= end else ():
                        model.apply(batch, cursor)
            progress(end)


def _pages(stops: Sequence[Stop]) -> Iterator[tuple[int, int]]:
    """(after, how many): no page crosses a stop, so every model takes a page whole or not at all."""
    after = 0
    for until in sorted({position for _, position in stops}):
        while after < until:
            yield after, min(log.LARGEST_PAGE, until - after)
            after = min(after + log.LARGEST_PAGE, until)


class _Ahead:
    """Reads and decodes the next page while PostgreSQL works on the last one: two processors
    instead of one.
    """

    def __init__(
        self,
        source: Connection,
        decode: Decode,
        pages: Iterator[tuple[int, int]],
        skipped: frozenset[str],
    ) -> None:
        self._source, self._decode, self._pages = source, decode, pages
        self._skipped = skipped
        self._thread = ThreadPoolExecutor(1, "read ahead")

    def __enter__(self) -> Iterator[tuple[int, Sequence[Recorded[DomainEvent]]]]:
        return self._batches()

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def _batches(self) -> Iterator[tuple[int, Sequence[Recorded[DomainEvent]]]]:
        coming = [self._thread.submit(self._read, *page) for page in islice(self._pages, 2)]
        while coming:
            yield coming.pop(0).result()
            coming += [self._thread.submit(self._read, *page) for page in islice(self._pages, 1)]

    def _read(self, after: int, limit: int) -> tuple[int, Sequence[Recorded[DomainEvent]]]:
        with self._source.cursor() as cursor:
            rows = log.page(cursor, after, limit, self._skipped)
        if len(rows) < limit:
            raise log.LogHasGap(
                f"The log ends at {after + len(rows)}.", position=after + len(rows) + 1
            )
        return rows[-1].position, self._decode(rows)


@contextmanager
def _collector_paused() -> Iterator[None]:
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
    return lambda rows: log.decode(rows, mapper, skipped)

"""No reader of the log ever skips an event or gets one twice, however writers overlap and end.

Positions are given under a lock that is held to the commit, so they come in the order of commits. A
thousand schedules try to get in between; and writers that take ids from a sequence, as is commonly
done, are caught by the very same schedules.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ledger.eventstore.connections import conninfo_for
from projections.engine import log
from support.interleaving import Books, Interleaving, Means, Row, writers
from support.log_rows import APPEND, SCHEMA, Command, append_arguments, refused
from support.read_side import ReadSide, open_read_side

SCHEDULES: Final = 1_000
CONTROLS: Final = 60  # the first few of them catch it
MET: Final = ("read while one holds on", "waits", "commit", "rollback", "conflict", "repeat")

Connection = psycopg.Connection[Any]


def appended(connection: Connection, commands: Sequence[Command]) -> bytes:
    arguments = append_arguments(commands)
    return psycopg.ClientCursor(connection).mogrify(APPEND, arguments).encode()


def numbered_by_a_sequence(connection: Connection, commands: Sequence[Command]) -> bytes:
    """What append() does, but for the lock."""
    values = [
        (event.originator_id, event.originator_version, event.topic, event.state)
        for _, events in commands
        for event in events
    ]
    cursor = psycopg.ClientCursor(connection)
    insert = "insert into events values (%s, %s, %s, %s, nextval('numbers'), '')"
    return ";".join(cursor.mogrify(insert, row) for row in values).encode()


UNDER_THE_LOCK: Final = Means(appended, refused, rivals=True)
BY_SEQUENCE: Final = Means(numbered_by_a_sequence, lambda answer: {}, rivals=False)


class Reader:
    """The page reader alone: what it was given so far, in its order."""

    def __init__(self, connection: Connection) -> None:
        self.rows: list[Row] = []
        self._connection = connection

    def catch_up(self) -> None:
        after = self.rows[-1][0] if self.rows else 0
        with self._connection.cursor() as cursor:
            found = log.page(cursor, after, log.LARGEST_PAGE)
        self.rows += [(row.position, row.stream, row.version) for row in found]


class CarelessReader(Reader):
    """Without the proof that no position is missing: `> last`, as in most tutorials."""

    def catch_up(self) -> None:
        after = self.rows[-1][0] if self.rows else 0
        query = (
            "select notification_id, originator_id, originator_version from events"
            " where notification_id > %s order by notification_id"
        )
        self.rows += self._connection.execute(query, [after]).fetchall()


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


def interleaved(
    schedules: int, means: Means, conninfo: str, watch: Connection, consume: Callable[[Books], None]
) -> Books:
    """So many schedules after one another, on a log that goes on growing."""
    books = Books()
    with writers(conninfo) as connections:
        for seed in range(schedules):
            try:
                Interleaving(seed, connections, watch, books, means).run(lambda: consume(books))
            except BaseException as error:
                error.add_note(f"schedule {seed}")
                raise
    return books


def test_no_consumer_skips_an_event_or_applies_one_twice(read_side: ReadSide) -> None:
    reader = Reader(read_side.connection)

    def consume(books: Books) -> None:
        reader.catch_up()
        assert reader.rows[-20:] == books.rows[-20:]
        read_side.catch_up()
        assert {follower.position for follower in read_side.followers.values()} == {len(books.rows)}

    app = conninfo_for(read_side.conninfo, SCHEMA, "app")
    books = interleaved(SCHEDULES, UNDER_THE_LOCK, app, read_side.connection, consume)

    assert min(books.met[what] for what in MET) >= SCHEDULES / 10, books.met
    assert reader.rows == books.rows
    assert _applied(read_side) == books.rows
    assert _versions(read_side) == dict(books.versions)
    assert read_side.one("select sum(postings)::int as n from balances") == read_side.one(
        "select count(*)::int as n from legs"
    )


def _applied(read_side: ReadSide) -> list[Row]:
    """An entry is in the journal, every other event in the payment's history."""
    query = (
        "select position, payment_id as stream, version from payment_events union all"
        " select position, stream, split_part(entry_id, '/', 2)::bigint from entries order by position"
    )
    return [(row["position"], row["stream"], row["version"]) for row in read_side.rows(query)]


def _versions(read_side: ReadSide) -> dict[str, int]:
    rows = read_side.rows("select payment_id, version from payments")
    return {row["payment_id"]: row["version"] for row in rows}


@pytest.fixture
def naive(read_side: ReadSide) -> str:
    """How a writer connects who is under no lock, and bound by no rights."""
    conninfo = make_conninfo(read_side.conninfo, options=f"-c search_path={SCHEMA}")
    with psycopg.connect(conninfo) as conn:
        conn.execute("create sequence numbers")
    return conninfo


def test_ids_from_a_sequence_are_caught_making_a_reader_skip(
    read_side: ReadSide, naive: str
) -> None:
    reader = CarelessReader(read_side.connection)

    def consume(books: Books) -> None:
        reader.catch_up()
        missed = {row[1:] for row in books.rows} - {row[1:] for row in reader.rows}
        assert not missed

    with pytest.raises(AssertionError) as caught:
        interleaved(CONTROLS, BY_SEQUENCE, naive, read_side.connection, consume)

    assert caught.value.__notes__[0].startswith("schedule ")


def test_the_page_reader_stops_rather_than_skip_when_ids_come_from_a_sequence(
    read_side: ReadSide, naive: str
) -> None:
    reader = Reader(read_side.connection)

    with pytest.raises(log.LogHasGap):
        interleaved(
            CONTROLS, BY_SEQUENCE, naive, read_side.connection, lambda books: reader.catch_up()
        )

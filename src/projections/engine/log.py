"""The event log for reading in order: keyset pages, proved to be without gaps, and decoded."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ledger.errors import LedgerError
from ledger.events import TOPICS, DomainEvent, Recorded
from ledger.eventstore.mapping import EventMapper
from projections.engine import sql
from projections.engine.read_model import Cursor

SQL = sql.load(__name__)

LARGEST_PAGE: Final = 5_000  # eventstore.md 3.8: beyond it nothing is gained


class LogHasGap(LedgerError):
    code = "log_has_gap"
    title = "Positions in the event log do not follow one another."


class StoredRow(NamedTuple):
    position: int
    stream: str
    version: int
    topic: str
    state: bytes
    hash: bytes


def page(cursor: Cursor, after: int, limit: int, skipped: Iterable[str] = ()) -> list[StoredRow]:
    """The next events after a position; raises LogHasGap rather than skip one. Of `skipped` topics the
    bytes are left out: nobody is going to read them.
    """
    cursor.execute(SQL["page"], (list(skipped), after, limit), binary=True)
    rows = [StoredRow(*row) for row in cursor]
    if rows and (rows[0].position, rows[-1].position) != (after + 1, after + len(rows)):
        expected = range(after + 1, after + len(rows) + 1)
        missing = next(n for n, row in zip(expected, rows, strict=True) if n != row.position)
        raise LogHasGap(f"The log has no event at position {missing}.", position=missing)
    return rows


def check_whole(cursor: Cursor, after: int, until: int) -> None:
    """For who does not look at each event; raises LogHasGap."""
    counted = cursor.execute(SQL["count"], (after, until)).fetchone()
    if counted != (until - after,):
        missing = cursor.execute(SQL["missing"], (after, until)).fetchone()
        position = int(missing[0]) if missing else 0
        raise LogHasGap(f"The log has no event at position {position}.", position=position)


def head(cursor: Cursor) -> int:
    """The position of the newest event, 0 in an empty log."""
    row = cursor.execute(SQL["head"]).fetchone()
    return int(row[0]) if row else 0


def unfollowed(follows: Iterable[type[DomainEvent]]) -> frozenset[str]:
    """Topics that need no decoding. A topic that nobody knows is not among them: it must stop its
    reader.
    """
    followed = frozenset(follows)
    return frozenset(topic for topic, event in TOPICS.items() if event not in followed)


def decode(
    rows: Sequence[StoredRow], mapper: EventMapper, skipped: frozenset[str]
) -> list[Recorded[DomainEvent]]:
    """Raises the library's MapperDeserialisationError, which names the event."""
    return [
        mapper.decode(row.stream, row.version, row.topic, row.state, row.position)
        for row in rows
        if row.topic not in skipped
    ]

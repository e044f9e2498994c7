"""Every entry and its legs: from an account to its postings, and from each to the event that moved
the money.
"""

from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from ledger.events import Recorded
from ledger.journal.events import EntryPosted
from projections.engine import copying, sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "journal"
TABLES: Final = ("entries", "legs")
FOLLOWS: Final = (EntryPosted,)
SQL: Final = sql.load(__name__)

ENTRY_TYPES: Final = ("text", "int8", "text", "text", "text", "int4", "int8", "int8", "text")
LEG_TYPES: Final = ("text", "int4", "text", "int8", "text", "int8")
NEWEST: Final = (2**63 - 1, 0)  # before the first page


def apply(batch: Batch, cursor: Cursor) -> None:
    posted = [(record, record.event) for record in batch if isinstance(record.event, EntryPosted)]
    if not posted:
        return
    causes = _causes([record for record, _ in posted], cursor)
    entries = [_entry(record, event, causes) for record, event in posted]
    legs = [leg for record, event in posted for leg in _legs(record, event)]
    copying.copy(cursor, SQL["copy_entries"], ENTRY_TYPES, entries)
    copying.copy(cursor, SQL["copy_legs"], LEG_TYPES, legs)


def _causes(posted: list[Recorded[Any]], cursor: Cursor) -> dict[str, int]:
    """Cause by entry id. A fact may have several entries in a row: they share the cause of the
    first.
    """
    before = [f"{record.stream}/{record.version - 1}" for record in posted if record.version > 1]
    known: dict[str, int] = dict(cursor.execute(SQL["causes"], (before,)).fetchall())
    for record in posted:
        previous = f"{record.stream}/{record.version - 1}"
        known[f"{record.stream}/{record.version}"] = known.get(previous, record.version - 1)
    return known


def _entry(record: Recorded[Any], event: EntryPosted, causes: dict[str, int]) -> tuple[object, ...]:
    entry_id = f"{record.stream}/{record.version}"
    return (
        entry_id,
        record.position,
        record.stream,
        copying.text(event.rule),
        copying.text(event.words),
        copying.day(event.effective_on),
        copying.moment(record.metadata.recorded_at),
        causes[entry_id],
        copying.text(event.reverses),
    )


def _legs(record: Recorded[Any], event: EntryPosted) -> list[tuple[object, ...]]:
    entry_id = f"{record.stream}/{record.version}"
    return [
        (entry_id, n, leg.account, leg.amount.minor, leg.amount.currency, record.position)
        for n, leg in enumerate(event.legs, start=1)
    ]


async def entries_of(
    conn: psycopg.AsyncConnection[Any], account: str, after: tuple[int, int] | None, limit: int
) -> list[dict[str, Any]]:
    """Postings of an account, newest first; `after` is (position, leg) of the last row seen."""
    position, leg = after or NEWEST
    wanted = {"account": account, "position": position, "leg": leg, "limit": limit}
    cursor = conn.cursor(row_factory=dict_row)
    return await (await cursor.execute(SQL["entries_of"], wanted)).fetchall()


async def entries_of_stream(
    conn: psycopg.AsyncConnection[Any], stream: str
) -> list[dict[str, Any]]:
    """All postings of a payment or a bill, oldest first."""
    cursor = conn.cursor(row_factory=dict_row)
    return await (await cursor.execute(SQL["entries_of_stream"], (stream,))).fetchall()

"""Every entry and its legs: from an account to its postings, and from each to the event that moved
the money; and their sums by day, month and block of positions, from which standings.py answers what an
account held on any day, as known at any point.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

import msgspec
import psycopg
from psycopg.rows import tuple_row

from ledger.events import Recorded
from ledger.journal.events import EntryPosted, PeriodClosed
from ledger.journal.period import OpenDays
from projections.engine import copying, sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "journal"
TABLES: Final = (
    *("entries", "legs", "closed_periods"),
    *("daily_sums", "monthly_sums", "entry_blocks"),
)
FOLLOWS: Final = (EntryPosted, PeriodClosed)
SQL: Final = sql.load(__name__)

ENTRY_TYPES: Final = (
    *("text", "int8", "text", "text", "text"),  # to words
    *("int4", "int4", "int8", "int8", "int8", "text"),
)
LEG_TYPES: Final = ("text", "int4", "text", "int8", "text", "int8", "int4")
BLOCK_BITS: Final = 14  # of a position: what is within a block is added up when it is asked for
NEWEST: Final = (2**63 - 1, 0)  # before the first page

# Each with the day it counts for.
Posted = Sequence[tuple[Recorded[Any], EntryPosted, date]]


class _Sum(msgspec.Struct, gc=False):
    """A row's change by one batch."""

    account: str
    currency: str
    effective_on: date
    block: int
    debit_minor: int = 0
    credit_minor: int = 0
    postings: int = 0


class _Block(msgspec.Struct, gc=False):
    block: int
    recorded_from: datetime
    recorded_until: datetime


def apply(batch: Batch, cursor: Cursor) -> None:
    posted = _dated(batch, cursor)
    if not posted:
        return
    causes = _causes([record for record, *_ in posted], cursor)
    entries = [_entry(record, event, on, causes) for record, event, on in posted]
    legs = [leg for record, event, on in posted for leg in _legs(record, event, on)]
    copying.copy(cursor, SQL["copy_entries"], ENTRY_TYPES, entries)
    copying.copy(cursor, SQL["copy_legs"], LEG_TYPES, legs)
    sums = sql.rows(_sums(posted))
    cursor.execute(SQL["add_sums"], (sums,))
    cursor.execute(SQL["add_months"], (sums,))
    cursor.execute(SQL["add_blocks"], (sql.rows(_blocks(posted)),))


def _dated(batch: Batch, cursor: Cursor) -> Posted:
    """The entries; what closes a period is written down between them, in the order of the log."""
    row = cursor.execute(SQL["closed_until"]).fetchone()
    days = OpenDays(row[0] if row else None)
    posted = []
    for record in batch:
        match record.event:
            case EntryPosted() as event:
                posted.append((record, event, days.day(event.effective_on)))
            case PeriodClosed() as event:
                days.close(event)
                who = (copying.text(event.by), copying.text(event.reason))
                values = (event.period, event.until, event.occurred_at, *who, record.position)
                cursor.execute(SQL["add_period"], values)
    return posted


def _sums(posted: Posted) -> list[_Sum]:
    sums: dict[tuple[str, str, date, int], _Sum] = {}
    for record, event, on in posted:
        block = record.position >> BLOCK_BITS
        for leg in event.legs:
            minor, currency = leg.amount.minor, leg.amount.currency
            key = (leg.account, currency, on, block)
            total = sums.get(key) or sums.setdefault(key, _Sum(*key))
            if minor > 0:
                total.debit_minor += minor
            else:
                total.credit_minor -= minor
            total.postings += 1
    return list(sums.values())


def _blocks(posted: Posted) -> list[_Block]:
    times: dict[int, list[datetime]] = {}
    for record, *_ in posted:
        times.setdefault(record.position >> BLOCK_BITS, []).append(record.metadata.recorded_at)
    return [_Block(block, min(at), max(at)) for block, at in times.items()]


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


def _entry(
    record: Recorded[Any], event: EntryPosted, on: date, causes: dict[str, int]
) -> tuple[object, ...]:
    entry_id = f"{record.stream}/{record.version}"
    return (
        entry_id,
        record.position,
        record.stream,
        copying.text(event.rule),
        copying.text(event.words),
        copying.day(on),
        None if on == event.effective_on else copying.day(event.effective_on),
        copying.moment(event.occurred_at),
        copying.moment(record.metadata.recorded_at),
        causes[entry_id],
        copying.text(event.reverses),
    )


def _legs(record: Recorded[Any], event: EntryPosted, on: date) -> list[tuple[object, ...]]:
    entry_id, position = f"{record.stream}/{record.version}", record.position
    day = copying.day(on)
    return [
        (entry_id, n, leg.account, leg.amount.minor, leg.amount.currency, position, day)
        for n, leg in enumerate(event.legs, start=1)
    ]


class Times(NamedTuple):
    """When an entry counts, both days included, and when it was recorded, the end excluded."""

    effective_from: date = date.min
    effective_to: date = date.max
    recorded_from: datetime = datetime.min.replace(tzinfo=UTC)
    recorded_to: datetime = datetime.max.replace(tzinfo=UTC)


WHENEVER: Final = Times()


async def entries_of(
    conn: psycopg.AsyncConnection[Any],
    account: str,
    after: tuple[int, int] | None,
    limit: int,
    times: Times = WHENEVER,
) -> list[dict[str, Any]]:
    """Postings of an account, newest first; `after` is (position, leg) of the last row seen."""
    first, place = 0, after or NEWEST
    if times != WHENEVER:
        # Only among the blocks that can hold some: an account may have a million others.
        first, end = await _span(conn, account, times)
        place = min(place, (end, 0))
    wanted = {"account": account, "position": place[0], "leg": place[1], "limit": limit}
    values = {**wanted, "first": first, **times._asdict()}
    return await sql.fetch(conn, SQL["entries_of"], values)


async def _span(conn: psycopg.AsyncConnection[Any], account: str, times: Times) -> tuple[int, int]:
    """The first position that may be of these times, and the one after the last."""
    cursor = conn.cursor(row_factory=tuple_row)
    values = {"account": account, **times._asdict()}
    row = await (await cursor.execute(SQL["span"], values)).fetchone()
    return (int(row[0]), int(row[1])) if row and row[0] is not None else (0, 0)


async def entries_of_stream(
    conn: psycopg.AsyncConnection[Any], stream: str
) -> list[dict[str, Any]]:
    """All postings of a payment or a bill, oldest first."""
    return await sql.fetch(conn, SQL["entries_of_stream"], (stream,))

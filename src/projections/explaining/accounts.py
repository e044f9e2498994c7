"""Why an account holds what it holds: months, days, postings, each with the event behind it.

Whatever fits on a page is shown whole; what does not is told by month, then by day, then in pages of
postings. Each level is read by another way than the one above it: the balance from the balances, months
and days from the journal's sums by month and by day, postings from its legs, and each posting is compared
with the log.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec
import psycopg

from projections import balances, standings
from projections.engine import sql
from projections.explaining import story as stories
from projections.explaining.story import Kept, Place, Story
from projections.explaining.tree import Node, Posting, checked, require
from projections.standings import FOR_EVER

SQL: Final = sql.load(__name__)

FIRST_DAY: Final = date.min


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Of entries effective by a day and recorded up to a position of the log, which the read models must
    have reached; of a month or a day of them, where one is named, and after a place in its postings.
    """

    account: str
    currency: str
    known_at: int
    effective_on: date | None = None
    month: date | None = None  # its first day
    day: date | None = None
    after: tuple[int, int] | None = None  # (position, leg) of the last posting seen
    size: int

    @property
    def first(self) -> date:
        return self.day or self.month or FIRST_DAY

    @property
    def last(self) -> date:
        until = self.effective_on or FOR_EVER
        return min(until, self.day or (_end(self.month) if self.month else FOR_EVER))

    @property
    def cut_month(self) -> date:
        """The first month that is not asked for as a whole: its days are added up."""
        after = self.last if self.last == FOR_EVER else self.last + timedelta(days=1)
        return after.replace(day=1)

    @property
    def place(self) -> tuple[int, int]:
        """What is before it is explained."""
        return self.after or (self.known_at + 1, 0)


class Level(msgspec.Struct, frozen=True):
    """A month or a day."""

    first: date
    minor: int
    postings: int


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer is folded from: either levels, or postings and what they leave over."""

    minor: int
    postings: int
    levels: Sequence[Level] = ()
    of_days: bool = False
    rows: Sequence[dict[str, Any]] = ()
    rest: Level | None = None
    story: Story = Story({})


async def read(conn: psycopg.AsyncConnection[Any], asked: Question) -> Read:
    """Raises LogBroken, and ExplanationBroken where the log lacks an event."""
    minor, postings = await _number(conn, asked)
    if postings > asked.size and not asked.day and asked.after is None:
        levels = await _levels(conn, asked)
        if len(levels) > 1:
            return Read(
                minor=minor, postings=postings, levels=levels, of_days=asked.month is not None
            )
        if levels and not asked.month:
            found = await read(conn, msgspec.structs.replace(asked, month=levels[0].first))
            return msgspec.structs.replace(found, minor=minor, postings=postings)
    return await _page(conn, asked, minor, postings)


async def _number(conn: psycopg.AsyncConnection[Any], asked: Question) -> tuple[int, int]:
    """What is explained: a balance as it is told elsewhere, or a part of one."""
    if asked.day or asked.after:
        return _sum(await _by_day(conn, asked, asked.place))
    if asked.month:
        return _sum(await _by_month(conn, asked))
    rows = await standings.account(conn, asked.account, asked.effective_on, asked.known_at)
    found = _of_currency(rows, asked.currency)
    if asked.effective_on is None:
        told = await balances.account(conn, asked.account)
        for row in told:
            # Comparable when nothing was posted since.
            if row["currency"] == asked.currency and row["position"] <= asked.known_at:
                number = row["balance_minor"], row["postings"]
                require(number == found, asked.account, balance=number, standing=found)
    return found


def _of_currency(rows: Sequence[dict[str, Any]], currency: str) -> tuple[int, int]:
    found = [row for row in rows if row["currency"] == currency]
    return (found[0]["balance_minor"], found[0]["postings"]) if found else (0, 0)


async def _levels(conn: psycopg.AsyncConnection[Any], asked: Question) -> list[Level]:
    if asked.month:
        return await _by_day(conn, asked, asked.place)
    return await _by_month(conn, asked)


async def _by_month(conn: psycopg.AsyncConnection[Any], asked: Question) -> list[Level]:
    values = {**_values(asked, asked.place), "month": asked.cut_month}
    rows = await sql.fetch(conn, SQL["by_month"], values)
    return [Level(row["month"], row["minor"], row["postings"]) for row in rows]


async def _by_day(
    conn: psycopg.AsyncConnection[Any], asked: Question, place: tuple[int, int]
) -> list[Level]:
    rows = await sql.fetch(conn, SQL["by_day"], _values(asked, place))
    return [Level(row["day"], row["minor"], row["postings"]) for row in rows]


async def _page(
    conn: psycopg.AsyncConnection[Any], asked: Question, minor: int, postings: int
) -> Read:
    values = {**_values(asked, asked.place), "limit": asked.size + 1}
    found = await sql.fetch(conn, SQL["postings"], values)
    rows, rest = found[: asked.size], None
    if len(found) > asked.size:
        last = rows[-1]["position"], rows[-1]["leg"]
        rest = Level(asked.first, *_sum(await _by_day(conn, asked, last)))
    story = await stories.read(conn, sorted({_cause(row) for row in rows}))
    return Read(minor=minor, postings=postings, rows=rows, rest=rest, story=story)


def _values(asked: Question, place: tuple[int, int]) -> dict[str, Any]:
    return {
        "account": asked.account,
        "currency": asked.currency,
        "first": asked.first,
        "last": asked.last,
        "position": place[0],
        "leg": place[1],
    }


def _sum(levels: Sequence[Level]) -> tuple[int, int]:
    return sum(one.minor for one in levels), sum(one.postings for one in levels)


def _cause(row: dict[str, Any]) -> Place:
    """The fact that moved the money; an entry may stand alone."""
    own = int(row["entry_id"].rpartition("/")[2])
    return Place(row["stream"], row["cause_version"] or own)


# ── folding ───────────────────────────────────────────────────────────────────────────────────────────────────


def tree(asked: Question, found: Read, kept: Kept) -> Node:
    """Raises ExplanationBroken."""
    if found.levels:
        parts = [_level(asked, one, of_days=found.of_days) for one in found.levels]
    else:
        parts = [_posting(asked, row, found.story, kept) for row in found.rows]
        parts += [_rest(asked, found.rest, found.rows[-1])] if found.rest else []
    return checked(
        Node(
            kind="day" if asked.day else "month" if asked.month else "balance",
            words=_words(asked),
            amount=found.minor,
            currency=asked.currency,
            count=found.postings,
            parts=parts,
        )
    )


def _words(asked: Question) -> str:
    of = f" on {asked.day}" if asked.day else f" in {asked.month:%Y-%m}" if asked.month else ""
    until = f" by {asked.effective_on}" if asked.effective_on and not of else ""
    return f"{asked.account}{of}{until}" + (", the rest" if asked.after else "")


def _level(asked: Question, level: Level, *, of_days: bool) -> Node:
    name = f"{level.first}" if of_days else f"{level.first:%Y-%m}"
    return Node(
        kind="day" if of_days else "month",
        words=name,
        amount=level.minor,
        currency=asked.currency,
        count=level.postings,
        further={"day" if of_days else "month": name},
    )


def _rest(asked: Question, rest: Level, last: dict[str, Any]) -> Node:
    narrowed = {"day": f"{asked.day}"} if asked.day else {}
    narrowed |= {"month": f"{asked.month:%Y-%m}"} if asked.month and not asked.day else {}
    return Node(
        kind="rest",
        words="postings before these",
        amount=rest.minor,
        currency=asked.currency,
        count=rest.postings,
        further={**narrowed, "place": (last["position"], last["leg"])},
    )


def _posting(asked: Question, row: dict[str, Any], story: Story, kept: Kept) -> Node:
    cause, entry_id = _cause(row), row["entry_id"]
    entry = story.entry(cause, entry_id)
    leg = entry.legs[row["leg"] - 1] if row["leg"] <= len(entry.legs) else None
    in_log = leg and (leg.account, leg.amount.minor, leg.amount.currency)
    in_journal = (asked.account, row["minor"], asked.currency)
    require(in_log == in_journal, entry_id, log=in_log, journal=in_journal)
    return Node(
        kind="posting",
        words=f"{row['rule']} {row['words']}",
        amount=row["minor"],
        currency=asked.currency,
        posting=Posting(
            entry_id=entry_id,
            position=row["position"],
            leg=row["leg"],
            account=asked.account,
            rule=row["rule"],
            words=row["words"],
            effective_on=row["effective_on"],
            original_on=row["original_on"],
        ),
        parts=[stories.event(story, cause, kept)],
    )


def _end(month: date) -> date:
    """Its last day."""
    if month.month == 12:
        return month.replace(day=31)
    return month.replace(month=month.month + 1, day=1) - timedelta(days=1)

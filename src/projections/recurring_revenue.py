"""Monthly recurring revenue: each movement of it, with the event behind it.

What the words mean, and what counts from when, is in docs/subscriptions-reporting.md. Every figure is a
sum of movements; what is kept besides is where each subscription stands (recurring_standing.py). A
movement is dated when it takes effect: of a period that was opened ahead, when it begins.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal, get_args

import msgspec
import psycopg

from ledger.clock import business_date
from ledger.events import DomainEvent, Recorded
from ledger.subscriptions.events import SubscriptionCreated
from ledger.subscriptions.folding import EFFECTS
from projections.engine import sql
from projections.engine.read_model import Batch, Cursor
from projections.recurring_standing import MOVES, Ahead, Standing, created

NAME: Final = "recurring_revenue"
TABLES: Final = ("recurring_movements", "recurring_standing")
FOLLOWS: Final[tuple[type[DomainEvent], ...]] = (SubscriptionCreated, *MOVES)
WITHOUT_EFFECT: Final[tuple[type[DomainEvent], ...]] = tuple(
    event for event in EFFECTS if event not in FOLLOWS
)
SQL: Final = sql.load(__name__)

Kind = Literal["new", "expansion", "contraction", "churn", "reactivation"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_FOLLOWED: Final = frozenset(FOLLOWS)


class _Key(msgspec.Struct, frozen=True, gc=False):
    subscription_id: str
    moment: datetime
    position: int


class _Movement(msgspec.Struct, gc=False):
    """The columns of the table, in its order."""

    subscription_id: str
    moment: datetime
    position: int
    version: int
    topic: str
    month: date
    kind: Kind
    minor: int
    level_minor: int
    currency: str
    customer_id: str
    plan_id: str


class _Book:
    """What a batch writes: movements, and those of before that will not take effect after all."""

    def __init__(self) -> None:
        self.written: dict[_Key, _Movement] = {}
        self.withdrawn: list[_Key] = []

    def withdraw(self, key: _Key) -> None:
        if self.written.pop(key, None) is None:
            self.withdrawn.append(key)


def apply(batch: Batch, cursor: Cursor) -> None:
    followed = [recorded for recorded in batch if type(recorded.event) in _FOLLOWED]
    standings = _load(followed, cursor)
    before = {stream: msgspec.structs.replace(one) for stream, one in standings.items()}
    book = _Book()
    for recorded in followed:
        _fold(standings, recorded, book)
    changed = [one for stream, one in standings.items() if one != before.get(stream)]
    _write(cursor, "withdraw", book.withdrawn)
    _write(cursor, "insert", list(book.written.values()))
    _write(cursor, "upsert", changed)


def _load(followed: Iterable[Recorded[Any]], cursor: Cursor) -> dict[str, Standing]:
    """Those that began in an earlier batch."""
    began_here = {r.stream for r in followed if isinstance(r.event, SubscriptionCreated)}
    earlier = {r.stream for r in followed} - began_here
    if not earlier:
        return {}
    cursor.execute(SQL["load"], (list(earlier),))
    return {row[0]: Standing(*row) for row in cursor}


def _write(cursor: Cursor, statement: str, rows: Sequence[Any]) -> None:
    if rows:
        cursor.execute(SQL[statement], (sql.rows(rows),))


def _fold(standings: dict[str, Standing], recorded: Recorded[Any], book: _Book) -> None:
    event, standing = recorded.event, standings.get(recorded.stream)
    if isinstance(event, SubscriptionCreated):
        standings[recorded.stream] = created(event)
    elif standing is None:
        raise LookupError(f"{recorded.stream} at {recorded.position} has no beginning")
    else:
        standing.passed(event.occurred_at)
        MOVES[type(event)](standing, event)
        _move(standing, recorded, book)


def _move(s: Standing, recorded: Recorded[Any], book: _Book) -> None:
    """To where it stands now; what was written ahead stays only if nothing about it is different."""
    now, ahead = s.worth, s.worth_ahead
    if s.ahead_at and s.ahead_position and (now != s.level_minor or ahead != s.written_ahead):
        book.withdraw(_Key(s.subscription_id, s.ahead_at, s.ahead_position))
        s.ahead_minor = s.ahead_at = s.ahead_position = None
    if now != s.level_minor:
        at = max(recorded.event.occurred_at, s.moved_at or recorded.event.occurred_at)
        _enter(book, recorded, s, Ahead(now, at))
        s.stand_at(now, at)
    if ahead and s.ahead_at is None and ahead.minor != now:
        _enter(book, recorded, s, ahead)
        s.ahead_minor, s.ahead_at = ahead
        s.ahead_position = recorded.position


def _enter(book: _Book, recorded: Recorded[Any], s: Standing, to: Ahead) -> None:
    key = _Key(s.subscription_id, to.at, recorded.position)
    book.written[key] = _Movement(
        subscription_id=s.subscription_id,
        moment=to.at,
        position=recorded.position,
        version=recorded.version,
        topic=recorded.event.TOPIC,
        month=business_date(to.at).replace(day=1),
        kind=_kind(s, to.minor),
        minor=to.minor - s.level_minor,
        level_minor=to.minor,
        currency=s.currency,
        customer_id=s.customer_id,
        plan_id=s.plan_id,
    )


def _kind(s: Standing, to: int) -> Kind:
    if s.level_minor == 0:
        return "reactivation" if s.has_counted else "new"
    if to == 0:
        return "churn"
    return "expansion" if to > s.level_minor else "contraction"


async def by_month(
    conn: psycopg.AsyncConnection[Any], currency: str, until: date
) -> list[dict[str, Any]]:
    """For each month with movements, up to that one: their sums by kind, and how many customers began
    and ceased to pay.
    """
    wanted = {"currency": currency, "until": until}
    return await sql.fetch(conn, SQL["by_month"], wanted, prepare=False)


async def movements(
    conn: psycopg.AsyncConnection[Any],
    month: date,
    kind: str | None,
    after: tuple[datetime, int, str] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Of a month, in the order in which they take effect; `after` is (moment, position,
    subscription_id) of the last row seen.
    """
    moment, position, subscription_id = after or (None, 0, "")
    wanted = {"month": month, "kind": kind, "moment": moment, "position": position}
    wanted |= {"subscription_id": subscription_id, "limit": limit}
    return await sql.fetch(conn, SQL["movements"], wanted, prepare=False)


async def standing_at_end(
    conn: psycopg.AsyncConnection[Any], month: date, after: str, limit: int
) -> list[dict[str, Any]]:
    """What a month's recurring revenue is made of: each subscription with its newest movement by then.
    `after` is the subscription_id of the last row seen.
    """
    wanted = {"month": month, "after": after, "limit": limit}
    return await sql.fetch(conn, SQL["standing_at_end"], wanted)

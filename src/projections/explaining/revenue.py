"""Why a month's recurring revenue is what it is: what it was at the beginning, and each movement with the
event behind it. docs/subscriptions-reporting.md defines the figures.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
import psycopg

from projections import recurring_revenue
from projections.engine import sql
from projections.explaining import story as stories
from projections.explaining.story import Kept, Place, Story
from projections.explaining.tree import Movement, Node, checked, require
from projections.recurring_figures import figures
from projections.recurring_revenue import KINDS, Kind

SQL: Final = sql.load(__name__)

After = tuple[datetime, int, str]  # moment, position and subscription of the last movement seen


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Of the recurring revenue at the end of a month; or of what a kind of movement made of it, from a
    place in them on.
    """

    month: date  # its first day
    currency: str
    kind: Kind | None = None
    after: After | None = None
    size: int


class Movements(msgspec.Struct, frozen=True, kw_only=True):
    """Of one kind. `rows` are left out where there are too many of them together."""

    minor: int
    count: int
    rows: Sequence[dict[str, Any]] = ()
    rest: tuple[int, int] | None = None  # their amount and number, after the rows


class Read(msgspec.Struct, frozen=True, kw_only=True):
    minor: int
    before: int = 0
    kinds: Mapping[Kind, Movements]
    story: Story


async def read(conn: psycopg.AsyncConnection[Any], asked: Question) -> Read:
    """All at one instant: what a period that is withdrawn had moved is gone. Raises LogBroken."""
    async with conn.transaction():
        await conn.execute("set transaction isolation level repeatable read, read only")
        if asked.kind:
            return await _of_kind(conn, asked, asked.kind)
        return await _of_month(conn, asked)


async def _of_kind(conn: psycopg.AsyncConnection[Any], asked: Question, kind: Kind) -> Read:
    minor, count = await _beyond(conn, asked, kind, asked.after)
    if asked.after is None:  # the figure as it is reported
        minor = (await _reported(conn, asked))[kind]
    found = await _page(conn, asked, kind, minor, count)
    return Read(minor=minor, kinds={kind: found}, story=await _story(conn, [found]))


async def _of_month(conn: psycopg.AsyncConnection[Any], asked: Question) -> Read:
    values = _values(asked, "new", None)
    (before,) = await sql.fetch(conn, SQL["before"], values)
    rows = await sql.fetch(conn, SQL["kinds"], values)
    whole = sum(row["movements"] for row in rows) <= asked.size
    kinds: dict[Kind, Movements] = {
        one["kind"]: await _page(conn, asked, one["kind"], one["minor"], one["movements"])
        if whole
        else Movements(minor=one["minor"], count=one["movements"])
        for one in rows
    }
    return Read(
        minor=(await _reported(conn, asked))["recurring"],
        before=before["minor"],
        kinds=kinds,
        story=await _story(conn, [*kinds.values()]),
    )


async def _reported(conn: psycopg.AsyncConnection[Any], asked: Question) -> dict[str, int]:
    rows = await recurring_revenue.by_month(conn, asked.currency, asked.month)
    (month,) = figures(rows, asked.month, asked.month)
    return {"recurring": month.recurring, **{kind: getattr(month, kind) for kind in KINDS}}


async def _page(
    conn: psycopg.AsyncConnection[Any], asked: Question, kind: Kind, minor: int, count: int
) -> Movements:
    values = {**_values(asked, kind, asked.after), "limit": asked.size + 1}
    found = await sql.fetch(conn, SQL["movements"], values, prepare=False)
    rows = found[: asked.size]
    more = len(found) > asked.size
    rest = await _beyond(conn, asked, kind, _after(rows[-1])) if more else None
    return Movements(minor=minor, count=count, rows=rows, rest=rest)


async def _beyond(
    conn: psycopg.AsyncConnection[Any], asked: Question, kind: Kind, after: After | None
) -> tuple[int, int]:
    (row,) = await sql.fetch(conn, SQL["rest"], _values(asked, kind, after), prepare=False)
    return row["minor"], row["movements"]


async def _story(conn: psycopg.AsyncConnection[Any], found: Sequence[Movements]) -> Story:
    return await stories.read(conn, sorted({_place(row) for one in found for row in one.rows}))


def _values(asked: Question, kind: Kind, after: After | None) -> dict[str, Any]:
    moment, position, subscription_id = after or (None, 0, "")
    return {
        "month": asked.month,
        "currency": asked.currency,
        "kind": kind,
        "moment": moment,
        "position": position,
        "subscription_id": subscription_id,
    }


def _after(row: Mapping[str, Any]) -> After:
    return row["moment"], row["position"], row["subscription_id"]


def _place(row: Mapping[str, Any]) -> Place:
    return Place(row["subscription_id"], row["version"])


# ── folding ───────────────────────────────────────────────────────────────────────────────────────────────────


def tree(asked: Question, found: Read, kept: Kept) -> Node:
    """Raises ExplanationBroken."""
    if asked.kind:
        node = _kind(asked, asked.kind, found.kinds[asked.kind], found.story, kept)
        node.words += ", the rest" if asked.after else ""
        return checked(node)
    kinds = [kind for kind in KINDS if kind in found.kinds]
    return checked(
        Node(
            kind="recurring",
            words=f"recurring revenue at the end of {asked.month:%Y-%m}",
            amount=found.minor,
            currency=asked.currency,
            parts=[
                _before(asked, found.before),
                *(_kind(asked, kind, found.kinds[kind], found.story, kept) for kind in kinds),
            ],
        )
    )


def _before(asked: Question, minor: int) -> Node:
    last = asked.month - timedelta(days=1)
    return Node(
        kind="before",
        words=f"at the end of {last:%Y-%m}",
        amount=minor,
        currency=asked.currency,
        further={"month": f"{last:%Y-%m}"} if minor else {},
    )


def _kind(asked: Question, kind: Kind, found: Movements, story: Story, kept: Kept) -> Node:
    parts = [_movement(asked, row, story, kept) for row in found.rows]
    if found.rest:
        parts.append(_rest(asked, kind, found))
    return Node(
        kind="movements",
        words=f"{kind} in {asked.month:%Y-%m}",
        amount=found.minor,
        currency=asked.currency,
        count=found.count,
        further={} if parts or not found.count else {"kind": kind},
        parts=parts,
    )


def _rest(asked: Question, kind: Kind, found: Movements) -> Node:
    minor, count = found.rest or (0, 0)
    return Node(
        kind="rest",
        words="movements after these",
        amount=minor,
        currency=asked.currency,
        count=count,
        further={"kind": kind, "place": _after(found.rows[-1])},
    )


def _movement(asked: Question, row: dict[str, Any], story: Story, kept: Kept) -> Node:
    event = stories.event(story, _place(row), kept)
    in_log = event.fact and (event.fact.position, event.fact.topic)
    in_report = (row["position"], row["topic"])
    require(in_log == in_report, row["subscription_id"], log=in_log, report=in_report)
    return Node(
        kind="movement",
        words=row["subscription_id"],
        amount=row["minor"],
        currency=asked.currency,
        movement=Movement(
            subscription_id=row["subscription_id"],
            customer_id=row["customer_id"],
            plan_id=row["plan_id"],
            kind=row["kind"],
            level=row["level_minor"],
            takes_effect_at=row["moment"],
        ),
        parts=[event],
    )

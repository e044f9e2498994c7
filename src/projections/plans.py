"""Every plan in the version that is sold."""

from typing import Any, Final

import msgspec
import psycopg

from ledger.events import DomainEvent, Recorded
from ledger.plans.events import PlanCreated, PlanRetired, PlanVersionAdded
from ledger.plans.terms import STREAM, PlanTerms
from projections.engine import sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "plans"
TABLES: Final = ("plans",)
FOLLOWS: Final[tuple[type[DomainEvent], ...]] = (PlanCreated, PlanVersionAdded, PlanRetired)
SQL: Final = sql.load(__name__)

_FOLLOWED: Final = frozenset(FOLLOWS)


def apply(batch: Batch, cursor: Cursor) -> None:
    """One by one: there are few."""
    for recorded in batch:
        if type(recorded.event) in _FOLLOWED:
            _write(recorded, cursor)


def _write(recorded: Recorded[Any], cursor: Cursor) -> None:
    event = recorded.event
    place = {
        "plan_id": recorded.stream.removeprefix(STREAM),
        "at": event.occurred_at,
        "position": recorded.position,
    }
    match event:
        case PlanCreated():
            cursor.execute(SQL["add"], place | _columns(event.terms))
        case PlanVersionAdded():
            cursor.execute(SQL["change"], place | _columns(event.terms))
        case PlanRetired():
            cursor.execute(SQL["retire"], place)


def _columns(terms: PlanTerms) -> dict[str, Any]:
    said = msgspec.structs.asdict(terms)
    price, interval = said.pop("price"), said.pop("interval")
    return {
        **said,
        "price_minor": price.minor,
        "currency": price.currency,
        "interval_unit": interval.unit,
        "interval_count": interval.count,
    }


async def page(
    conn: psycopg.AsyncConnection[Any],
    retired: bool | None,
    after: tuple[int, ...] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Newest first; `after` is (first_position,) of the last row seen."""
    wanted = {"retired": retired, "before": after and after[0], "limit": limit}
    return await sql.fetch(conn, SQL["page"], wanted, prepare=False)

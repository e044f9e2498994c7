"""Every coupon, and how often it was redeemed."""

from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from ledger.coupons.events import CouponCreated, CouponRedeemed, CouponWithdrawn
from ledger.coupons.terms import STREAM
from ledger.events import DomainEvent, Recorded
from projections.engine import sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "coupons"
TABLES: Final = ("coupons",)
FOLLOWS: Final[tuple[type[DomainEvent], ...]] = (CouponCreated, CouponRedeemed, CouponWithdrawn)
SQL: Final = sql.load(__name__)

_FOLLOWED: Final = frozenset(FOLLOWS)


def apply(batch: Batch, cursor: Cursor) -> None:
    """One by one, each after the one before."""
    for recorded in batch:
        if type(recorded.event) in _FOLLOWED:
            _write(recorded, cursor)


def _write(recorded: Recorded[Any], cursor: Cursor) -> None:
    event = recorded.event
    place = {
        "code": recorded.stream.removeprefix(STREAM),
        "at": event.occurred_at,
        "position": recorded.position,
    }
    match event:
        case CouponCreated():
            cursor.execute(SQL["add"], place | _columns(event))
        case CouponRedeemed():
            cursor.execute(SQL["redeem"], place)
        case CouponWithdrawn():
            cursor.execute(SQL["withdraw"], place)


def _columns(event: CouponCreated) -> dict[str, Any]:
    terms = event.terms
    return {
        "percent": terms.percent,
        "amount_minor": terms.amount and terms.amount.minor,
        "currency": terms.amount and terms.amount.currency,
        "periods": terms.periods,
        "plans": Jsonb(terms.plans),
        "redeem_by": event.redeem_by,
        "most": event.most,
    }


async def page(
    conn: psycopg.AsyncConnection[Any], after: tuple[int, ...] | None, limit: int
) -> list[dict[str, Any]]:
    """Newest first; `after` is (first_position,) of the last row seen."""
    wanted = {"before": after and after[0], "limit": limit}
    return await sql.fetch(conn, SQL["page"], wanted, prepare=False)

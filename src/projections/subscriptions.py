"""Every subscription as it stands: one row, of what the ledger itself makes of its facts.

The row keeps the folded state beside its columns, so that each batch folds only what is new. What is
*current* depends on the time, which no read model asks for: the row has the newest periods, and who
reads it looks at the clock.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import psycopg

from ledger.events import DomainEvent, Recorded
from ledger.subscriptions.events import SubscriptionCreated
from ledger.subscriptions.folding import EFFECTS, evolve
from ledger.subscriptions.life import OVERDUE, RUNNING
from ledger.subscriptions.pricing import price, share
from ledger.subscriptions.subscription import Subscription
from projections.engine import sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "subscriptions"
TABLES: Final = ("subscriptions",)
FOLLOWS: Final[tuple[type[DomainEvent], ...]] = tuple(EFFECTS)
WITHOUT_EFFECT: Final[tuple[type[DomainEvent], ...]] = ()
SQL: Final = sql.load(__name__)

RENEWING: Final = frozenset({*RUNNING, *OVERDUE})

_FOLLOWED: Final = frozenset(FOLLOWS)
_ENCODE: Final = msgspec.json.Encoder().encode
_DECODE: Final = msgspec.json.Decoder(Subscription).decode


class PeriodSpan(msgspec.Struct, gc=False):
    number: int
    starts_at: datetime
    ends_at: datetime


class Scheduled(msgspec.Struct, gc=False):
    at: datetime
    plan_id: str
    plan_version: int
    plan_name: str
    quantity: int
    coupon: str


class SubscriptionRow(msgspec.Struct, gc=False):
    """The columns of the table, in its order."""

    subscription_id: str
    customer_id: str
    status: str
    has_access: bool
    plan_id: str
    plan_version: int
    plan_name: str
    product: str
    price_minor: int
    currency: str
    interval_unit: str
    interval_count: int
    quantity: int
    coupon: str
    method: str
    pulled: bool
    zone: str
    periods: Sequence[PeriodSpan]
    paid_until: datetime | None
    next_at: datetime | None
    renews_at: datetime | None
    renewal_minor: int | None
    trial_ends_at: datetime | None
    cancel_at: datetime | None
    resume_at: datetime | None
    scheduled: Scheduled | None
    credit_minor: int
    owed_minor: int
    missed: int
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    first_position: int
    position: int
    state: msgspec.Raw


class _Place(msgspec.Struct, gc=False):
    """Where a subscription stands in the log, and what it has come to."""

    state: Subscription
    first_position: int
    position: int


def apply(batch: Batch, cursor: Cursor) -> None:
    followed = [recorded for recorded in batch if type(recorded.event) in _FOLLOWED]
    places = _load(followed, cursor)
    for recorded in followed:
        _fold(places, recorded)
    if places:
        rows = [_row(place) for place in places.values()]
        cursor.execute(SQL["upsert"], (sql.rows(rows),))


def _load(followed: Iterable[Recorded[Any]], cursor: Cursor) -> dict[str, _Place]:
    """Those that began in an earlier batch."""
    began_here = {r.stream for r in followed if isinstance(r.event, SubscriptionCreated)}
    earlier = {r.stream for r in followed} - began_here
    if not earlier:
        return {}
    cursor.execute(SQL["load"], (list(earlier),))
    return {stream: _Place(_DECODE(state), *at) for stream, state, *at in cursor}


def _fold(places: dict[str, _Place], recorded: Recorded[Any]) -> None:
    place = places.get(recorded.stream)
    if place is None:
        if not isinstance(recorded.event, SubscriptionCreated):
            raise LookupError(f"{recorded.stream} at {recorded.position} has no beginning")
        place = places[recorded.stream] = _Place(Subscription(), recorded.position, 0)
    place.state = evolve(place.state, recorded.event)
    place.position = recorded.position


def _row(place: _Place) -> SubscriptionRow:
    s = place.state
    created, sold, terms = s.creation, s.what, s.what.terms
    renews_at = _renews_at(s)
    return SubscriptionRow(
        subscription_id=created.subscription_id,
        customer_id=created.customer_id,
        status=s.status.value,
        has_access=s.has_access,
        plan_id=sold.plan_id,
        plan_version=terms.version,
        plan_name=terms.name,
        product=terms.product,
        price_minor=terms.price.minor,
        currency=terms.price.currency,
        interval_unit=terms.interval.unit,
        interval_count=terms.interval.count,
        quantity=sold.quantity,
        coupon=sold.coupon.code if sold.coupon and sold.coupon_left != 0 else "",
        method=s.paying.method,
        pulled=s.paying.is_pulled,
        zone=s.schedule.zone,
        periods=[PeriodSpan(one.number, one.starts_at, one.ends_at) for one in s.charged],
        paid_until=s.paid_until,
        next_at=s.look_at,
        renews_at=renews_at,
        renewal_minor=_renewal_minor(s, renews_at) if renews_at else None,
        trial_ends_at=s.trial_ends_at,
        cancel_at=s.cancel.at if s.cancel else None,
        resume_at=s.resume_at,
        scheduled=_scheduled(s),
        credit_minor=s.credit.minor,
        owed_minor=sum(bill.to_pay.minor for bill in s.open_bills),
        missed=len(s.missed),
        metadata=created.metadata,
        created_at=created.occurred_at,
        updated_at=s.updated_at or created.occurred_at,
        first_position=place.first_position,
        position=place.position,
        state=msgspec.Raw(_ENCODE(s)),
    )


def _renews_at(s: Subscription) -> datetime | None:
    """When the next period begins that was not opened yet; None when, as things stand, none will."""
    if s.status not in RENEWING or (s.cancel and s.cancel.at <= s.next_starts_at):
        return None
    return s.next_starts_at


def _renewal_minor(s: Subscription, at: datetime) -> int:
    """What its bill will come to, tax and carried changes in it, before credit."""
    changed = s.scheduled.sold if s.scheduled and s.scheduled.at <= at else None
    sold = changed or s.what
    cost = share(price(sold).net, sold.terms.tax_mode, at)
    return (cost.total + s.carried.total).minor


def _scheduled(s: Subscription) -> Scheduled | None:
    if s.scheduled is None:
        return None
    sold = s.scheduled.sold
    return Scheduled(
        at=s.scheduled.at,
        plan_id=sold.plan_id,
        plan_version=sold.terms.version,
        plan_name=sold.terms.name,
        quantity=sold.quantity,
        coupon=sold.coupon.code if sold.coupon else "",
    )


class SubscriptionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that are given must hold."""

    status: str | None = None
    plan_id: str | None = None
    customer_id: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None  # exclusive


async def page(
    conn: psycopg.AsyncConnection[Any],
    filters: SubscriptionFilter,
    after: tuple[int, ...] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Newest first; `after` is (first_position,) of the last row seen."""
    wanted = {**msgspec.structs.asdict(filters), "before": after and after[0], "limit": limit}
    return await sql.fetch(conn, SQL["page"], wanted, prepare=False)


async def renewals(
    conn: psycopg.AsyncConnection[Any],
    until: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Those whose next period begins by then, the soonest first; `after` is (renews_at,
    subscription_id) of the last row seen.
    """
    at, subscription_id = after or (None, "")
    wanted = {"until": until, "at": at, "subscription_id": subscription_id, "limit": limit}
    return await sql.fetch(conn, SQL["renewals"], wanted, prepare=False)

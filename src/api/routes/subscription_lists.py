"""Lists of subscriptions: as they stand, as they renew, and what has happened to one."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from api.pagination import DEFAULT_SIZE, PageCursor, PageSize
from api.routes.parts import (
    MayReadBillingEvents,
    MayReadSubscriptions,
    SubscriptionId,
    Wired,
    as_of,
    billing_history,
    cut,
)
from api.strict_json import StrictRoute
from api.subscription_rows import (
    RenewalPage,
    RenewalRowView,
    SubscriptionPage,
    SubscriptionRowView,
)
from api.views import EventPage
from ledger import clock
from projections import subscriptions as rows_of

router = APIRouter(prefix="/api/v1", tags=["subscriptions"], route_class=StrictRoute)


@router.get("/subscriptions", response_model=SubscriptionPage)
async def list_subscriptions(
    caller: MayReadSubscriptions,
    wired: Wired,
    status: Annotated[str | None, Query(max_length=32)] = None,
    plan_id: Annotated[str | None, Query(alias="planId", max_length=64)] = None,
    customer_id: Annotated[str | None, Query(alias="customerId", max_length=64)] = None,
    created_from: Annotated[datetime | None, Query(alias="createdFrom")] = None,
    created_to: Annotated[datetime | None, Query(alias="createdTo")] = None,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> SubscriptionPage:
    """Newest first. Read models may lag by a moment: `asOf` says how far they have come."""
    filters = rows_of.SubscriptionFilter(
        status=status,
        plan_id=plan_id,
        customer_id=customer_id,
        created_from=created_from,
        created_to=created_to,
    )
    listing, now = f"subscriptions {filters!r}", clock.now()
    after = wired.cursors.read(listing, cursor, tuple[int]) if cursor else None
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows, more = cut(await rows_of.page(conn, filters, after, size + 1), size)
    return SubscriptionPage(
        subscriptions=[SubscriptionRowView.of(row, now) for row in rows],
        next_cursor=wired.cursors.write(listing, (rows[-1]["first_position"],)) if more else None,
        as_of=fresh,
    )


@router.get("/renewals", response_model=RenewalPage)
async def list_renewals(
    caller: MayReadSubscriptions,
    wired: Wired,
    until: Annotated[datetime, Query(description="The last moment that is looked at.")],
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> RenewalPage:
    """What is to come: subscriptions whose next period begins by then, the soonest first. What time has
    brought already, and a worker is about to do, is among them.
    """
    listing = f"renewals {until!r}"
    after = wired.cursors.read(listing, cursor, tuple[datetime, str]) if cursor else None
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows, more = cut(await rows_of.renewals(conn, until, after, size + 1), size)
    last = (rows[-1]["renews_at"], rows[-1]["subscription_id"]) if more else None
    return RenewalPage(
        renewals=[RenewalRowView.of(row) for row in rows],
        next_cursor=last and wired.cursors.write(listing, last),
        as_of=fresh,
    )


@router.get("/subscriptions/{subscription_id}/events", response_model=EventPage)
async def list_subscription_events(
    subscription_id: SubscriptionId,
    caller: MayReadBillingEvents,
    wired: Wired,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> EventPage:
    """What happened to the subscription, oldest first; its bills and payments have lists of their own."""
    await wired.subscriptions.get(subscription_id)
    return await billing_history(wired, subscription_id, size, cursor)

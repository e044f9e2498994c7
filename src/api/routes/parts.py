"""What routes share: their ports, their callers, and how fresh a list is."""

from typing import Annotated, Any, Final

import psycopg
from fastapi import Depends, Path, Request
from psycopg.rows import DictRow

from api.auth import permission
from api.views import EventPage, EventView, FreshnessView
from api.wiring import Wiring
from ledger.access.caller import Caller
from ledger.eventstore.store import Context
from ledger.identity import new_id
from projections import billing_events
from projections.freshness import freshness

PAYMENT_ID: Final = r"^pay_[0-9a-hjkmnp-tv-z]{26}$"
SUBSCRIPTION_ID: Final = r"^sub_[0-9a-hjkmnp-tv-z]{26}$"
BILL_ID: Final = r"^bill_[0-9a-hjkmnp-tv-z]{26}_[1-9][0-9]{0,8}$"

PaymentId = Annotated[str, Path(pattern=PAYMENT_ID)]
SubscriptionId = Annotated[str, Path(pattern=SUBSCRIPTION_ID)]
BillId = Annotated[str, Path(pattern=BILL_ID)]


async def wiring(request: Request) -> Wiring:
    """Async only because FastAPI runs any other dependency in its thread pool."""
    wired: Wiring = request.app.state.wiring
    return wired


Wired = Annotated[Wiring, Depends(wiring)]

MayCreate = Annotated[Caller, Depends(permission("payments:create"))]
MayImport = Annotated[Caller, Depends(permission("payments:import"))]
MayRead = Annotated[Caller, Depends(permission("payments:read"))]
MayCapture = Annotated[Caller, Depends(permission("payments:capture"))]
MayCancel = Annotated[Caller, Depends(permission("payments:cancel"))]
MayRefund = Annotated[Caller, Depends(permission("payments:refund"))]
MayReadEvents = Annotated[Caller, Depends(permission("payment_events:read"))]
MayReadMethods = Annotated[Caller, Depends(permission("payment_methods:read"))]
MayChangeCustomers = Annotated[Caller, Depends(permission("customers:change"))]
MayReadCustomers = Annotated[Caller, Depends(permission("customers:read"))]
MayReadPersonalData = Annotated[Caller, Depends(permission("personal_data:read"))]
MayErase = Annotated[Caller, Depends(permission("personal_data:erase"))]
MayChangePlans = Annotated[Caller, Depends(permission("plans:change"))]
MayReadPlans = Annotated[Caller, Depends(permission("plans:read"))]
MayChangeCoupons = Annotated[Caller, Depends(permission("coupons:change"))]
MayReadCoupons = Annotated[Caller, Depends(permission("coupons:read"))]
MayReadAccounts = Annotated[Caller, Depends(permission("accounts:read"))]
MayExplain = Annotated[Caller, Depends(permission("explanations:read"))]
MayReadMetrics = Annotated[Caller, Depends(permission("metrics:read"))]

MayCreateSubscriptions = Annotated[Caller, Depends(permission("subscriptions:create"))]
MayReadSubscriptions = Annotated[Caller, Depends(permission("subscriptions:read"))]
MayChangeSubscriptions = Annotated[Caller, Depends(permission("subscriptions:change"))]
MayCancelSubscriptions = Annotated[Caller, Depends(permission("subscriptions:cancel"))]
MayReadBills = Annotated[Caller, Depends(permission("bills:read"))]
MayReadBillingEvents = Annotated[Caller, Depends(permission("billing_events:read"))]
MayReadReports = Annotated[Caller, Depends(permission("reports:read"))]


def acting(request: Request, caller: Caller) -> Context:
    """For what may be done twice without a key, because twice is once."""
    return Context(
        command_id=new_id("cmd"), actor=caller.actor, correlation_id=request.state.request_id
    )


async def as_of(conn: psycopg.AsyncConnection[DictRow]) -> FreshnessView:
    return FreshnessView.model_validate(await freshness(conn))


def cut(rows: list[dict[str, Any]], size: int) -> tuple[list[dict[str, Any]], bool]:
    """One row more than a page was read; whether it was there says whether more follows."""
    return rows[:size], len(rows) > size


async def billing_history(wired: Wiring, stream: str, size: int, cursor: str | None) -> EventPage:
    """A page of what happened to a subscription or a bill, oldest first."""
    listing = f"events {stream}"
    after = wired.cursors.read(listing, cursor, tuple[int]) if cursor else (0,)
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows, more = cut(await billing_events.of(conn, stream, after[0], size + 1), size)
    return EventPage(
        events=[EventView.model_validate(row) for row in rows],
        next_cursor=wired.cursors.write(listing, (rows[-1]["version"],)) if more else None,
        as_of=fresh,
    )

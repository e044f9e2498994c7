"""Bills: one as its stream tells it, lists from read models."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from api.bill_rows import BillPage, BillRowView
from api.bill_views import BillView
from api.pagination import DEFAULT_SIZE, PageCursor, PageSize
from api.past import Past
from api.routes.parts import (
    BillId,
    MayReadBillingEvents,
    MayReadBills,
    Wired,
    as_of,
    billing_history,
    cut,
)
from api.strict_json import StrictRoute
from api.two_times import AsOf
from api.views import EventPage
from projections import bills as rows_of

router = APIRouter(prefix="/api/v1/bills", tags=["subscriptions"], route_class=StrictRoute)


@router.get("", response_model=BillPage)
async def list_bills(
    caller: MayReadBills,
    wired: Wired,
    status: Annotated[str | None, Query(max_length=32)] = None,
    subscription_id: Annotated[str | None, Query(alias="subscriptionId", max_length=64)] = None,
    customer_id: Annotated[str | None, Query(alias="customerId", max_length=64)] = None,
    due_from: Annotated[datetime | None, Query(alias="dueFrom")] = None,
    due_to: Annotated[datetime | None, Query(alias="dueTo")] = None,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> BillPage:
    """Newest first. What is overdue is `open` with a `dueTo` of now. Read models may lag by a moment:
    `asOf` says how far they have come.
    """
    filters = rows_of.BillFilter(
        status=status,
        subscription_id=subscription_id,
        customer_id=customer_id,
        due_from=due_from,
        due_to=due_to,
    )
    listing = f"bills {filters!r}"
    after = wired.cursors.read(listing, cursor, tuple[int]) if cursor else None
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows, more = cut(await rows_of.page(conn, filters, after, size + 1), size)
    return BillPage(
        bills=[BillRowView.of(row) for row in rows],
        next_cursor=wired.cursors.write(listing, (rows[-1]["first_position"],)) if more else None,
        as_of=fresh,
    )


@router.get("/{bill_id}", response_model=BillView, response_model_exclude_none=True)
async def get_bill(
    bill_id: BillId, caller: MayReadBills, wired: Wired, moment: AsOf = None
) -> BillView:
    """What it costs, who paid, and how much of it is earned; or what stood then."""
    past = await Past.at(wired, moment) if moment is not None else None
    wired = past.wired if past else wired
    bill = await wired.bills.get(bill_id)
    payments = [await wired.payments.get(one.payment_id) for one in bill.collections]
    view = BillView.shown(bill, payments)
    return view.model_copy(update={"as_of": past.seen(bill_id)}) if past else view


@router.get("/{bill_id}/events", response_model=EventPage)
async def list_bill_events(
    bill_id: BillId,
    caller: MayReadBillingEvents,
    wired: Wired,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> EventPage:
    """What happened to the bill, oldest first. Versions that are missing here are its journal entries
    (see accounts).
    """
    await wired.bills.get(bill_id)
    return await billing_history(wired, bill_id, size, cursor)

"""A customer's page."""

from fastapi import APIRouter

from api.overview_views import CustomerOverview
from api.routes.customers import CustomerId, seen_by
from api.routes.parts import MayReadCustomers, Wired, as_of
from api.strict_json import StrictRoute
from ledger import clock
from projections import customer_overview

router = APIRouter(prefix="/api/v1/customers", tags=["customers"], route_class=StrictRoute)

NEWEST = 20
CURRENCY = "IDR"


@router.get("/{customer_id}/overview", response_model=CustomerOverview)
async def show_overview(
    customer_id: CustomerId, caller: MayReadCustomers, wired: Wired
) -> CustomerOverview:
    """Who it is, from the stream; what they have, owe and paid, from read models: `asOf` says how far
    those have come.
    """
    customer = await seen_by(caller, await wired.customers.get(customer_id), wired)
    now = clock.now()
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        found = await customer_overview.of(conn, customer_id, now, NEWEST)
    return CustomerOverview.of(customer, found, CURRENCY, now, fresh)

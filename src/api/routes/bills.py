"""A bill, as its stream tells it."""

from fastapi import APIRouter

from api.bill_views import BillView
from api.past import AsOf, Past
from api.routes.parts import BillId, MayReadBills, Wired
from api.strict_json import StrictRoute

router = APIRouter(prefix="/api/v1/bills", tags=["subscriptions"], route_class=StrictRoute)


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

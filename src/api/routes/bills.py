"""A bill, as its stream tells it."""

from fastapi import APIRouter

from api.bill_views import BillView
from api.routes.parts import BillId, MayReadBills, Wired
from api.strict_json import StrictRoute

router = APIRouter(prefix="/api/v1/bills", tags=["subscriptions"], route_class=StrictRoute)


@router.get("/{bill_id}", response_model=BillView, response_model_exclude_none=True)
async def get_bill(bill_id: BillId, caller: MayReadBills, wired: Wired) -> BillView:
    """What it costs, who paid, and how much of it is earned."""
    bill = await wired.bills.get(bill_id)
    payments = [await wired.payments.get(one.payment_id) for one in bill.collections]
    return BillView.shown(bill, payments)

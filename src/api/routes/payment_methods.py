"""What a payer could pay with, for an amount: fees, limits, availability, cheapest first or as
preferred.
"""

from typing import Annotated

from fastapi import APIRouter, Query

from api.routes.parts import MayReadMethods, Wired
from api.strict_json import StrictRoute
from api.views import FeeView, MethodList, MethodView
from ledger import clock
from ledger.money import Money
from ledger.payments.routing import Offer, offer

router = APIRouter(prefix="/api/v1/payment-methods", tags=["payments"], route_class=StrictRoute)


@router.get("", response_model=MethodList)
async def list_payment_methods(
    caller: MayReadMethods,
    wired: Wired,
    amount: Annotated[int, Query(gt=0, le=10**15, description="Whole rupiah.")],
    country: Annotated[str, Query(pattern=r"^[A-Z]{2}$")] = "ID",
    preference: Annotated[list[str] | None, Query(max_length=20)] = None,
) -> MethodList:
    health = await wired.payments.method_health.health()
    today = clock.business_date(clock.now())
    offers = offer(country, Money(amount), health, preference or (), today)
    return MethodList(country=country, amount=amount, methods=[_view(found) for found in offers])


def _view(found: Offer) -> MethodView:
    row = found.method
    return MethodView(
        code=row.code,
        name=row.name,
        family=row.family,
        available=found.available,
        why_not=found.why_not or None,
        degraded=found.degraded,
        fee=FeeView.of(found.fee),
        currency=row.currency,
        minimum_amount=row.minimum_minor,
        maximum_amount=row.maximum_minor,
        expires_after_seconds=row.expiry_seconds,
        refundable=row.refund.allowed,
        refund_window_days=row.refund.window_days,
        capture_later=row.capture_later,
        payer_needed=list(row.payer_needed),
        networks=list(row.networks),
    )

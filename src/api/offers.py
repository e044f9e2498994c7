"""What is sold and how it is paid, from what a caller asked for: plan, coupon and customer looked up."""

from datetime import UTC, date, datetime, time
from typing import NamedTuple

from msgspec.structs import replace

from api.subscription_bodies import ChangeBody, SubscriptionBody
from api.wiring import Wiring
from ledger.coupons.coupon import COUPON, Coupon, RedeemCoupon
from ledger.coupons.service import stream_of
from ledger.errors import Conflict
from ledger.eventstore.joining import Step
from ledger.subscriptions.events import Paying, Sold
from ledger.subscriptions.following import Steps
from ledger.subscriptions.periods import ZONES, Zone
from ledger.subscriptions.subscription import Subscription
from ledger.subscriptions.ways import way


class CouponUsedAlready(Conflict):
    code = "coupon_used_already"
    title = "This subscription has used this coupon before."


class Offer(NamedTuple):
    """`besides` is the use of a coupon, which goes into the same append."""

    sold: Sold
    besides: Steps = ()


async def offer(
    wired: Wiring, subscription_id: str, body: SubscriptionBody, now: datetime
) -> Offer:
    """The newest version of the plan. Raises PlanNotFound, PlanIsRetired, and what coupons raise."""
    terms = (await wired.plans.get(body.plan_id)).on_sale
    sold = Sold(plan_id=body.plan_id, terms=terms, quantity=body.quantity)
    if body.coupon_code is None:
        return Offer(sold)
    return await _with_coupon(wired, sold, body.coupon_code, subscription_id, now)


async def changed_offer(wired: Wiring, s: Subscription, body: ChangeBody, now: datetime) -> Offer:
    """What it has, but for what is asked. Its coupon stays where it is good for the plan."""
    has = s.sold_at(now)
    sold = replace(has, quantity=body.quantity or has.quantity)
    if body.plan_id is not None:
        terms = (await wired.plans.get(body.plan_id)).on_sale
        sold = replace(sold, plan_id=body.plan_id, terms=terms)
    coupon = sold.coupon
    if body.coupon_code is None or (coupon and coupon.code == body.coupon_code):
        fits = coupon is None or not coupon.plans or sold.plan_id in coupon.plans
        return Offer(sold if fits else _without_coupon(sold))
    if body.coupon_code == "":
        return Offer(_without_coupon(sold))
    return await _with_coupon(wired, sold, body.coupon_code, s.subscription_id, now)


async def paying(wired: Wiring, customer_id: str, asked: str, fallback: tuple[str, ...]) -> Paying:
    """Raises CustomerNotFound, and what `way` does."""
    return way(await wired.customers.get(customer_id), asked, fallback)


async def changed_paying(
    wired: Wiring, s: Subscription, asked: str | None, fallback: tuple[str, ...] | None
) -> Paying:
    """What is not asked for stays."""
    customer, has = await wired.customers.get(s.creation.customer_id), s.paying
    asked = asked or has.saved_method or has.method
    if fallback is not None:
        return way(customer, asked, fallback)
    found = way(customer, asked, ())
    return replace(found, fallback=has.fallback) if found.is_pulled else found


def begins(effective: date | datetime, zone: Zone, now: datetime) -> datetime:
    """A moment is itself, a day its midnight in the zone; the day that is running is now."""
    if isinstance(effective, datetime):
        return effective.astimezone(UTC)
    if effective == now.astimezone(ZONES[zone]).date():
        return now
    return datetime.combine(effective, time(), ZONES[zone]).astimezone(UTC)


async def _with_coupon(
    wired: Wiring, sold: Sold, code: str, subscription_id: str, now: datetime
) -> Offer:
    coupon = await wired.coupons.get(code)
    if subscription_id in coupon.redeemed_by:
        raise CouponUsedAlready()
    redeem = RedeemCoupon(now=now, subscription_id=subscription_id, plan_id=sold.plan_id)
    return Offer(_less(sold, coupon, redeem), [Step(COUPON, stream_of(code), redeem)])


def _less(sold: Sold, coupon: Coupon, redeem: RedeemCoupon) -> Sold:
    """Raises what redeeming it now would."""
    COUPON.decide(coupon, redeem)
    return replace(sold, coupon=coupon.terms, coupon_left=coupon.terms.periods)


def _without_coupon(sold: Sold) -> Sold:
    return replace(sold, coupon=None, coupon_left=None)

"""What can happen to a coupon."""

from datetime import datetime

from ledger.coupons.terms import CouponTerms
from ledger.events import DomainEvent


class CouponCreated(DomainEvent, topic="coupon.created.v1"):
    terms: CouponTerms
    redeem_by: datetime | None = None  # from then on nobody can redeem it; None: no end
    most: int | None = None  # subscriptions that may redeem it; None: any number


class CouponRedeemed(DomainEvent, topic="coupon.redeemed.v1"):
    subscription_id: str


class CouponWithdrawn(DomainEvent, topic="coupon.withdrawn.v1"):
    """Nobody redeems it any more; who has, keeps it."""


CouponEvent = CouponCreated | CouponRedeemed | CouponWithdrawn

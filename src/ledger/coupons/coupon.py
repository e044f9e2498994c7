"""The life of a coupon: created, redeemed as often as it may be, perhaps withdrawn (twice is once)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from ledger.coupons.events import CouponCreated, CouponEvent, CouponRedeemed, CouponWithdrawn
from ledger.coupons.terms import CouponTerms, CouponTermsRefused, check_terms
from ledger.decider import Decider
from ledger.errors import Conflict, NotFound, Rejected
from ledger.events import DomainEvent

MOST_REDEMPTIONS: Final = 1_000_000


class CouponNotFound(NotFound):
    code = "coupon_not_found"
    title = "There is no coupon of this code."


class CouponExists(Conflict):
    code = "coupon_exists"
    title = "This coupon code is taken."


class CouponExpired(Conflict):
    code = "coupon_expired"
    title = "The time in which this coupon could be redeemed is over."


class CouponUsedUp(Conflict):
    code = "coupon_used_up"
    title = "This coupon was redeemed as often as it may be."


class CouponIsWithdrawn(Conflict):
    code = "coupon_withdrawn"
    title = "This coupon was withdrawn."


class CouponNotForPlan(Rejected):
    code = "coupon_not_for_plan"
    title = "This coupon is not for that plan."


class Coupon(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`created` is None until the coupon exists."""

    created: CouponCreated | None = None
    redeemed_by: frozenset[str] = frozenset()
    withdrawn_at: datetime | None = None

    @property
    def terms(self) -> CouponTerms:
        """Raises CouponNotFound on an empty stream."""
        return self.known.terms

    @property
    def known(self) -> CouponCreated:
        if self.created is None:
            raise CouponNotFound()
        return self.created


class CreateCoupon(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime
    terms: CouponTerms
    redeem_by: datetime | None = None
    most: int | None = None


class RedeemCoupon(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Carried out in the append that creates the subscription."""

    now: datetime
    subscription_id: str
    plan_id: str


class WithdrawCoupon(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime


Command = CreateCoupon | RedeemCoupon | WithdrawCoupon


def decide(coupon: Coupon, command: Command) -> Sequence[CouponEvent]:
    match command:
        case CreateCoupon():
            return create(coupon, command)
        case RedeemCoupon():
            return redeem(coupon, command)
        case WithdrawCoupon():
            return withdraw(coupon, command)


def create(coupon: Coupon, command: CreateCoupon) -> Sequence[CouponEvent]:
    if coupon.created:
        raise CouponExists()
    if command.redeem_by is not None and command.redeem_by <= command.now:
        raise CouponTermsRefused("It could never be redeemed.", field="redeem_by")
    if command.most is not None and not 0 < command.most <= MOST_REDEMPTIONS:
        raise CouponTermsRefused(
            f"From 1 to {MOST_REDEMPTIONS} subscriptions.",
            field="most",
            least=1,
            most=MOST_REDEMPTIONS,
        )
    return [
        CouponCreated(
            occurred_at=command.now,
            terms=check_terms(command.terms),
            redeem_by=command.redeem_by and command.redeem_by.astimezone(UTC),
            most=command.most,
        )
    ]


def redeem(coupon: Coupon, command: RedeemCoupon) -> Sequence[CouponEvent]:
    """Again for the same subscription is no new fact, whatever became of the coupon since."""
    created = coupon.known
    if command.subscription_id in coupon.redeemed_by:
        return []
    if coupon.withdrawn_at:
        raise CouponIsWithdrawn()
    if created.redeem_by is not None and command.now >= created.redeem_by:
        raise CouponExpired()
    if created.terms.plans and command.plan_id not in created.terms.plans:
        raise CouponNotForPlan(plans=list(created.terms.plans))
    if created.most is not None and len(coupon.redeemed_by) >= created.most:
        raise CouponUsedUp(most=created.most)
    return [CouponRedeemed(occurred_at=command.now, subscription_id=command.subscription_id)]


def withdraw(coupon: Coupon, command: WithdrawCoupon) -> Sequence[CouponEvent]:
    coupon.known  # noqa: B018  raises on an empty stream
    return [] if coupon.withdrawn_at else [CouponWithdrawn(occurred_at=command.now)]


def evolve(coupon: Coupon, event: DomainEvent) -> Coupon:
    match event:
        case CouponCreated():
            return Coupon(created=event)
        case CouponRedeemed():
            redeemed_by = coupon.redeemed_by | {event.subscription_id}
            return msgspec.structs.replace(coupon, redeemed_by=redeemed_by)
        case CouponWithdrawn():
            return msgspec.structs.replace(coupon, withdrawn_at=event.occurred_at)
    return coupon


COUPON: Final[Decider[Coupon, Command]] = Decider(Coupon(), decide, evolve)

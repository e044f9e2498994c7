"""The life of a coupon, as its decider tells it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.coupons.coupon import (
    COUPON,
    CouponExists,
    CouponExpired,
    CouponIsWithdrawn,
    CouponNotForPlan,
    CouponNotFound,
    CouponUsedUp,
    CreateCoupon,
    RedeemCoupon,
    WithdrawCoupon,
)
from ledger.coupons.events import CouponCreated, CouponRedeemed, CouponWithdrawn
from ledger.coupons.terms import CouponCodeMalformed, CouponTerms, CouponTermsRefused
from ledger.errors import LedgerError
from ledger.money import CurrencyUnknown, Money
from ledger.plans.terms import PlanIdMalformed
from support.scenario import Scenario

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(days=30)
TERMS = CouponTerms(code="HEMAT-20", percent=20, periods=3, plans=("premium_monthly",))
CREATED = CouponCreated(occurred_at=NOW, terms=TERMS, redeem_by=UNTIL, most=2)
WITHDRAWN = CouponWithdrawn(occurred_at=NOW)


def coupon() -> Scenario[Any, Any]:
    return Scenario(COUPON)


def create(**changes: Any) -> CreateCoupon:
    return CreateCoupon(now=NOW, terms=replace(TERMS, **changes), redeem_by=UNTIL, most=2)


def redeem(by: str = "sub_1", plan: str = "premium_monthly", now: datetime = NOW) -> RedeemCoupon:
    return RedeemCoupon(now=now, subscription_id=by, plan_id=plan)


def redeemed(by: str) -> CouponRedeemed:
    return CouponRedeemed(occurred_at=NOW, subscription_id=by)


def test_a_coupon_is_created_once() -> None:
    coupon().when(create()).then(CREATED).when(create()).then_refused(CouponExists)


def test_it_is_redeemed_as_often_as_it_may_be_and_no_more() -> None:
    scenario = coupon().given(CREATED)
    scenario.when(redeem("sub_1")).then(redeemed("sub_1"))
    scenario.when(redeem("sub_2")).then(redeemed("sub_2"))

    refused = scenario.when(redeem("sub_3")).then_refused(CouponUsedUp)

    assert refused.context == {"most": 2}


def test_redeeming_again_for_the_same_subscription_is_no_new_fact() -> None:
    scenario = coupon().given(CREATED, redeemed("sub_1"), redeemed("sub_2"), WITHDRAWN)

    scenario.when(redeem("sub_1", plan="other", now=UNTIL)).then_nothing()


def test_without_limits_anybody_may_redeem_it_for_any_plan_at_any_time() -> None:
    free = CouponCreated(occurred_at=NOW, terms=replace(TERMS, plans=(), periods=None))
    years = NOW + timedelta(days=3_650)

    scenario = coupon().given(free, *(redeemed(f"sub_{n}") for n in range(50)))

    scenario.when(redeem("sub_50", plan="any", now=years)).then(CouponRedeemed)


@pytest.mark.parametrize(
    ("history", "command", "refusal"),
    [
        ([], redeem(), CouponNotFound),
        ([], WithdrawCoupon(now=NOW), CouponNotFound),
        ([CREATED], redeem(now=UNTIL), CouponExpired),
        ([CREATED], redeem(plan="premium_yearly"), CouponNotForPlan),
        ([CREATED, WITHDRAWN], redeem(), CouponIsWithdrawn),
    ],
)
def test_what_cannot_be_redeemed_says_why(
    history: list[Any], command: Any, refusal: type[LedgerError]
) -> None:
    coupon().given(*history).when(command).then_refused(refusal)


def test_it_can_be_redeemed_until_the_last_moment() -> None:
    last = UNTIL - timedelta(microseconds=1)

    coupon().given(CREATED).when(redeem(now=last)).then(CouponRedeemed)


def test_withdrawing_twice_is_once() -> None:
    scenario = coupon().given(CREATED).when(WithdrawCoupon(now=NOW)).then(WITHDRAWN)

    scenario.when(WithdrawCoupon(now=NOW)).then_nothing()


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"code": "A"}, CouponCodeMalformed),
        ({"code": "hemat"}, CouponCodeMalformed),
        ({"code": "HEMAT 20"}, CouponCodeMalformed),
        ({"code": "-HEMAT"}, CouponCodeMalformed),
        ({"code": "A" * 41}, CouponCodeMalformed),
        ({"percent": None}, CouponTermsRefused),
        ({"amount": Money(1)}, CouponTermsRefused),
        ({"percent": 0}, CouponTermsRefused),
        ({"percent": 101}, CouponTermsRefused),
        ({"percent": None, "amount": Money(0)}, CouponTermsRefused),
        ({"percent": None, "amount": Money(-1)}, CouponTermsRefused),
        ({"percent": None, "amount": Money(10**13)}, CouponTermsRefused),
        ({"percent": None, "amount": Money(1, "USD")}, CurrencyUnknown),
        ({"periods": 0}, CouponTermsRefused),
        ({"periods": 1_201}, CouponTermsRefused),
        ({"plans": ("a:b",)}, PlanIdMalformed),
        ({"plans": ("a",) * 101}, CouponTermsRefused),
    ],
)
def test_an_unreasonable_coupon_is_refused(
    changes: dict[str, Any], refusal: type[LedgerError]
) -> None:
    coupon().when(create(**changes)).then_refused(refusal)


@pytest.mark.parametrize("changes", [{"redeem_by": NOW}, {"most": 0}, {"most": 1_000_001}])
def test_a_coupon_that_nobody_could_redeem_is_refused(changes: dict[str, Any]) -> None:
    coupon().when(replace(create(), **changes)).then_refused(CouponTermsRefused)

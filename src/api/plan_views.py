"""What callers get of plans and coupons: from the stream after a write, from a read model in lists."""

from datetime import datetime
from typing import Any, Self

from api.views import Page, View
from ledger.coupons.coupon import Coupon
from ledger.plans.plan import Plan
from ledger.plans.terms import PlanTerms


class IntervalView(View):
    unit: str
    count: int


class TermsView(View):
    version: int
    name: str
    product: str
    price: int
    currency: str
    interval: IntervalView
    trial_days: int
    tax_mode: str
    dunning_policy: str
    proration: str
    proration_by: str
    issued_days_ahead: int

    @classmethod
    def of_terms(cls, terms: PlanTerms) -> Self:
        return cls(**_said(terms))


class PlanView(TermsView):
    """The version that is sold, and all there ever were, oldest first."""

    plan_id: str
    retired_at: datetime | None
    created_at: datetime | None
    versions: list[TermsView]

    @classmethod
    def of(cls, plan: Plan) -> Self:
        return cls(
            plan_id=plan.plan_id,
            retired_at=plan.retired_at,
            created_at=plan.created_at,
            versions=[TermsView.of_terms(terms) for terms in plan.versions],
            **_said(plan.terms),
        )


class PlanRowView(TermsView):
    plan_id: str
    retired_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        return cls(
            price=row["price_minor"],
            interval=IntervalView(unit=row["interval_unit"], count=row["interval_count"]),
            **{name: row[name] for name in cls.model_fields if name in row},
        )


class PlanPage(Page):
    plans: list[PlanRowView]


class CouponView(View):
    """`redeemed` is how many subscriptions have it."""

    code: str
    percent: int | None
    amount: int | None
    currency: str | None
    periods: int | None
    plans: list[str]
    redeem_by: datetime | None
    most: int | None
    redeemed: int
    withdrawn_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, coupon: Coupon) -> Self:
        created, terms = coupon.known, coupon.terms
        return cls(
            code=terms.code,
            percent=terms.percent,
            amount=terms.amount.minor if terms.amount else None,
            currency=terms.amount.currency if terms.amount else None,
            periods=terms.periods,
            plans=list(terms.plans),
            redeem_by=created.redeem_by,
            most=created.most,
            redeemed=len(coupon.redeemed_by),
            withdrawn_at=coupon.withdrawn_at,
            created_at=created.occurred_at,
        )

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> Self:
        return cls(
            amount=row["amount_minor"],
            **{name: row[name] for name in cls.model_fields if name in row},
        )


class CouponPage(Page):
    coupons: list[CouponView]


def _said(terms: PlanTerms) -> dict[str, Any]:
    interval = IntervalView(unit=terms.interval.unit, count=terms.interval.count)
    return {
        "version": terms.version,
        "name": terms.name,
        "product": terms.product,
        "price": terms.price.minor,
        "currency": terms.price.currency,
        "interval": interval,
        "trial_days": terms.trial_days,
        "tax_mode": terms.tax_mode,
        "dunning_policy": terms.dunning_policy,
        "proration": terms.proration,
        "proration_by": terms.proration_by,
        "issued_days_ahead": terms.issued_days_ahead,
    }

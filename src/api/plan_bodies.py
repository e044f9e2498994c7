"""What callers send about plans and coupons."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.bodies import Body, Moment, Text
from ledger.coupons.terms import CODE, MOST_PERIODS, MOST_PLANS, CouponTerms
from ledger.money import Money, currency
from ledger.plans.terms import PLAN_ID, PlanTerms, Proration, TaxMode
from ledger.subscriptions.periods import Interval, Unit

PlanName = Annotated[str, StringConstraints(pattern=f"^{PLAN_ID}$")]
Code = Annotated[str, StringConstraints(pattern=f"^{CODE}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
WholeRupiah = Annotated[int, Field(ge=0, le=10**15, description="Whole rupiah; no decimals.")]
Policy = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]


class IntervalBody(Body):
    unit: Unit
    count: Annotated[int, Field(ge=1, le=1_200)] = 1


class VersionBody(Body):
    """Whole: what is not said is as it would be in a new plan, but for the product, which stays."""

    name: Text
    price: Annotated[WholeRupiah, Field(description="Of one unit for one whole interval.")]
    currency: Currency = "IDR"
    interval: IntervalBody
    product: Annotated[
        PlanName | None,
        Field(description="Last part of its revenue accounts; the plan's id when not given."),
    ] = None
    trial_days: Annotated[int, Field(ge=0, le=10_000)] = 0
    tax_mode: TaxMode = "inclusive"
    dunning_policy: Policy = "standard"
    proration: Proration = "prorate_now"
    proration_by: Literal["day", "second"] = "day"
    issued_days_ahead: Annotated[
        int,
        Field(ge=0, le=10_000, description="Bills that payers pay themselves come so long before."),
    ] = 3

    def terms(self) -> PlanTerms:
        """Raises CurrencyUnknown. Version and a product that was not said are counted later."""
        return PlanTerms(
            version=0,
            name=self.name,
            product=self.product or "",
            price=Money(self.price, currency(self.currency)),
            interval=Interval(self.interval.unit, self.interval.count),
            trial_days=self.trial_days,
            tax_mode=self.tax_mode,
            dunning_policy=self.dunning_policy,
            proration=self.proration,
            proration_by=self.proration_by,
            issued_days_ahead=self.issued_days_ahead,
        )


class PlanBody(VersionBody):
    plan_id: PlanName


class CouponBody(Body):
    """Either `percent` or `amount`."""

    code: Code
    percent: Annotated[int | None, Field(ge=1, le=100)] = None
    amount: Annotated[int | None, Field(gt=0, le=10**15, description="Whole rupiah.")] = None
    currency: Currency = "IDR"
    periods: Annotated[
        int | None, Field(ge=1, le=MOST_PERIODS, description="For ever when it is not given.")
    ] = None
    plans: Annotated[
        tuple[PlanName, ...],
        Field(max_length=MOST_PLANS, strict=False, description="Any plan when none is given."),
    ] = ()
    redeem_by: Moment | None = None
    most: Annotated[
        int | None, Field(ge=1, le=10**6, description="Subscriptions that may redeem it.")
    ] = None

    def terms(self) -> CouponTerms:
        """Raises CurrencyUnknown."""
        known = currency(self.currency)
        return CouponTerms(
            code=self.code,
            percent=self.percent,
            amount=None if self.amount is None else Money(self.amount, known),
            periods=self.periods,
            plans=self.plans,
        )

"""What callers send about subscriptions."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from api.bodies import EARLIEST, Body, Moment, Text, Word
from ledger.coupons.terms import CODE
from ledger.customers.customer import CUSTOMER_ID
from ledger.plans.terms import Proration
from ledger.subscriptions.periods import Zone

DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)  # beyond it no calendar of ours reaches


def _day_in_words(value: object) -> object:
    """Pydantic would also take a number for seconds, and midnight for a day."""
    if not isinstance(value, str) or not DAY.fullmatch(value):
        raise ValueError("A day is a text as 2027-01-31.")
    return value


Day = Annotated[
    date,
    Field(strict=False, ge=EARLIEST.date(), lt=LATEST.date()),
    BeforeValidator(_day_in_words),
]
LateMoment = Annotated[Moment, Field(lt=LATEST)]
Effective = Annotated[
    Day | LateMoment,
    Field(
        description="A day, which begins at midnight in the subscriber's zone (today is now), or a"
        " moment of RFC 3339."
    ),
]
Customer = Annotated[str, StringConstraints(pattern=f"^{CUSTOMER_ID}$")]
Method = Annotated[
    Word,
    Field(
        description="`auto_debit` pulls from the customer's preferred saved method, `pm_…` from that"
        " one; a method of GET /api/v1/payment-methods sends bills to be paid by it."
    ),
]
Fallbacks = Annotated[
    tuple[Word, ...],
    Field(
        max_length=5,
        strict=False,
        description="Methods to offer, best first, when a pull fails again and again.",
    ),
]
Quantity = Annotated[int, Field(ge=1, le=100_000)]
Coupon = Annotated[str, StringConstraints(pattern=f"^{CODE}$")]


class SubscriptionBody(Body):
    plan_id: Word
    customer_id: Customer
    payment_method: Method
    fallback_methods: Fallbacks = ()
    quantity: Quantity = 1
    coupon_code: Coupon | None = None
    zone: Zone = "WIB"
    billing_day: Annotated[
        int | None,
        Field(ge=1, le=31, description="Of the month; a first period up to it costs its part."),
    ] = None
    metadata: Annotated[dict[Word, Text], Field(max_length=20)] = {}


class ChangeBody(Body):
    """What is sold, or how it is paid; not both in one request. What is not named stays."""

    plan_id: Annotated[
        Word | None, Field(description="In its newest version, also when it is the plan as before.")
    ] = None
    quantity: Quantity | None = None
    coupon_code: Annotated[
        str | None,
        StringConstraints(pattern=f"^$|^{CODE}$"),
        Field(description="Empty: without a coupon from now on."),
    ] = None
    effective_date: Effective | None = None
    proration: Annotated[Proration | None, Field(description="As the plan says, if not given.")] = (
        None
    )
    payment_method: Method | None = None
    fallback_methods: Fallbacks | None = None
    quote_id: Annotated[
        str | None,
        StringConstraints(max_length=512),
        Field(description="Of a preview: this is what the change will cost."),
    ] = None

    @property
    def changes_paying(self) -> bool:
        return self.payment_method is not None or self.fallback_methods is not None

    @property
    def changes_what_is_sold(self) -> bool:
        sold = (self.plan_id, self.quantity, self.coupon_code, self.effective_date, self.proration)
        return any(one is not None for one in (*sold, self.quote_id))


class EndBody(Body):
    effective_date: Annotated[
        Effective | Literal["now", "period_end"],
        Field(description="`period_end` is the end of what is paid for."),
    ] = "period_end"
    reason: Text
    credit: Annotated[
        bool, Field(description="Whether the unused time becomes the subscription's credit.")
    ] = False


class PauseBody(Body):
    reason: Text
    resume_at: Effective | None = None


class ReactivateBody(Body):
    """As it was paid before, unless another method is named."""

    payment_method: Method | None = None
    fallback_methods: Fallbacks | None = None


class NothingBody(Body):
    """Nothing needs to be said."""

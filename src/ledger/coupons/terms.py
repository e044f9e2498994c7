"""What a coupon gives: a percentage or an amount off each bill, for how many periods, on which plans."""

import re
from typing import Final

import msgspec

from ledger import money
from ledger.errors import Rejected
from ledger.money import Money
from ledger.plans.terms import HIGHEST_PRICE, check_plan_id

STREAM: Final = "coupon-"  # and the code
CODE: Final = r"[A-Z0-9][A-Z0-9-]{1,39}"
MOST_PERIODS: Final = 1_200
MOST_PLANS: Final = 100


class CouponCodeMalformed(Rejected):
    code = "coupon_code_malformed"
    title = "A coupon code is 2 to 40 capital letters, digits or hyphens, the first not a hyphen."


class CouponTermsRefused(Rejected):
    code = "coupon_terms_refused"
    title = "A coupon cannot be given on these terms."


class CouponTerms(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Either `percent` or `amount`, off each bill; never more than the bill."""

    code: str
    percent: int | None = None
    amount: Money | None = None
    periods: int | None = None  # None: for ever
    plans: tuple[str, ...] = ()  # empty: any


def check_code(code: str) -> str:
    if not re.fullmatch(CODE, code):
        raise CouponCodeMalformed()
    return code


def check_terms(terms: CouponTerms) -> CouponTerms:
    """Raises CouponCodeMalformed, CurrencyUnknown, PlanIdMalformed, or CouponTermsRefused, which
    names the field.
    """
    check_code(terms.code)
    if (terms.percent is None) == (terms.amount is None):
        raise CouponTermsRefused("Say either a percentage or an amount.", field="percent")
    if terms.percent is not None:
        _between("percent", terms.percent, 1, 100)
    if terms.amount is not None:
        money.currency(terms.amount.currency)
        _between("amount", terms.amount.minor, 1, HIGHEST_PRICE)
    if terms.periods is not None:
        _between("periods", terms.periods, 1, MOST_PERIODS)
    _between("plans", len(terms.plans), 0, MOST_PLANS)
    for plan_id in terms.plans:
        check_plan_id(plan_id)
    return terms


def _between(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise CouponTermsRefused(
            f"{field.capitalize()}: from {least} to {most}.", field=field, least=least, most=most
        )

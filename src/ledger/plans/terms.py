"""What one version of a plan says: price, interval, trial, tax, and the rules for changes and arrears."""

import re
from typing import Final, Literal

import msgspec

from ledger import money
from ledger.errors import Rejected
from ledger.journal.chart import check_part
from ledger.money import Money
from ledger.payments.methods import METHODS
from ledger.subscriptions.periods import Interval, Unit
from ledger.subscriptions.policies import current

STREAM: Final = "plan-"  # and the plan's id
PLAN_ID: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"

TaxMode = Literal["inclusive", "exclusive", "untaxed"]
Proration = Literal["prorate_now", "prorate_at_renewal", "next_period", "none"]

HIGHEST_PRICE: Final = max(row.maximum_minor for row in METHODS.values())
LONGEST_NAME: Final = 255
LONGEST_TRIAL_DAYS: Final = 730
MOST_DAYS_AHEAD: Final = 30

# Three years: whoever pays longer ahead than that has bought something else.
LONGEST_INTERVAL: Final[dict[Unit, int]] = {
    "day": 1_096,
    "week": 156,
    "month": 36,
    "quarter": 12,
    "year": 3,
}


class PlanIdMalformed(Rejected):
    code = "plan_id_malformed"
    title = "A plan id is 1 to 64 letters, digits, hyphens or underscores, first a letter or digit."


class PlanTermsRefused(Rejected):
    code = "plan_terms_refused"
    title = "A plan cannot be sold on these terms."


class PlanTerms(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a plan sells, in one version; a subscription keeps the version it was sold."""

    version: int
    name: str
    product: str  # last part of its revenue accounts
    price: Money  # of one unit for one whole interval
    interval: Interval
    trial_days: int = 0
    tax_mode: TaxMode = "inclusive"
    dunning_policy: str = "standard"
    proration: Proration = "prorate_now"
    proration_by: Literal["day", "second"] = "day"
    # Bills paid by virtual account, QRIS or at a store are issued so long before the period.
    issued_days_ahead: int = 3


def check_plan_id(plan_id: str) -> str:
    if not re.fullmatch(PLAN_ID, plan_id):
        raise PlanIdMalformed()
    return plan_id


def check_terms(terms: PlanTerms) -> PlanTerms:
    """Raises CurrencyUnknown, AccountPartInvalid, DunningPolicyUnknown, or PlanTermsRefused, which
    names the field.
    """
    money.currency(terms.price.currency)
    check_part(terms.product)
    longest = LONGEST_INTERVAL[terms.interval.unit]
    _between("price", terms.price.minor, 0, HIGHEST_PRICE)
    _between("interval", terms.interval.count, 1, longest)
    _between("trial_days", terms.trial_days, 0, LONGEST_TRIAL_DAYS)
    _between("issued_days_ahead", terms.issued_days_ahead, 0, MOST_DAYS_AHEAD)
    if not 0 < len(terms.name) <= LONGEST_NAME or not terms.name.isprintable():
        raise PlanTermsRefused("A name is 1 to 255 printable characters.", field="name")
    current(terms.dunning_policy)
    return terms


def _between(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise PlanTermsRefused(
            f"The {field.replace('_', ' ')} goes from {least} to {most}.",
            field=field,
            least=least,
            most=most,
        )

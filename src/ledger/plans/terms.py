"""What a plan sells, in one version."""

from typing import Literal

import msgspec

from ledger.money import Money
from ledger.subscriptions.periods import Interval

TaxMode = Literal["inclusive", "exclusive", "untaxed"]
Proration = Literal["prorate_now", "prorate_at_renewal", "next_period", "none"]


class PlanTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription keeps the version it was sold."""

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
    issued_days_ahead: int = 3  # bills paid by VA, QRIS or in a store are issued so long before

"""What is sold costs so much: the price of a whole period, and its split into revenue and tax."""

from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from ledger.clock import business_date
from ledger.coupons.terms import CouponTerms
from ledger.journal import tax
from ledger.money import Money, half_up
from ledger.plans.terms import TaxMode
from ledger.share import Share
from ledger.subscriptions.events import Sold


class Price(NamedTuple):
    """In the plan's own pricing; `net` is `full` less `discount`."""

    full: Money
    discount: Money

    @property
    def net(self) -> Money:
        return self.full - self.discount


def price(sold: Sold) -> Price:
    """Of a whole period of all units."""
    unit = sold.terms.price
    full = Money(unit.minor * sold.quantity, unit.currency)
    return Price(full, min(_discount(sold, full), full))


def counted(sold: Sold, so_far: Sold) -> Sold:
    """Of the same coupon, no more is left than there is."""
    same = sold.coupon is not None and sold.coupon == so_far.coupon
    return replace(sold, coupon_left=so_far.coupon_left) if same else sold


def _discount(sold: Sold, full: Money) -> Money:
    coupon = sold.coupon
    if coupon is None or sold.coupon_left == 0 or not _is_for(coupon, sold.plan_id):
        return full.zero()
    if coupon.percent is not None:
        return Money(half_up(full.minor * coupon.percent, 100), full.currency)
    return coupon.amount or full.zero()


def _is_for(coupon: CouponTerms, plan_id: str) -> bool:
    return not coupon.plans or plan_id in coupon.plans


def share(amount: Money, mode: TaxMode, sold_at: datetime) -> Share:
    """Revenue and tax of an amount in a plan's pricing (compliance-id.md 1.2)."""
    on = business_date(sold_at)
    if mode == "exclusive":
        return tax.added(amount, on)
    return tax.split(amount, on, taxed=mode == "inclusive")

"""PPN by date: the rates, the split of a price that includes it, and the tax of a part.

The tax day is the day of the sale in Jakarta. A rate is applied once; afterwards facts carry the
amounts.
"""

from datetime import date
from typing import Final, Literal, NamedTuple

from ledger.money import Money, half_up
from ledger.payments.events import PaymentRequested
from ledger.share import Share


class Rate(NamedTuple):
    """`percent` of `base_numerator / base_denominator` of the price, from a day in Jakarta on."""

    valid_from: date
    percent: int
    base_numerator: int
    base_denominator: int
    rounding: Literal["floor", "half_up"]
    source: str

    def on_top_of(self, net: int) -> int:
        """Tax on a price without it, in one step at the effective rate."""
        return self._rounded(net * self._tax, 100 * self.base_denominator)

    def added_to(self, net: int) -> int:
        """Tax on a price without it, as a tax invoice shows it: of the base, itself rounded."""
        base = self._rounded(net * self.base_numerator, self.base_denominator)
        return self._rounded(base * self.percent, 100)

    def inside(self, gross: int) -> int:
        """Tax in a price with it. Half up, the net is rounded and the tax is what remains."""
        whole = 100 * self.base_denominator
        if self.rounding == "half_up":
            return gross - half_up(gross * whole, whole + self._tax)
        return gross * self._tax // (whole + self._tax)

    def base_of(self, amount: int, *, with_tax: bool) -> int | None:
        """The other tax base (`nilai lain`), of an unrounded price; None where the price is the base."""
        if self.base_numerator == self.base_denominator:
            return None
        if with_tax:
            whole = 100 * self.base_denominator
            return self._rounded(amount * 100 * self.base_numerator, whole + self._tax)
        return self._rounded(amount * self.base_numerator, self.base_denominator)

    @property
    def _tax(self) -> int:
        return self.percent * self.base_numerator

    def _rounded(self, numerator: int, denominator: int) -> int:
        if self.rounding == "half_up":
            return half_up(numerator, denominator)
        return numerator // denominator


# compliance-id.md 1.1 and 1.3, newest first. Ordinary goods and services only: luxury goods, taxed
# at 12 % of the full price, are not sold.
RATES: Final = (
    Rate(date(2025, 1, 1), 12, 11, 12, "half_up", "PMK 131/2024: 12 % of 11/12 of the price"),
    Rate(date(2022, 4, 1), 11, 1, 1, "floor", "UU HPP"),
    Rate(date.min, 10, 1, 1, "floor", "the rate before UU HPP"),
)


def rate(on: date) -> Rate:
    return next(row for row in RATES if row.valid_from <= on)


def split(gross: Money, on: date, taxed: bool) -> Share:
    """A price that includes PPN, as revenue and tax (books.md 2, rule 1). Untaxed: all revenue."""
    tax = Money(rate(on).inside(gross.minor) if taxed else 0, gross.currency)
    return Share(net=gross - tax, tax=tax)


def share_of(request: PaymentRequested, amount: Money, on: date) -> Share:
    """Of what was paid for it: as the request says of its whole amount, else by the rate."""
    if request.share and amount == request.amount:
        return request.share
    return split(amount, on, request.taxed)


def added(net: Money, on: date) -> Share:
    """A price without PPN, as revenue and tax (compliance-id.md 1.2, exclusive)."""
    return Share(net=net, tax=Money(rate(on).added_to(net.minor), net.currency))


def tax_of_part(
    whole: Share, before: Money, part: Money, *, sold_on: date, taken: Money | None = None
) -> Money:
    """Tax of the next part of a sale of which `before` was taken already (books.md 2, rule 2).

    Cumulative, so that any parts sum to the tax of the whole; `sold_on` fixes the rate. `taken` is
    the tax really taken before: it differs by a rupiah from the running total when an earlier part
    was undone, and what it is off by comes out here.
    """
    if taken is None:
        taken = _tax_up_to(whole, before, sold_on)
    due = _tax_up_to(whole, before + part, sold_on) - taken
    return min(max(due, due.zero()), part)


def _tax_up_to(whole: Share, taken: Money, sold_on: date) -> Money:
    if taken >= whole.total:
        return whole.tax
    # Never above what was booked, which also keeps an untaxed sale untaxed.
    return min(split(taken, sold_on, taxed=True).tax, whole.tax)

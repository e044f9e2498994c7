"""Refund arithmetic: what it takes from revenue and tax, and how much of the fee comes back.

Everything is cumulative (books.md 2, rule 2): a part is the total so far less what was taken
before, so that parts sum to the whole, also when some of them failed and were given back.
"""

from datetime import date
from typing import NamedTuple

from ledger.errors import Rejected
from ledger.journal.tax import tax_of_part
from ledger.money import Money, half_up
from ledger.payments.events import Fee, Sale
from ledger.share import Share


class RefundExceedsSale(Rejected):
    code = "refund_exceeds_sale"
    title = "More would be refunded than was paid for the sale."


class RefundSplit(NamedTuple):
    """The three sum to the refund."""

    from_deferred: Money
    from_income: Money
    tax: Money


class FeeReturned(NamedTuple):
    """Comes back into the available balance; the fixed part does not (books.md, fact d)."""

    percentage: Money
    tax: Money


def refund_split(
    *,
    captured: Money,
    share: Share,
    sale: Sale,
    sold_on: date,
    refunded_before: Money,
    amount: Money,
    earned: Money,
    deferred_drawn_before: Money,
    tax_returned_before: Money | None = None,
) -> RefundSplit:
    """Unearned revenue first (books.md P7, P8).

    Of a bill all is taken as unearned: the bill alone knows what of it was earned, and corrects it.
    `earned` is the net revenue recognised so far, `deferred_drawn_before` and `tax_returned_before`
    what earlier refunds that stand took; leave the latter out only if none of them ever failed.
    Raises RefundExceedsSale: what was overpaid stands in Unapplied and goes back from there.
    """
    refundable = min(captured, share.total) - refunded_before
    if amount > refundable:
        raise RefundExceedsSale(
            f"Only {refundable} is left of the sale.", refundable_minor=refundable.minor
        )
    tax = tax_of_part(share, refunded_before, amount, sold_on=sold_on, taken=tax_returned_before)
    net = amount - tax
    unearned = net if sale.bill_id else _unearned(sale, share.net - earned - deferred_drawn_before)
    from_deferred = min(net, unearned)
    return RefundSplit(from_deferred, net - from_deferred, tax)


def fee_returned(fee: Fee, captured: Money, refunded_before: Money, amount: Money) -> FeeReturned:
    """The percentage part and the PPN on it, in proportion to what is refunded."""
    charged = fee.percentage + fee.fixed
    percentage_tax = _portion(fee.tax, fee.percentage, charged)
    after = refunded_before + amount
    return FeeReturned(
        *(
            _portion(whole, after, captured) - _portion(whole, refunded_before, captured)
            for whole in (fee.percentage, percentage_tax)
        )
    )


def _unearned(sale: Sale, left: Money) -> Money:
    return max(left, left.zero()) if sale.kind == "prepaid" else left.zero()


def _portion(whole: Money, part: Money, of: Money) -> Money:
    return Money(half_up(whole.minor * part.minor, of.minor) if of else 0, whole.currency)

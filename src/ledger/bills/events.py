"""Everything that can happen to a bill. Amounts include tax unless a name says `net`.

A bill's payment posts what the payer gave (P1); what stands here posts the rest: credit that was
used (P25), revenue as it is earned (P5), what moves to another plan (P18) and what is taken back.
"""

from datetime import datetime
from typing import Literal

import msgspec

from ledger.events import DomainEvent
from ledger.money import Money
from ledger.share import Share

Reason = Literal["first", "renewal", "change", "reactivation", "missed"]
# What may help: time, the payer, nothing.
Trouble = Literal["retry_later", "needs_customer", "never"]


class Line(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`amount` is as the plan prices: with tax in it, or without."""

    words: str
    plan_id: str
    quantity: int
    starts_at: datetime
    ends_at: datetime
    amount: Money


class Earned(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Net revenue of one product."""

    product: str
    amount: Money


class BillOpened(DomainEvent, topic="bill.opened.v1"):
    """What a period, or a change within one, costs. `share` is of the whole bill; `credit` of it is
    paid by the subscription's credit (below zero: what is owed from before is added), the rest is
    to be paid.
    """

    bill_id: str
    subscription_id: str
    customer_id: str
    number: int  # of the subscription's bills, from 1
    period: int
    reason: Reason
    plan_id: str
    product: str
    starts_at: datetime  # of the service it pays for; its revenue is earned from here
    ends_at: datetime
    due_at: datetime
    lines: tuple[Line, ...]
    discount: Money  # already taken off; in the plan's own pricing
    share: Share
    credit: Money
    tax_mode: Literal["inclusive", "exclusive", "untaxed"]
    coupon: str = ""
    invoice_number: str = ""  # comes with invoices


class BillCollectionBegun(DomainEvent, topic="bill.collection_begun.v1"):
    """A payment was asked for: pulled from a saved method, or instructions for the payer.

    `share` is of the amount, and of nothing that credit pays.
    """

    payment_id: str
    amount: Money
    share: Share
    method: str  # of the catalogue
    saved_method: str = ""  # of the customer; empty when the payer has to act
    expires_at: datetime | None = None


class BillCollectionFailed(DomainEvent, topic="bill.collection_failed.v1"):
    payment_id: str
    code: str
    words: str
    trouble: Trouble


class BillPaid(DomainEvent, topic="bill.paid.v1"):
    """By a payment, by credit, or, when there was nothing to pay, by neither.

    `credit_share` is what of the bill's net and tax the credit paid, `share` what the payment did,
    as it was booked.
    """

    payment_id: str  # empty without a payment
    amount: Money
    credit: Money
    credit_share: Share
    product: str
    recognise_at: datetime | None  # a day's end in Jakarta; None: nothing is to be earned
    share: Share = Share(net=Money(0), tax=Money(0))


class BillPaidTwice(DomainEvent, topic="bill.paid_twice.v1"):
    """Money that the bill has no use for is the customer's credit: it was paid or void already, or had
    not asked for this payment, or it is too little.
    """

    payment_id: str
    amount: Money
    share: Share  # as the payment was booked
    product: str
    refund_id: str = ""  # a refund of it that did not last: so much is credit again


class RevenueRecognised(DomainEvent, topic="bill.revenue_recognised.v1"):
    """Earned since the last time, until `through`, the last end of a day in Jakarta; floor of the
    running total (books.md 2, rule 3). It happened at the end of that day, but not before the bill
    was paid.
    """

    through: datetime
    amount: Money
    product: str
    recognise_at: datetime | None


class BillChanged(DomainEvent, topic="bill.changed.v1"):
    """The plan changed, or the subscription ended, within the bill's time. `credited` goes to the
    customer; what is left unearned is earned as `product`.

    `from_deferred` of the credited net was unearned; `from_income` was earned already.
    """

    at: datetime
    credited: Share
    from_deferred: Money
    from_income: Money
    moved: Money  # net, from one product's deferred revenue to the other's
    sold_as: str
    product: str
    recognise_at: datetime | None


class BillRefundAsked(DomainEvent, topic="bill.refund_asked.v1"):
    """So much of what paid the bill is to go back to the payer, and cannot become credit any more."""

    payment_id: str
    refund_id: str
    share: Share


class BillRefundDropped(DomainEvent, topic="bill.refund_dropped.v1"):
    """The gateway never took the refund, so what it was of may become credit again."""

    asked: BillRefundAsked


class BillRefunded(DomainEvent, topic="bill.refunded.v1"):
    """The payment booked the whole `net` against the deferred revenue of `sold_as`; it is really made
    of what was not earned yet, by product, and of what was.
    """

    refund_id: str
    amount: Money
    net: Money
    sold_as: str
    unearned: tuple[Earned, ...]
    earned: Money
    recognise_at: datetime | None


class BillRefundFailed(DomainEvent, topic="bill.refund_failed.v1"):
    """The refund did not last: what it took comes back. What was not earned yet is from now on revenue
    of the product in force, as `refund` says.
    """

    refund: BillRefunded
    recognise_at: datetime | None


class BillReopened(DomainEvent, topic="bill.reopened.v1"):
    """Its payment did not last: all that followed from it is taken back, and the bill is due again.

    The payment took its net out of the deferred revenue of `sold_as`.
    """

    payment_id: str
    amount: Money
    net: Money
    sold_as: str
    unearned: tuple[Earned, ...]
    earned: tuple[Earned, ...]
    credited: Share  # what changes had given to the customer, withdrawn
    credit: Money  # that had paid a part, given back to the bill
    credit_share: Share
    why: Literal["cancelled", "reversed"]


class BillCreditWithdrawn(DomainEvent, topic="bill.credit_withdrawn.v1"):
    """The second payment did not last or was refunded, so neither does the credit for it."""

    payment_id: str
    amount: Money
    share: Share
    product: str
    refund_id: str = ""  # empty: the payment did not last


class BillDisputed(DomainEvent, topic="bill.disputed.v1"):
    """The payer asked their bank for the money back; revenue waits for the outcome."""

    payment_id: str
    amount: Money


class BillVoided(DomainEvent, topic="bill.voided.v1"):
    """Nobody has to pay it any more. `credit` goes back to the subscription."""

    reason: str
    credit: Money


class BillWrittenOff(DomainEvent, topic="bill.written_off.v1"):
    """Given up, though still owed: a payment that comes nevertheless is taken."""

    reason: str

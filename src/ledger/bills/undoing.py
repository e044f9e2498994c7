"""What a payment brought, taken back: refunds, payments that did not last, disputes.

The payment books a refund against the revenue it had deferred; how much of that was earned, only
the bill knows. Of a payment whose money was credit, the credit is withdrawn instead.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce

from msgspec.structs import replace

from ledger.bills import commands as c
from ledger.bills import events as e
from ledger.bills.bill import Bill, Refund, may
from ledger.bills.earning import catch_up, timed
from ledger.bills.folding import evolve
from ledger.bills.life import CollectionStatus
from ledger.clock import business_date
from ledger.errors import Rejected
from ledger.events import DomainEvent
from ledger.journal.tax import tax_of_part
from ledger.money import Money
from ledger.share import Share

Facts = Sequence[DomainEvent]
C = CollectionStatus


class RefundExceedsBill(Rejected):
    code = "refund_exceeds_bill"
    title = "More was asked back than is left of what paid the bill: the rest was given as credit."


def record_undone(bill: Bill, command: c.RecordUndone) -> Facts:
    match _became_of(bill, command.payment_id):
        case C.CREDITED:
            return [_withdrawn(bill, command, command.share)]
        case C.PAID:
            return [_reopened(bill, command)]
        case _:
            return []


def _became_of(bill: Bill, payment_id: str) -> CollectionStatus | None:
    collection = bill.find_collection(payment_id)
    return collection.status if collection else None


def _withdrawn(
    bill: Bill, command: c.RecordUndone | c.RecordRefunded, share: Share, refund_id: str = ""
) -> e.BillCreditWithdrawn:
    return e.BillCreditWithdrawn(
        occurred_at=command.now,
        payment_id=command.payment_id,
        amount=share.total,
        share=share,
        product=bill.terms.product,
        refund_id=refund_id,
    )


def _reopened(bill: Bill, command: c.RecordUndone) -> e.BillReopened:
    nothing = Share(net=command.amount.zero(), tax=command.amount.zero())
    return e.BillReopened(
        occurred_at=command.now,
        payment_id=command.payment_id,
        amount=command.share.total,
        net=command.share.net,
        sold_as=bill.terms.product,
        unearned=_by_product((one.product, one.unearned) for one in bill.schedules),
        earned=_by_product((one.product, one.earned) for one in bill.schedules),
        credited=bill.credited or nothing,
        credit=bill.terms.credit,
        credit_share=bill.credit_share,
        why=command.why,
    )


def _by_product(parts: Iterable[tuple[str, Money]]) -> tuple[e.Earned, ...]:
    totals: Counter[tuple[str, str]] = Counter()
    for product, amount in parts:
        totals[product, amount.currency] += amount.minor
    return tuple(
        e.Earned(product=product, amount=Money(minor, currency))
        for (product, currency), minor in totals.items()
        if minor
    )


def ask_refund(bill: Bill, command: c.AskRefund) -> Facts:
    """Of the paying payment: what was given as credit does not go back besides. Money that is credit
    altogether goes back as credit. Raises RefundExceedsBill.
    """
    if _became_of(bill, command.payment_id) is not C.PAID or bill.find_refund(command.refund_id):
        return []
    left = refundable(bill)
    if command.amount > left:
        raise RefundExceedsBill(
            f"Only {left} of what was paid is neither credit nor refunded.",
            refundable_minor=left.minor,
        )
    share = _next_part(bill, command.amount)
    return [
        e.BillRefundAsked(
            occurred_at=command.now,
            payment_id=command.payment_id,
            refund_id=command.refund_id,
            share=share,
        )
    ]


def refundable(bill: Bill) -> Money:
    """What paid the bill, money and credit, less what was given as credit and what goes back."""
    paid = bill.paid
    if paid is None:
        return bill.to_pay.zero()
    nothing = paid.amount.zero()
    credited = bill.credited.total if bill.credited else nothing
    left = paid.amount + max(paid.credit, nothing) - credited - _counted(bill).total
    return max(left, nothing)


def _counted(bill: Bill) -> Share:
    nothing = Share(net=bill.to_pay.zero(), tax=bill.to_pay.zero())
    return sum((one.counts for one in bill.refunds if one.counts), nothing)


def _next_part(bill: Bill, amount: Money) -> Share:
    """As the payment will split it (books.md 2, rule 2)."""
    assert bill.paid is not None, "a payment pays it"
    before, sold_on = _counted(bill), business_date(bill.paid.occurred_at)
    tax = tax_of_part(bill.paid.share, before.total, amount, sold_on=sold_on, taken=before.tax)
    return Share(net=amount - tax, tax=tax)


def record_refunded(bill: Bill, command: c.RecordRefunded) -> Facts:
    """Once for each refund."""
    known = bill.find_refund(command.refund_id)
    if known and known.is_over:
        return []
    match _became_of(bill, command.payment_id):
        case C.CREDITED:
            share = Share(net=command.net, tax=command.amount - command.net)
            return [_withdrawn(bill, command, share, command.refund_id)]
        case C.PAID:
            earned = catch_up(bill, command.now, command.now)
            return [*earned, _refunded(reduce(evolve, earned, bill), command)]
        case _:
            return []


def _refunded(bill: Bill, command: c.RecordRefunded) -> e.BillRefunded:
    """What was not earned yet first, as of a refund that the payment alone would book (P7, P8)."""
    unearned = min(command.net, bill.unearned)
    refunded = e.BillRefunded(
        occurred_at=command.now,
        refund_id=command.refund_id,
        amount=command.amount,
        net=command.net,
        sold_as=bill.terms.product,
        unearned=_by_product([(bill.product, unearned)]),
        earned=command.net - unearned,
        recognise_at=None,
    )
    return timed(bill, refunded, command.now)


def record_refund_failed(bill: Bill, command: c.RecordRefundFailed) -> Facts:
    refund = bill.find_refund(command.refund_id)
    if refund is None or refund.failed:
        return []
    if refund.withdrawn:
        return [_credited_again(refund.withdrawn, command)]
    if refund.asked and not refund.refunded:
        return [e.BillRefundDropped(occurred_at=command.now, asked=refund.asked)]
    return _given_back(bill, refund, command)


def _credited_again(
    withdrawn: e.BillCreditWithdrawn, command: c.RecordRefundFailed
) -> e.BillPaidTwice:
    return e.BillPaidTwice(
        occurred_at=command.now,
        payment_id=withdrawn.payment_id,
        amount=withdrawn.amount,
        share=withdrawn.share,
        product=withdrawn.product,
        refund_id=withdrawn.refund_id,
    )


def _given_back(bill: Bill, refund: Refund, command: c.RecordRefundFailed) -> Facts:
    """To the product in force, and earned from the next day's end on."""
    was = refund.refunded
    if was is None:
        return []
    unearned = _by_product((bill.product, part.amount) for part in was.unearned)
    earned = catch_up(bill, command.now, command.now)
    failed = e.BillRefundFailed(
        occurred_at=command.now, refund=replace(was, unearned=unearned), recognise_at=None
    )
    return [*earned, timed(reduce(evolve, earned, bill), failed, command.now)]


def record_disputed(bill: Bill, command: c.RecordDisputed) -> Facts:
    """Of the paying payment: credit for another one is not revenue, and waits for nothing."""
    paying = _became_of(bill, command.payment_id) is C.PAID
    if not paying or bill.disputed or not may(bill, e.BillDisputed):
        return []
    return [
        e.BillDisputed(
            occurred_at=command.now, payment_id=command.payment_id, amount=command.amount
        )
    ]

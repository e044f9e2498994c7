"""Which event of a bill makes which entries. The payment of a bill books what the payer gave, and takes
it back when it did not last (posting_rules.py); what stands here is all that follows from that.

Rules beyond books.md section 3: P24 gives a customer credit, P25 pays with it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from ledger.bills import events as bill
from ledger.events import DomainEvent
from ledger.journal.accounts import CREDIT, OUTPUT_TAX, REFUNDS, deferred, subscription_income
from ledger.journal.entry import credit, debit, entry, reverse
from ledger.journal.events import EntryPosted, Leg
from ledger.money import Money

Entries = Sequence[EntryPosted]


def paid(fact: bill.BillPaid) -> Entries:
    if not fact.credit:
        return ()
    legs = (
        debit(CREDIT, fact.credit),
        credit(deferred(fact.product), fact.credit_share.net),
        credit(OUTPUT_TAX, fact.credit_share.tax),
    )
    words = "Paid by credit" if fact.credit.minor > 0 else "Owed from before, paid with this bill"
    return (entry("P25", words, legs, occurred_at=fact.occurred_at),)


def recognised(fact: bill.RevenueRecognised) -> Entries:
    legs = (
        debit(deferred(fact.product), fact.amount),
        credit(subscription_income(fact.product), fact.amount),
    )
    return (entry("P5", f"Earned: {fact.product}", legs, occurred_at=fact.occurred_at),)


def changed(fact: bill.BillChanged) -> Entries:
    return [*_credited(fact), *_moved(fact)]


def _credited(fact: bill.BillChanged) -> Entries:
    gross = fact.credited.total
    if not gross:
        return ()
    legs = (
        debit(deferred(fact.sold_as), fact.from_deferred),
        debit(REFUNDS, fact.from_income),
        debit(OUTPUT_TAX, fact.credited.tax),
        credit(CREDIT, gross),
    )
    return (entry("P24", "Credit for what was given up", legs, occurred_at=fact.occurred_at),)


def _moved(fact: bill.BillChanged) -> Entries:
    if not fact.moved:
        return ()
    legs = (
        debit(deferred(fact.sold_as), fact.moved),
        credit(deferred(fact.product), fact.moved),
    )
    words = f"Moved from {fact.sold_as} to {fact.product}"
    return (entry("P18", words, legs, occurred_at=fact.occurred_at),)


def paid_twice(fact: bill.BillPaidTwice) -> Entries:
    legs = (
        debit(deferred(fact.product), fact.share.net),
        debit(OUTPUT_TAX, fact.share.tax),
        credit(CREDIT, fact.share.total),
    )
    words = "Money that the bill has no use for is credit"
    return (entry("P24", words, legs, occurred_at=fact.occurred_at),)


def credit_withdrawn(fact: bill.BillCreditWithdrawn) -> Entries:
    legs = (
        debit(CREDIT, fact.share.total),
        credit(deferred(fact.product), fact.share.net),
        credit(OUTPUT_TAX, fact.share.tax),
    )
    words = "Credit withdrawn with the payment it came from"
    return (entry("P22", words, legs, occurred_at=fact.occurred_at, reverses="P24"),)


def refunded(fact: bill.BillRefunded) -> Entries:
    """What the payment took from one account, taken from where it really was."""
    legs = _netted(
        (
            credit(deferred(fact.sold_as), fact.net),
            *(debit(deferred(part.product), part.amount) for part in fact.unearned),
            debit(REFUNDS, fact.earned),
        )
    )
    if not legs:
        return ()
    return (entry("P7", "Of the refund, what was earned", legs, occurred_at=fact.occurred_at),)


def refund_failed(fact: bill.BillRefundFailed) -> Entries:
    because = "Refund failed after it was accepted"
    return [
        reverse(wrong, because=because, occurred_at=fact.occurred_at)
        for wrong in refunded(fact.refund)
    ]


def reopened(fact: bill.BillReopened) -> Entries:
    """All that followed from the payment, in one. What remains went to `REFUNDS` by changes and comes
    back from there; what refunds that stand took of unearned revenue goes there, for nobody pays for
    it any more.
    """
    legs = [
        credit(deferred(fact.sold_as), fact.net),
        *(debit(deferred(part.product), part.amount) for part in fact.unearned),
        *(debit(subscription_income(part.product), part.amount) for part in fact.earned),
        debit(CREDIT, fact.credited.total),
        credit(OUTPUT_TAX, fact.credited.tax),
        credit(CREDIT, fact.credit),
        debit(OUTPUT_TAX, fact.credit_share.tax),
    ]
    rest = sum((leg.amount for leg in legs), fact.net.zero())
    kept = _netted([*legs, credit(REFUNDS, rest)])
    words = f"The payment did not last ({fact.why}): what followed from it"
    return (entry("P22", words, kept, occurred_at=fact.occurred_at),) if kept else ()


def _netted(legs: Iterable[Leg]) -> Sequence[Leg]:
    """One leg an account; what cancels out is gone."""
    totals: dict[str, Money] = {}
    for leg in legs:
        totals[leg.account] = totals.get(leg.account, leg.amount.zero()) + leg.amount
    return [Leg(account=account, amount=amount) for account, amount in totals.items() if amount]


RULES: Final[dict[type[DomainEvent], Callable[[Any], Entries]]] = {
    bill.BillPaid: paid,  # P25
    bill.RevenueRecognised: recognised,  # P5
    bill.BillChanged: changed,  # P24, P18
    bill.BillPaidTwice: paid_twice,  # P24
    bill.BillCreditWithdrawn: credit_withdrawn,  # P22 of P24
    bill.BillRefunded: refunded,  # what P7 and P8 of the payment could not know
    bill.BillRefundFailed: refund_failed,  # P22 of that
    bill.BillReopened: reopened,  # P22 of P25, P5, P18, P24
}

NO_MONEY: Final[frozenset[type[DomainEvent]]] = frozenset(
    {
        bill.BillOpened,
        bill.BillCollectionBegun,
        bill.BillCollectionFailed,
        bill.BillRefundAsked,
        bill.BillRefundDropped,
        bill.BillDisputed,
        bill.BillVoided,
        bill.BillWrittenOff,
    }
)

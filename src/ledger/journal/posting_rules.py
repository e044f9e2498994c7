"""Which event makes which entries: a table from event to rule (books.md section 3). Those of a bill
are in bill_posting_rules.py.

Facts carry every amount, so a rule only names accounts. A payment is a sale of its own: what it
credits is revenue. When invoices come, `credit_side` is the place that will say Receivable.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from ledger.events import DomainEvent
from ledger.journal import bill_posting_rules
from ledger.journal.accounts import (
    AVAILABLE,
    CHARGEBACK_FEE,
    DISPUTED,
    FIXED_FEE,
    INPUT_TAX,
    MDR,
    OUTPUT_TAX,
    OVERDRAWN,
    PENDING,
    REFUND_PAYABLE,
    REFUNDS,
    ROUNDING,
    UNAPPLIED,
    deferred,
    sales_income,
)
from ledger.journal.entry import credit, debit, entry, reverse
from ledger.journal.events import EntryPosted, Leg
from ledger.payments import events as payment
from ledger.payments import review_events as review
from ledger.payments.events import Sale
from ledger.share import Share


def consequence(fact: DomainEvent) -> Sequence[EntryPosted]:
    """The entries that stand in the log directly after this fact; none when no money moved."""
    rule = RULES.get(type(fact))
    return rule(fact) if rule else ()


def credit_side(sale: Sale, share: Share) -> tuple[Leg, ...]:
    """What the payer's money was for. PPN falls due at payment, even when revenue comes later."""
    revenue = (deferred if sale.kind == "prepaid" else sales_income)(sale.product)
    return credit(revenue, share.net), credit(OUTPUT_TAX, share.tax)


def captured(fact: payment.PaymentCaptured) -> Sequence[EntryPosted]:
    over = max(fact.amount - fact.due, fact.amount.zero())
    legs = (
        debit(PENDING, fact.amount),
        debit(ROUNDING, fact.rounding),
        *credit_side(fact.sale, fact.share),
        credit(UNAPPLIED, over),
    )
    rule, words = _how_captured(fact)
    return (entry(rule, words, legs, occurred_at=fact.occurred_at),)


def _how_captured(fact: payment.PaymentCaptured) -> tuple[str, str]:
    if fact.amount > fact.due:
        return "P13", f"Overpaid: {fact.amount} for {fact.due}, the rest belongs to the payer"
    if fact.amount < fact.due:
        return "P14", f"Underpaid: {fact.amount} of {fact.due}"
    if fact.sale.kind == "prepaid":
        return "P1", f"Paid in advance: {fact.sale.product}"
    return "P1b", f"Paid on delivery: {fact.sale.product}"


def settled(fact: payment.PaymentSettled) -> Sequence[EntryPosted]:
    difference = fact.amount - fact.net - fact.fee.total
    legs = (
        debit(AVAILABLE, fact.net),
        debit(ROUNDING, difference),
        debit(MDR, fact.fee.percentage),
        debit(FIXED_FEE, fact.fee.fixed),
        debit(INPUT_TAX, fact.fee.tax),
        credit(PENDING, fact.amount),
    )
    rule = "P17" if difference else "P2"
    words = f"Settled net of fee, off by {difference}" if difference else "Settled net of fee"
    return (entry(rule, words, legs, occurred_at=fact.occurred_at),)


def imported(fact: payment.PaymentImported) -> Sequence[EntryPosted]:
    """P1 and P2 in one: it never was pending with us (docs/decisions/0011-imported-payments.md)."""
    legs = (
        debit(AVAILABLE, fact.net),
        debit(MDR, fact.fee.percentage),
        debit(FIXED_FEE, fact.fee.fixed),
        debit(INPUT_TAX, fact.fee.tax),
        *credit_side(fact.sale, fact.share),
    )
    return (entry("P23", "Imported as settled", legs, occurred_at=fact.occurred_at),)


def charge_cancelled(fact: payment.ChargeCancelled) -> Sequence[EntryPosted]:
    return _taken_back(fact, "Voided before settlement", fact.captured)


def settlement_reversed(fact: payment.SettlementReversed) -> Sequence[EntryPosted]:
    return _taken_back(fact, "Settlement reversed by the gateway", fact.settled, fact.captured)


def late_payment(fact: payment.LatePaymentReceived) -> Sequence[EntryPosted]:
    legs = (debit(PENDING, fact.amount), credit(UNAPPLIED, fact.amount))
    return (entry("P15", f"Paid late: {fact.because}", legs, occurred_at=fact.occurred_at),)


def late_settled(fact: payment.LatePaymentSettled) -> Sequence[EntryPosted]:
    legs = (
        debit(AVAILABLE, fact.net),
        debit(MDR, fact.fee.percentage),
        debit(FIXED_FEE, fact.fee.fixed),
        debit(INPUT_TAX, fact.fee.tax),
        credit(PENDING, fact.amount),
    )
    words = "Late payment settled net of fee"
    return (entry("P2", words, legs, occurred_at=fact.occurred_at),)


def late_returned(fact: payment.LatePaymentReturned) -> Sequence[EntryPosted]:
    """Cancelled, it was never ours; a refund has entries of its own; by hand, it is owed until the bank
    statement shows it.
    """
    if fact.how == "cancelled":
        return _taken_back(fact, "Late payment voided before settlement", fact.received)
    if fact.how == "refunded":
        return ()
    amount = fact.received.amount
    legs = (debit(UNAPPLIED, amount), credit(REFUND_PAYABLE, amount))
    words = "Late payment sent back by a person"
    return (entry("P15a", words, legs, occurred_at=fact.occurred_at),)


def refund_accepted(fact: payment.RefundAccepted) -> Sequence[EntryPosted]:
    legs = (
        debit(UNAPPLIED, fact.from_unapplied),
        debit(deferred(fact.sale.product), fact.from_deferred),
        debit(REFUNDS, fact.from_income),
        debit(OUTPUT_TAX, fact.tax),
        credit(REFUND_PAYABLE, fact.amount),
    )
    # P7 reaches into earned revenue, P8 takes unearned revenue alone, P15a gives late money back.
    rule = "P15a" if fact.from_unapplied else "P7" if fact.from_income else "P8"
    return (entry(rule, "Refund owed to the payer", legs, occurred_at=fact.occurred_at),)


def refund_confirmed(fact: payment.RefundConfirmed) -> Sequence[EntryPosted]:
    """The money that left, and, apart from it, the part of the fee that came back."""
    left = (
        debit(REFUND_PAYABLE, fact.amount),
        credit(AVAILABLE, fact.from_available),
        credit(OVERDRAWN, fact.overdrawn),
    )
    rule = "P16" if fact.overdrawn else "P7b"
    paid = entry(rule, "Refund paid by the gateway", left, occurred_at=fact.occurred_at)
    back = fact.fee_returned + fact.fee_tax_returned
    if not back:
        return (paid,)
    returned = (
        debit(AVAILABLE, back),
        credit(MDR, fact.fee_returned),
        credit(INPUT_TAX, fact.fee_tax_returned),
    )
    return paid, entry("P7b", "Percentage fee returned", returned, occurred_at=fact.occurred_at)


def refund_failed(fact: payment.RefundFailed) -> Sequence[EntryPosted]:
    return _taken_back(fact, "Refund failed after it was accepted", fact.accepted)


def chargeback_received(fact: payment.ChargebackReceived) -> Sequence[EntryPosted]:
    legs = (
        debit(DISPUTED, fact.amount),
        debit(CHARGEBACK_FEE, fact.fee),
        debit(INPUT_TAX, fact.fee_tax),
        credit(AVAILABLE, fact.amount + fact.fee + fact.fee_tax),
    )
    return (entry("P9", "Chargeback opened", legs, occurred_at=fact.occurred_at),)


def _taken_back(
    fact: DomainEvent, because: str, *undone: DomainEvent | None
) -> Sequence[EntryPosted]:
    """The reverse of every entry that the undone facts had made; name the latest fact first."""
    return [
        reverse(wrong, because=because, occurred_at=fact.occurred_at)
        for was in undone
        if was is not None
        for wrong in consequence(was)
    ]


RULES: Final[dict[type[DomainEvent], Callable[[Any], Sequence[EntryPosted]]]] = {
    payment.PaymentCaptured: captured,  # P1, P1b, P13, P14
    payment.PaymentSettled: settled,  # P2, P17
    payment.PaymentImported: imported,  # P23
    payment.ChargeCancelled: charge_cancelled,  # P22 of what was captured
    payment.SettlementReversed: settlement_reversed,  # P22 of P2, then of P1
    payment.LatePaymentReceived: late_payment,  # P15
    payment.LatePaymentSettled: late_settled,  # P2
    payment.LatePaymentReturned: late_returned,  # P15a, P22 of P15
    payment.RefundAccepted: refund_accepted,  # P7, P8
    payment.RefundConfirmed: refund_confirmed,  # P7b, P16
    payment.RefundFailed: refund_failed,  # P22 of P7 or P8
    payment.ChargebackReceived: chargeback_received,  # P9
    **bill_posting_rules.RULES,
}

# Commitments, refusals and doubts are not postings (books.md section 1): an expired VA needs no
# reversing entry.
NO_MONEY: Final[frozenset[type[DomainEvent]]] = frozenset(
    {
        payment.PaymentRequested,
        payment.AttemptStarted,
        payment.ChargeDispatched,
        payment.ChargeOutcomeUnknown,
        payment.ChargeRetryScheduled,
        payment.ChargePending,
        payment.ChargeChallenged,
        payment.ChargeAuthorised,
        payment.ChargeDenied,
        payment.ChargeFailed,
        payment.ChargeExpired,
        payment.CaptureRequested,
        payment.CaptureRefused,
        payment.CancelRequested,
        payment.CancelRefused,
        payment.PaymentAbandoned,
        payment.RefundRequested,
        payment.RefundDispatched,
        payment.RefundOutcomeUnknown,
        payment.RefundRetryScheduled,
        payment.StrayChargeFound,
        payment.AttemptClosed,
        payment.ReviewRequested,
        review.DecisionNeeded,
        review.ReviewProposed,
        review.ReviewDecided,
        review.QuestionAnswered,
        *bill_posting_rules.NO_MONEY,
    }
)

"""What a bill is told of its payments: a table from a payment's fact to a command of the bill.

Only of payments that a bill asked for, which are prepaid. Late money is not the bill's: the payment
sends it back by itself.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from ledger.bills import commands as c
from ledger.bills.trouble import trouble
from ledger.events import DomainEvent
from ledger.payments import events as e
from ledger.payments import review_events as r
from ledger.payments.late import LATE_BECAUSE
from ledger.payments.methods import METHODS
from ledger.payments.payment import Payment


def bill_command(
    payment: Payment, fact: DomainEvent, now: datetime
) -> tuple[str, c.BillCommand] | None:
    """The bill's id and what it is told; `payment` is as it is after the whole decision."""
    told = TOLD.get(type(fact))
    if told is None:
        return None
    sale = payment.request.sale
    if not sale.bill_id or sale.kind != "prepaid":
        return None
    command = told(payment, fact, now)
    return (sale.bill_id, command) if command else None


def _captured(payment: Payment, fact: e.PaymentCaptured, now: datetime) -> c.RecordPaid:
    return c.RecordPaid(
        now=now, payment_id=payment.request.payment_id, amount=fact.amount, share=fact.share
    )


def _denied(payment: Payment, fact: e.ChargeDenied, now: datetime) -> c.RecordNotPaid | None:
    said = fact.evidence.said.get("payment_type", "")
    return _not_paid(payment, fact.attempt, fact.code, fact.words, now, said)


def _failed(payment: Payment, fact: e.ChargeFailed, now: datetime) -> c.RecordNotPaid | None:
    return _not_paid(payment, fact.attempt, fact.code, fact.words, now)


def _expired(payment: Payment, fact: e.ChargeExpired, now: datetime) -> c.RecordNotPaid | None:
    return _not_paid(payment, fact.attempt, "expired", "It was not paid in time.", now)


def _abandoned(payment: Payment, fact: e.PaymentAbandoned, now: datetime) -> c.RecordNotPaid | None:
    return _not_paid(payment, fact.attempt, "abandoned", fact.reason, now)


def _cancelled(
    payment: Payment, fact: e.ChargeCancelled, now: datetime
) -> c.RecordUndone | c.RecordNotPaid | None:
    if fact.captured:
        return _undone(payment, fact.captured, now, "cancelled")
    return _not_paid(payment, fact.attempt, "cancelled", "It was cancelled.", now)


def _reversed(payment: Payment, fact: e.SettlementReversed, now: datetime) -> c.RecordUndone:
    return _undone(payment, fact.captured, now, "reversed")


def _undone(payment: Payment, was: e.PaymentCaptured, now: datetime, why: Any) -> c.RecordUndone:
    return c.RecordUndone(
        now=now,
        payment_id=payment.request.payment_id,
        amount=was.amount,
        share=was.share,
        why=why,
    )


def _not_paid(
    payment: Payment, number: int, code: str, words: str, now: datetime, payment_type: str = ""
) -> c.RecordNotPaid | None:
    """Not while the payment goes on by another method."""
    if payment.status not in LATE_BECAUSE:
        return None
    attempt = payment.find_attempt(number)
    method = METHODS.get(attempt.method) if attempt else None
    asked = method.mapping.payment_type if method else ""
    return c.RecordNotPaid(
        now=now,
        payment_id=payment.request.payment_id,
        code=code,
        words=words,
        trouble=trouble(code, payment_type or asked),
    )


def _refund_asked(payment: Payment, fact: e.RefundRequested, now: datetime) -> c.AskRefund | None:
    if fact.late_attempt:
        return None
    return c.AskRefund(
        now=now,
        payment_id=payment.request.payment_id,
        refund_id=fact.refund_id,
        amount=fact.amount,
    )


def _refunded(payment: Payment, fact: e.RefundAccepted, now: datetime) -> c.RecordRefunded | None:
    if fact.from_unapplied:
        return None
    return c.RecordRefunded(
        now=now,
        payment_id=payment.request.payment_id,
        refund_id=fact.refund_id,
        amount=fact.amount,
        net=fact.from_deferred + fact.from_income,
    )


def _refund_failed(
    payment: Payment, fact: e.RefundFailed, now: datetime
) -> c.RecordRefundFailed | None:
    if fact.accepted and fact.accepted.from_unapplied:
        return None
    return c.RecordRefundFailed(now=now, refund_id=fact.refund_id)


def _disputed(payment: Payment, fact: e.ChargebackReceived, now: datetime) -> c.RecordDisputed:
    return c.RecordDisputed(now=now, payment_id=payment.request.payment_id, amount=fact.amount)


TOLD: Final[dict[type[DomainEvent], Callable[[Payment, Any, datetime], c.BillCommand | None]]] = {
    e.PaymentCaptured: _captured,
    e.ChargeDenied: _denied,
    e.ChargeFailed: _failed,
    e.ChargeExpired: _expired,
    e.PaymentAbandoned: _abandoned,
    e.ChargeCancelled: _cancelled,
    e.SettlementReversed: _reversed,
    e.RefundRequested: _refund_asked,
    e.RefundAccepted: _refunded,
    e.RefundFailed: _refund_failed,
    e.ChargebackReceived: _disputed,
}

UNTOLD: Final[frozenset[type[DomainEvent]]] = frozenset(
    {
        # Under way, which the bill knows from asking for it.
        e.PaymentRequested,
        e.AttemptStarted,
        e.ChargeDispatched,
        e.ChargeOutcomeUnknown,
        e.ChargeRetryScheduled,
        e.ChargePending,
        e.ChargeChallenged,
        e.ChargeAuthorised,
        e.CaptureRequested,
        e.CaptureRefused,
        e.CancelRequested,
        e.CancelRefused,
        # The bill was paid by the capture; it hears of a refund when it is asked for, taken, or over.
        e.PaymentSettled,
        e.RefundDispatched,
        e.RefundOutcomeUnknown,
        e.RefundRetryScheduled,
        e.RefundConfirmed,
        # Of no bill, or of no more than the payment.
        e.PaymentImported,
        e.LatePaymentReceived,
        e.LatePaymentSettled,
        e.LatePaymentReturned,
        e.StrayChargeFound,
        e.AttemptClosed,
        e.ReviewRequested,
        r.DecisionNeeded,
        r.ReviewProposed,
        r.ReviewDecided,
        r.QuestionAnswered,
    }
)

"""Refunds: asked, sent, accepted by the gateway, confirmed by the bank, or failed. Never more than
was captured.

A refund counts against what is left from when it is asked for until it has failed, so racing ones
cannot exceed it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from ledger.errors import Conflict, Rejected
from ledger.events import DomainEvent
from ledger.money import Money
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments.life import REFUND_NEXT, RefundStatus, Status
from ledger.payments.methods import Method, RefundRule, paid_by
from ledger.payments.payment import (
    Payment,
    Refund,
    may,
    require,
    require_lost,
    require_not_frozen,
)
from ledger.payments.reconciling import and_a_person, reconcile
from ledger.payments.retrying import MAXIMUM_RETRIES
from ledger.providers.port import DUPLICATE, Did, DidNot, Unknown

Facts = Sequence[DomainEvent]


class RefundNotSupported(Rejected):
    code = "refund_not_supported"
    title = (
        "This method cannot be refunded through the gateway; pay the money back by bank transfer."
    )


class RefundMustBeFull(Rejected):
    code = "refund_must_be_full"
    title = "This method can only be refunded in full."


class RefundWindowClosed(Rejected):
    code = "refund_window_closed"
    title = "The time in which this method can be refunded is over."


class RefundExceedsPayment(Rejected):
    code = "refund_exceeds_payment"
    title = "More was asked back than is left of the payment."


class RefundAmountInvalid(Rejected):
    code = "refund_amount_invalid"
    title = "A refund is a whole amount above zero."


class PaymentNotSettled(Conflict):
    code = "payment_not_settled"
    title = "Only a settled payment can be refunded; before that, cancel it."


class RefundStateForbids(Conflict):
    code = "refund_state_forbids"
    title = "The refund is in a state in which this is not possible."


def request_refund(payment: Payment, command: c.RequestRefund) -> Facts:
    if payment.status is Status.CAPTURED:
        raise PaymentNotSettled()
    require(payment, e.RefundRequested)
    if command.amount is not None and command.amount.minor <= 0:
        raise RefundAmountInvalid()
    if asked := payment.find_refund(command.refund_id):
        return _asked_again(asked, command)
    if not payment.attempt.order_id:
        raise RefundNotSupported("The gateway's order id of this payment was not imported with it.")
    amount = payment.refundable if command.amount is None else command.amount
    _check_rule(how_paid(payment).refund, payment, amount, command.now)
    return [
        e.RefundRequested(
            occurred_at=command.now,
            refund_id=command.refund_id,
            amount=amount,
            reason=command.reason,
        )
    ]


def _asked_again(asked: Refund, command: c.RequestRefund) -> Facts:
    """One refund id is one refund."""
    if command.amount not in (None, asked.amount):
        raise RefundStateForbids(f"Refund {asked.refund_id} is of {asked.amount}.")
    return []


def how_paid(payment: Payment) -> Method:
    """The method that refund rules go by, once it is settled: on the hosted page the payer has
    chosen it.
    """
    settled = payment.settled
    said = settled.evidence.said.get("payment_type", "") if settled else ""
    return paid_by(payment.attempt.method, said)


def _check_rule(rule: RefundRule, payment: Payment, amount: Money, now: datetime) -> None:
    settled, left = payment.settled, payment.refundable
    if rule.allowed == "none" or settled is None:
        raise RefundNotSupported(method=payment.attempt.method)
    if not amount or (left - amount).minor < 0:
        raise RefundExceedsPayment(f"Only {left} is left to refund.", refundable_minor=left.minor)
    if rule.allowed == "full" and amount != settled.amount:
        raise RefundMustBeFull(method=payment.attempt.method, amount_minor=settled.amount.minor)
    if now > settled.occurred_at + timedelta(days=rule.window_days):
        raise RefundWindowClosed(method=payment.attempt.method, window_days=rule.window_days)


def dispatch_refund(payment: Payment, command: c.DispatchRefund) -> Facts:
    refund = _find(payment, command.refund_id)
    if refund.late_attempt:
        require_not_frozen(payment)
    else:
        require(payment, e.RefundDispatched)
    if (refund.status, e.RefundDispatched) not in REFUND_NEXT:
        raise RefundStateForbids(refund_status=refund.status.value)
    if refund.status is RefundStatus.UNKNOWN:
        require_lost(refund.sent_at, command.now, command.lost_after_seconds)
    if refund.not_before and command.now < refund.not_before:
        raise RefundStateForbids("The next try is not due yet.", refund_status=refund.status.value)
    return [
        e.RefundDispatched(
            occurred_at=command.now,
            refund_id=refund.refund_id,
            sent_by=command.sent_by,
            sending=refund.sendings + 1,
        )
    ]


def record_refund(payment: Payment, command: c.RecordRefund) -> Facts:
    refund = _find(payment, command.refund_id)
    match command.outcome:
        case Did(observation):
            return reconcile(payment, observation, command.now, command.available)
        case _ if command.sending not in (0, refund.sendings):
            return []  # a later sending is under way, of which this proves nothing
        case DidNot(code=code) if code == DUPLICATE:
            return _unknown(refund, command, DUPLICATE, "the gateway knows this refund")
        case DidNot() as refusal:
            return and_a_person(refund, _not_done(payment, refund, command, refusal))
        case Unknown(cause=cause, detail=detail):
            return _unknown(refund, command, cause, detail)


def _find(payment: Payment, refund_id: str) -> Refund:
    payment.request  # noqa: B018  raises on an empty stream
    refund = payment.find_refund(refund_id)
    if refund is None:
        raise RefundStateForbids(f"There is no refund {refund_id}.")
    return refund


def _unknown(refund: Refund, command: c.RecordRefund, cause: str, detail: str) -> Facts:
    if (refund.status, e.RefundOutcomeUnknown) not in REFUND_NEXT:
        return []
    return [
        e.RefundOutcomeUnknown(
            occurred_at=command.now, refund_id=refund.refund_id, cause=cause, detail=detail
        )
    ]


def _not_done(payment: Payment, refund: Refund, command: c.RecordRefund, refusal: DidNot) -> Facts:
    if refund.status is RefundStatus.ACCEPTED:
        # Listed, and now refused: the bank's word on the only sending. Of several, another one may
        # be what is listed.
        failed = refund.sendings == 1 and not refusal.retryable
        return [_failed(refund, command, refusal)] if failed else []
    if (refund.status, e.RefundRetryScheduled) not in REFUND_NEXT:
        return []
    again = (
        refusal.retryable
        and refund.retries < MAXIMUM_RETRIES
        and (bool(refund.late_attempt) or may(payment, e.RefundRetryScheduled))
    )
    return [_retry(refund, command, refusal) if again else _failed(refund, command, refusal)]


def _retry(refund: Refund, command: c.RecordRefund, refusal: DidNot) -> e.RefundRetryScheduled:
    return e.RefundRetryScheduled(
        occurred_at=command.now,
        refund_id=refund.refund_id,
        retry=refund.retries + 1,
        not_before=command.now + timedelta(seconds=command.retry_after_seconds),
        cause=refusal.code,
        detail=refusal.words,
    )


def _failed(refund: Refund, command: c.RecordRefund, refusal: DidNot) -> e.RefundFailed:
    return e.RefundFailed(
        occurred_at=command.now,
        refund_id=refund.refund_id,
        code=refusal.code,
        words=refusal.words,
        accepted=refund.accepted,
    )

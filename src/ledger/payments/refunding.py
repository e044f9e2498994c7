"""Refunds: asked, sent, accepted by the gateway, confirmed by the bank, or failed. Never more than was captured.

A refund counts against what is left from the moment it is asked for until it has failed, so that racing refunds cannot exceed it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ledger.clock import business_date
from ledger.errors import Conflict, Rejected
from ledger.events import DomainEvent
from ledger.money import Money
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments.life import REFUND_NEXT, RefundStatus, Status
from ledger.payments.methods import METHODS, RefundRule
from ledger.payments.payment import Payment, Refund, evolve, require, require_lost
from ledger.payments.refunds import fee_returned, refund_split
from ledger.payments.retrying import MAXIMUM_RETRIES
from ledger.providers.port import DUPLICATE, Did, DidNot, Observation, ObservedRefund, Unknown

Facts = Sequence[DomainEvent]


class RefundNotSupported(Rejected):
    code = "refund_not_supported"
    title = "This method cannot be refunded through the gateway; pay the money back by bank transfer."


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
    settled = payment.settled
    assert settled is not None, "the table allows refunds only when settled"
    if command.amount is not None and command.amount.minor <= 0:
        raise RefundAmountInvalid()
    amount = payment.refundable if command.amount is None else command.amount
    _check_rule(METHODS[payment.attempt.method].refund, payment, amount, command.now)
    if amount > payment.refundable or not amount:
        raise RefundExceedsPayment(
            f"Only {payment.refundable} is left to refund.",
            refundable_minor=payment.refundable.minor,
        )
    return [
        e.RefundRequested(
            occurred_at=command.now,
            refund_id=command.refund_id,
            amount=amount,
            reason=command.reason,
        )
    ]


def _check_rule(rule: RefundRule, payment: Payment, amount: Money, now: datetime) -> None:
    settled = payment.settled
    if rule.allowed == "none" or settled is None:
        raise RefundNotSupported(method=payment.attempt.method)
    if rule.allowed == "full" and amount != settled.amount:
        raise RefundMustBeFull(
            method=payment.attempt.method, amount_minor=settled.amount.minor
        )
    if now > settled.occurred_at + timedelta(days=rule.window_days):
        raise RefundWindowClosed(method=payment.attempt.method, window_days=rule.window_days)


def dispatch_refund(payment: Payment, command: c.DispatchRefund) -> Facts:
    require(payment, e.RefundDispatched)
    refund = _find(payment, command.refund_id)
    if (refund.status, e.RefundDispatched) not in REFUND_NEXT:
        raise RefundStateForbids(refund_status=refund.status.value)
    if refund.status is RefundStatus.UNKNOWN:
        require_lost(refund.sent_at, command.now, command.lost_after_seconds)
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
            return list(reconcile(payment, observation, command.now, command.available))
        case DidNot(code=code) if code == DUPLICATE:
            return _unknown(refund, command, DUPLICATE, "the gateway knows this refund")
        case DidNot() as refusal:
            return _not_done(refund, command, refusal)
        case Unknown(cause=cause, detail=detail):
            return _unknown(refund, command, cause, detail)


def reconcile(
    payment: Payment, seen: Observation, now: datetime, available: Money
) -> Iterator[DomainEvent]:
    """What the gateway lists of refunds that we did not know yet."""
    for listed in seen.refunds:
        refund = payment.find_refund(listed.refund_id)
        if refund is None or refund.amount != listed.amount:
            yield e.ReviewRequested(
                occurred_at=now,
                attempt=payment.attempt.number,
                rule="refund_not_ours",
                words=f"the gateway lists refund {listed.refund_id} of {listed.amount}",
                evidence=seen.evidence,
            )
            return
        for step in (_accepted, _confirmed):
            for fact in step(payment, refund.refund_id, listed, seen, now, available):
                payment = evolve(payment, fact)
                yield fact


def lost_senders(
    payment: Payment, facts: Facts, command: c.RecordInquiry
) -> Iterator[DomainEvent]:
    """Refunds that were sent, are not among what the gateway lists, and whose sender has been silent for too long."""
    answered = {getattr(fact, "refund_id", "") for fact in facts}
    lease = timedelta(seconds=command.lease_seconds)
    for refund in payment.refunds:
        silent = refund.sent_at is not None and command.now >= refund.sent_at + lease
        if refund.status is RefundStatus.DISPATCHED and silent and refund.refund_id not in answered:
            yield e.RefundOutcomeUnknown(
                occurred_at=command.now,
                refund_id=refund.refund_id,
                cause="sender_lost",
                detail="no outcome was recorded, and the gateway lists no such refund",
            )


def _accepted(
    payment: Payment,
    refund_id: str,
    listed: ObservedRefund,
    seen: Observation,
    now: datetime,
    available: Money,
) -> Facts:
    refund = _find(payment, refund_id)
    captured = payment.captured
    if captured is None or (refund.status, e.RefundAccepted) not in REFUND_NEXT:
        return []
    before = [r.accepted for r in payment.refunds if r.accepted and r.status is not RefundStatus.FAILED]
    parts = refund_split(
        captured=captured.amount,
        share=captured.share,
        sale=captured.sale,
        sold_on=business_date(captured.occurred_at),
        refunded_before=payment.refunded,
        amount=refund.amount,
        earned=refund.amount.zero(),
        deferred_drawn_before=sum((a.from_deferred for a in before), refund.amount.zero()),
    )
    return [
        e.RefundAccepted(
            occurred_at=now,
            refund_id=refund_id,
            amount=refund.amount,
            from_deferred=parts.from_deferred,
            from_income=parts.from_income,
            tax=parts.tax,
            sale=captured.sale,
            evidence=seen.evidence,
        )
    ]


def _confirmed(
    payment: Payment,
    refund_id: str,
    listed: ObservedRefund,
    seen: Observation,
    now: datetime,
    available: Money,
) -> Facts:
    refund = _find(payment, refund_id)
    settled = payment.settled
    known = (refund.status, e.RefundConfirmed) in REFUND_NEXT
    if listed.confirmed_at is None or settled is None or not known:
        return []
    confirmed_before = sum(
        (r.amount for r in payment.refunds if r.status is RefundStatus.CONFIRMED),
        refund.amount.zero(),
    )
    back = fee_returned(settled.fee, settled.amount, confirmed_before, refund.amount)
    from_available = min(refund.amount, max(available, refund.amount.zero()))
    return [
        e.RefundConfirmed(
            occurred_at=listed.confirmed_at,
            refund_id=refund_id,
            amount=refund.amount,
            from_available=from_available,
            overdrawn=refund.amount - from_available,
            fee_returned=back.percentage,
            fee_tax_returned=back.tax,
            evidence=seen.evidence,
        )
    ]


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


def _not_done(refund: Refund, command: c.RecordRefund, refusal: DidNot) -> Facts:
    if (refund.status, e.RefundFailed) not in REFUND_NEXT:
        return []
    if refusal.retryable and refund.retries < MAXIMUM_RETRIES:
        return [
            e.RefundRetryScheduled(
                occurred_at=command.now,
                refund_id=refund.refund_id,
                retry=refund.retries + 1,
                not_before=command.now + timedelta(seconds=command.retry_after_seconds),
                cause=refusal.code,
                detail=refusal.words,
            )
        ]
    return [
        e.RefundFailed(
            occurred_at=command.now,
            refund_id=refund.refund_id,
            code=refusal.code,
            words=refusal.words,
            accepted=refund.accepted,
        )
    ]

"""Refunds as the gateway lists them: what is new of each, and what a person has to look at.

What it lists may come late and twice, and what it listed once may be gone: then the bank has refused
it after all.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import reduce
from typing import Final, Literal

from ledger.clock import business_date
from ledger.events import DomainEvent
from ledger.money import Money
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments.folding import evolve
from ledger.payments.life import REFUND_NEXT, RefundStatus
from ledger.payments.payment import Payment, Refund
from ledger.payments.refunds import fee_returned, refund_split
from ledger.payments.review_events import DecisionNeeded
from ledger.providers.port import Observation, ObservedRefund

Facts = Sequence[DomainEvent]

LISTED_WITHIN: Final = timedelta(minutes=10)  # by then, the gateway lists what it has taken


def and_a_person(refund: Refund, facts: Facts) -> Facts:
    """Late money that the gateway does not send back goes back by hand."""
    failed = [fact for fact in facts if isinstance(fact, e.RefundFailed)]
    if not (refund.late_attempt and failed):
        return facts
    why = f"the gateway refused its refund ({failed[0].code})"
    return [*facts, ask_to_return(refund.late_attempt, failed[0].occurred_at, why)]


def ask_to_return(attempt: int, now: datetime, why: str) -> DecisionNeeded:
    return DecisionNeeded(
        occurred_at=now,
        rule="late_payment",
        subject=str(attempt),
        words=f"Late money has to go back to the payer by bank transfer: {why}",
    )


def reconcile(payment: Payment, seen: Observation, now: datetime, available: Money) -> Facts:
    """What the gateway lists of refunds that we did not know yet."""
    if rule := _not_understood(payment, seen):
        return [_review(payment, seen, now, *rule)]
    facts: list[DomainEvent] = []
    for listed in seen.refunds:
        accepted = _accepted(payment, listed.refund_id, seen, now)
        payment = reduce(evolve, accepted, payment)
        confirmed = _confirmed(payment, listed, seen, available)
        payment = reduce(evolve, confirmed, payment)
        available = reduce(_drawn, confirmed, available)
        facts += [*accepted, *confirmed]
    return facts


def withdrawn(payment: Payment, seen: Observation, now: datetime, asked_at: datetime) -> Facts:
    """Refunds of this order that the gateway had taken and, asked for all, does not list any more: the
    bank has refused them. Its lists may lag behind for a moment.
    """
    listed = {one.refund_id for one in seen.refunds}
    facts: list[DomainEvent] = []
    for refund in payment.refunds:
        ours = payment.attempt_refunded_by(refund).order_id == seen.order_id
        if ours and refund.refund_id not in listed and _was_taken(refund, asked_at - LISTED_WITHIN):
            failed = e.RefundFailed(
                occurred_at=now,
                refund_id=refund.refund_id,
                code="refund_withdrawn",
                words="The gateway had taken this refund and does not list it any more.",
                accepted=refund.accepted,
            )
            facts += and_a_person(refund, [failed])
    return facts


def _was_taken(refund: Refund, by: datetime) -> bool:
    if refund.status is not RefundStatus.ACCEPTED or refund.accepted is None:
        return False
    return refund.accepted.occurred_at <= by


ReviewRule = Literal["refund_not_ours", "state_not_understood"]


def _not_understood(payment: Payment, seen: Observation) -> tuple[ReviewRule, str] | None:
    """Money went back that we did not send, or not so: nothing of it is booked before a person has
    looked.
    """
    gateway_ids: dict[str, str] = {}
    for listed in seen.refunds:
        refund = payment.find_refund(listed.refund_id)
        twice = gateway_ids.setdefault(listed.refund_id, listed.gateway_id) != listed.gateway_id
        if refund is None or refund.amount != listed.amount or twice:
            return (
                "refund_not_ours",
                f"the gateway lists refund {listed.refund_id} of {listed.amount}",
            )
        if refund.status is RefundStatus.FAILED:
            return (
                "state_not_understood",
                f"refund {refund.refund_id} had failed, and the gateway lists it",
            )
    return None


def _review(
    payment: Payment, seen: Observation, now: datetime, rule: ReviewRule, words: str
) -> e.ReviewRequested:
    return e.ReviewRequested(
        occurred_at=now,
        attempt=payment.attempt.number,
        rule=rule,
        words=words,
        evidence=seen.evidence,
    )


def _drawn(available: Money, fact: DomainEvent) -> Money:
    if not isinstance(fact, e.RefundConfirmed):
        return available
    return available - fact.from_available + fact.fee_returned + fact.fee_tax_returned


def lost_senders(payment: Payment, facts: Facts, command: c.RecordInquiry) -> Facts:
    """Refunds of the attempt that were sent, are not among what the gateway lists, and whose sender
    has been silent for too long.
    """
    if not payment.refunds or any(isinstance(fact, e.ReviewRequested) for fact in facts):
        return []
    answered = {getattr(fact, "refund_id", "") for fact in facts}
    lease = timedelta(seconds=command.lease_seconds)
    return [
        e.RefundOutcomeUnknown(
            occurred_at=command.now,
            refund_id=refund.refund_id,
            cause="sender_lost",
            detail="no outcome was recorded, and the gateway lists no such refund",
        )
        for refund in payment.refunds
        if refund.status is RefundStatus.DISPATCHED
        and payment.attempt_refunded_by(refund).number == command.attempt
        and refund.sent_at is not None
        and command.now >= refund.sent_at + lease
        and refund.refund_id not in answered
    ]


def unsent_after_chargeback(unsent: Iterable[Refund], now: datetime) -> Facts:
    """The bank took the money back; sent on top of that, a refund would pay the payer twice."""
    return [
        e.RefundFailed(
            occurred_at=now,
            refund_id=refund.refund_id,
            code="charged_back",
            words="The payer's bank took the money back before this refund was sent.",
        )
        for refund in unsent
    ]


def _accepted(
    payment: Payment, refund_id: str, seen: Observation, now: datetime
) -> Sequence[e.RefundAccepted]:
    refund = payment.find_refund(refund_id)
    if refund is None or (refund.status, e.RefundAccepted) not in REFUND_NEXT:
        return []
    if refund.late_attempt:
        return [_late_accepted(payment, refund, seen, now)]
    captured = payment.captured
    if captured is None:
        return []
    before = [
        r.accepted
        for r in payment.own_refunds
        if r.accepted and r.status is not RefundStatus.FAILED
    ]
    parts = refund_split(
        captured=captured.amount,
        share=captured.share,
        sale=captured.sale,
        sold_on=business_date(captured.occurred_at),
        refunded_before=payment.refunded,
        amount=refund.amount,
        earned=refund.amount.zero(),
        deferred_drawn_before=sum((a.from_deferred for a in before), refund.amount.zero()),
        tax_returned_before=sum((a.tax for a in before), refund.amount.zero()),
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


def _late_accepted(
    payment: Payment, refund: Refund, seen: Observation, now: datetime
) -> e.RefundAccepted:
    nothing = refund.amount.zero()
    return e.RefundAccepted(
        occurred_at=now,
        refund_id=refund.refund_id,
        amount=refund.amount,
        from_deferred=nothing,
        from_income=nothing,
        tax=nothing,
        from_unapplied=refund.amount,
        sale=payment.request.sale,
        evidence=seen.evidence,
    )


def _confirmed(
    payment: Payment, listed: ObservedRefund, seen: Observation, available: Money
) -> Facts:
    refund = payment.find_refund(listed.refund_id)
    if refund is None:
        return []
    attempt = payment.attempt_refunded_by(refund)
    settled = attempt.late_settled if refund.late_attempt else payment.settled
    known = (refund.status, e.RefundConfirmed) in REFUND_NEXT
    if listed.confirmed_at is None or settled is None or not known:
        return []
    confirmed_before = sum(
        (
            r.amount
            for r in payment.refunds
            if r.status is RefundStatus.CONFIRMED and r.late_attempt == refund.late_attempt
        ),
        refund.amount.zero(),
    )
    back = fee_returned(settled.fee, settled.amount, confirmed_before, refund.amount)
    from_available = min(refund.amount, max(available, refund.amount.zero()))
    confirmed = e.RefundConfirmed(
        occurred_at=listed.confirmed_at,
        refund_id=refund.refund_id,
        amount=refund.amount,
        from_available=from_available,
        overdrawn=refund.amount - from_available,
        fee_returned=back.percentage,
        fee_tax_returned=back.tax,
        evidence=seen.evidence,
        late_attempt=refund.late_attempt,
    )
    if not refund.late_attempt or attempt.late is None:
        return [confirmed]
    returned = e.LatePaymentReturned(
        occurred_at=listed.confirmed_at,
        attempt=attempt.number,
        how="refunded",
        received=attempt.late,
    )
    return [confirmed, returned]

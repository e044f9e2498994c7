"""From what the gateway says to what we believe: an observation becomes the facts that are new, and nothing twice.

Observations may come late, twice and out of order; what the table of life has no row for changes nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from ledger.clock import business_date
from ledger.events import DomainEvent
from ledger.journal.tax import split
from ledger.money import Money
from ledger.payments import events as e
from ledger.payments import refunding
from ledger.payments.life import Status
from ledger.payments.methods import METHODS, Method, fee_for
from ledger.payments.payment import Attempt, Payment, evolve, may
from ledger.providers.port import ChargeStatus, Observation

Facts = Sequence[DomainEvent]

# midtrans.md 15 names no chargeback fee; 50,000 plus PPN is what books.md P9 works with. From 2025-01-01.
CHARGEBACK_FEE: Final = Money(50_000)
CHARGEBACK_FEE_TAX: Final = Money(5_500)

# What a paid attempt that we had given up on says of why it was over.
LATE_BECAUSE: Final = {
    Status.EXPIRED: "expired",
    Status.CANCELLED: "cancelled",
    Status.DENIED: "denied",
    Status.FAILED: "failed",
}


def observe(
    payment: Payment,
    attempt: Attempt,
    seen: Observation,
    now: datetime,
    available: Money | None = None,
) -> Facts:
    if payment.review:
        return []
    if seen.amount not in _expected(payment):
        return [_review(attempt, seen, now, "amount_differs", _differs(payment, seen))]
    if attempt is not payment.attempt or attempt.status in LATE_BECAUSE:
        return _late(payment, attempt, seen, now)
    facts: list[DomainEvent] = []
    for step in STEPS[seen.status]:
        state = _after(payment, facts)
        facts += step(state, attempt, seen, now)
    state = _after(payment, facts)
    return [*facts, *refunding.reconcile(state, seen, now, available or seen.amount.zero())]


def _after(payment: Payment, facts: Sequence[DomainEvent]) -> Payment:
    for fact in facts:
        payment = evolve(payment, fact)
    return payment


def _expected(payment: Payment) -> set[Money]:
    """What was asked for; after a partial capture, what was captured."""
    captured = payment.captured.amount if payment.captured else None
    return {
        amount
        for amount in (payment.request.amount, payment.capture_asked, captured)
        if amount is not None
    }


def _differs(payment: Payment, seen: Observation) -> str:
    return f"{payment.request.amount} was asked for, the gateway holds {seen.amount}"


def _review(
    attempt: Attempt, seen: Observation, now: datetime, rule: str, words: str
) -> e.ReviewRequested:
    return e.ReviewRequested(
        occurred_at=now,
        attempt=attempt.number,
        rule=rule,  # type: ignore[arg-type]
        words=words,
        evidence=seen.evidence,
    )


# ── one step an observed status; each gives facts only where the table of life has room for them ───────────────────


def _pending(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if not may(payment, e.ChargePending):
        return []
    return [
        e.ChargePending(
            occurred_at=now,
            attempt=attempt.number,
            transaction_id=seen.transaction_id,
            instructions=seen.instructions,
            expires_at=seen.expires_at,
            evidence=seen.evidence,
        )
    ]


def _challenged(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if not may(payment, e.ChargeChallenged):
        return []
    return [
        e.ChargeChallenged(
            occurred_at=now,
            attempt=attempt.number,
            transaction_id=seen.transaction_id,
            evidence=seen.evidence,
        )
    ]


def _authorised(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if not may(payment, e.ChargeAuthorised):
        return []
    return [
        e.ChargeAuthorised(
            occurred_at=now,
            attempt=attempt.number,
            transaction_id=seen.transaction_id,
            amount=seen.amount,
            evidence=seen.evidence,
        )
    ]


def _captured(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if not may(payment, e.PaymentCaptured):
        return []
    when = seen.occurred_at or now
    return [
        e.PaymentCaptured(
            occurred_at=when,
            attempt=attempt.number,
            transaction_id=seen.transaction_id,
            amount=seen.amount,
            due=seen.amount,
            share=split(seen.amount, business_date(when), payment.request.taxed),
            sale=payment.request.sale,
            evidence=seen.evidence,
        )
    ]


def _settled(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if not may(payment, e.PaymentSettled):
        return []
    when = seen.occurred_at or now
    fee = fee_for(_paid_by(attempt, seen), seen.amount, business_date(when))
    return [
        e.PaymentSettled(
            occurred_at=when,
            attempt=attempt.number,
            transaction_id=seen.transaction_id,
            amount=seen.amount,
            fee=fee,
            net=seen.amount - fee.total,
            evidence=seen.evidence,
        )
    ]


def _paid_by(attempt: Attempt, seen: Observation) -> Method:
    """A wallet's QR may be paid by another app; the gateway then calls it QRIS, and charges that fee (midtrans.md 4.5)."""
    by_qr = seen.evidence.said.get("payment_type") == "qris"
    return METHODS["qris" if by_qr else attempt.method]


def _denied(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if may(payment, e.ChargeDenied):
        return [
            e.ChargeDenied(
                occurred_at=now,
                attempt=attempt.number,
                code=seen.code or "denied",
                words=seen.words,
                evidence=seen.evidence,
            )
        ]
    return _taken_back(payment, attempt, seen, now)


def _taken_back(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    """Paid, and now denied, failed or expired: real for a few channels, for all others a person has to look."""
    if not may(payment, e.SettlementReversed) or payment.captured is None:
        return []
    reversible = METHODS[attempt.method].reversible or payment.status is Status.CAPTURED
    if not reversible or payment.refunding:
        return [
            _review(
                attempt, seen, now, "state_not_understood", f"was paid, is now {seen.status.value}"
            )
        ]
    return [
        e.SettlementReversed(
            occurred_at=now,
            attempt=attempt.number,
            captured=payment.captured,
            settled=payment.settled,
            evidence=seen.evidence,
        )
    ]


def _failed(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if not may(payment, e.ChargeFailed):
        return _taken_back(payment, attempt, seen, now)
    return [
        e.ChargeFailed(
            occurred_at=now,
            attempt=attempt.number,
            code=seen.code or "failure",
            words=seen.words,
        )
    ]


def _cancelled(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if not may(payment, e.ChargeCancelled):
        return _taken_back(payment, attempt, seen, now)
    return [
        e.ChargeCancelled(
            occurred_at=now,
            attempt=attempt.number,
            evidence=seen.evidence,
            captured=payment.captured,
        )
    ]


def _expired(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if not may(payment, e.ChargeExpired):
        return _taken_back(payment, attempt, seen, now)
    return [
        e.ChargeExpired(occurred_at=now, attempt=attempt.number, evidence=seen.evidence)
    ]


def _charged_back(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if not may(payment, e.ChargebackReceived):
        return []
    return [
        e.ChargebackReceived(
            occurred_at=now,
            amount=seen.chargeback or seen.amount,
            fee=CHARGEBACK_FEE,
            fee_tax=CHARGEBACK_FEE_TAX,
            evidence=seen.evidence,
        )
    ]


Step = Callable[[Payment, Attempt, Observation, datetime], Facts]

STEPS: Final[dict[ChargeStatus, tuple[Step, ...]]] = {
    ChargeStatus.PENDING: (_pending,),
    ChargeStatus.CHALLENGED: (_challenged,),
    ChargeStatus.AUTHORISED: (_authorised,),
    ChargeStatus.CAPTURED: (_captured,),
    ChargeStatus.SETTLED: (_captured, _settled),
    ChargeStatus.DENIED: (_denied,),
    ChargeStatus.FAILED: (_failed,),
    ChargeStatus.CANCELLED: (_cancelled,),
    ChargeStatus.EXPIRED: (_expired,),
    ChargeStatus.CHARGED_BACK: (_captured, _settled, _charged_back),
}


def _late(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    """Money on an attempt that is over: booked as the payer's own, whatever has become of the payment since."""
    paid = seen.status in (ChargeStatus.CAPTURED, ChargeStatus.SETTLED)
    if not paid or attempt.late or attempt.status not in LATE_BECAUSE:
        return []
    because = "paid_twice" if payment.captured else LATE_BECAUSE[attempt.status]
    return [
        e.LatePaymentReceived(
            occurred_at=seen.occurred_at or now,
            attempt=attempt.number,
            transaction_id=seen.transaction_id,
            amount=seen.amount,
            because=because,  # type: ignore[arg-type]
            evidence=seen.evidence,
        )
    ]

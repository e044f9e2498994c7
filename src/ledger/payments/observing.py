"""From what the gateway says to what we believe: an observation becomes the facts that are new, and
nothing twice.

Observations may come late, twice and out of order; what the table of life has no row for changes
nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from ledger.clock import business_date
from ledger.events import DomainEvent
from ledger.journal.tax import share_of
from ledger.money import Money
from ledger.payments import events as e
from ledger.payments import late, reconciling
from ledger.payments.folding import evolve
from ledger.payments.late import HAS_PAID, is_over, review
from ledger.payments.life import RefundStatus, Status
from ledger.payments.methods import METHODS, Method, fee_for, paid_by
from ledger.payments.payment import Attempt, Payment, may
from ledger.providers.port import ChargeStatus, Observation

Facts = Sequence[DomainEvent]

# midtrans.md 15 names no chargeback fee; 50,000 plus PPN is what books.md P9 works with. From
# 2025-01-01.
CHARGEBACK_FEE: Final = Money(50_000)
CHARGEBACK_FEE_TAX: Final = Money(5_500)


def observe(
    payment: Payment,
    attempt: Attempt,
    seen: Observation,
    now: datetime,
    available: Money | None = None,
    asked_at: datetime | None = None,
) -> Facts:
    """`asked_at`: when the gateway was asked what it holds; None: it is the answer to something else."""
    if seen.order_id != attempt.order_id:
        return [
            review(
                attempt,
                seen,
                now,
                "state_not_understood",
                f"the gateway spoke of order {seen.order_id}",
            )
        ]
    if seen.amount not in _expected(payment, attempt, seen):
        return [review(attempt, seen, now, "amount_differs", _differs(payment, seen))]
    if is_over(payment, attempt) or _is_another(payment, seen):
        held = available or seen.amount.zero()
        return late.beside(payment, attempt, seen, now, held, asked_at)
    if payment.status is Status.REVERSED and late.may_be_older(attempt, asked_at):
        return []
    state, facts = payment, list[DomainEvent]()
    for step in STEPS[seen.status]:
        news = step(state, attempt, seen, now)
        facts += news
        state = _after(state, news)
    if state.review:
        return facts
    facts += reconciling.reconcile(state, seen, now, available or seen.amount.zero())
    return [*facts, *(reconciling.withdrawn(payment, seen, now, asked_at) if asked_at else ())]


def attempt_of(payment: Payment, seen: Observation) -> Attempt:
    """The attempt that an answer is about, for a newer one may have begun since it was asked for."""
    return next((one for one in payment.attempts if one.order_id == seen.order_id), payment.attempt)


def _after(payment: Payment, facts: Facts) -> Payment:
    for fact in facts:
        payment = evolve(payment, fact)
    return payment


def _expected(payment: Payment, attempt: Attempt, seen: Observation) -> tuple[Money, ...]:
    """What was asked for. A capture may be of less: then that, once it is known, and nothing else
    settles.
    """
    asked, newest = payment.request.amount, attempt is payment.attempt
    tried = payment.captures_tried if newest else ()
    captured = payment.captured.amount if newest and payment.captured else None
    if seen.status not in HAS_PAID:
        return (asked, *tried, captured) if captured else (asked, *tried)
    if captured:
        return (captured,)
    return tried if newest and payment.capture_asked else (asked, *tried)


def _is_another(payment: Payment, seen: Observation) -> bool:
    """On a hosted page the payer may try several times: several transactions under one order id
    (midtrans.md 7.4).
    """
    captured = payment.captured
    told = captured.transaction_id if captured else ""  # an import may leave it out
    return told not in ("", seen.transaction_id)


def _differs(payment: Payment, seen: Observation) -> str:
    return f"{payment.request.amount} was asked for, the gateway holds {seen.amount}"


# ── one step an observed status; each gives facts only where the table of life has room for them
# ───────────────────


def _pending(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    """Said again only when an inquiry was faster than the answer to the charge, which alone tells
    how to pay.
    """
    told = attempt.instructions.kind != "none" or seen.instructions.kind == "none"
    if not may(payment, e.ChargePending) or (payment.status is Status.PENDING and told):
        return []
    return [
        e.ChargePending(
            occurred_at=now,
            attempt=attempt.number,
            transaction_id=seen.transaction_id,
            instructions=seen.instructions,
            expires_at=seen.expires_at
            or attempt.expires_at
            or _page_expires(payment, attempt, now),
            evidence=seen.evidence,
        )
    ]


def _page_expires(payment: Payment, attempt: Attempt, now: datetime) -> datetime | None:
    """The gateway does not say when a hosted page ends, so we count from its opening."""
    if not _hosted(attempt):
        return None
    seconds = payment.request.expires_after_seconds or METHODS[attempt.method].expiry_seconds
    return now + timedelta(seconds=seconds)


def _hosted(attempt: Attempt) -> bool:
    return METHODS[attempt.method].mapping.api == "snap"


def _page_is_open(payment: Payment, attempt: Attempt, now: datetime) -> bool:
    """A refusal under an open page is not the last word: the payer may try again there, under the
    same order id. The answer that told of the page may have been lost.
    """
    expires_at = attempt.expires_at
    if expires_at is None and attempt.sent_at:
        expires_at = _page_expires(payment, attempt, attempt.sent_at)
    return _hosted(attempt) and expires_at is not None and now <= expires_at


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
    if payment.status is Status.REVERSED:
        return [
            review(
                attempt,
                seen,
                now,
                "state_not_understood",
                f"was reversed, is now {seen.status.value}",
            )
        ]
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
            share=share_of(payment.request, seen.amount, business_date(when)),
            sale=payment.request.sale,
            evidence=seen.evidence,
        )
    ]


def _settled(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if not may(payment, e.PaymentSettled):
        return []
    when = seen.occurred_at or now
    fee = fee_for(_how_paid(attempt, seen), seen.amount, business_date(when))
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


def _how_paid(attempt: Attempt, seen: Observation) -> Method:
    return paid_by(attempt.method, seen.evidence.said.get("payment_type", ""))


def _denied(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if may(payment, e.ChargeDenied) and _page_is_open(payment, attempt, now):
        return []
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
    """Paid, and now not: a denial is real for a few channels (midtrans.md 11.1), for the rest a
    person has to look.
    """
    captured = payment.captured
    if not may(payment, e.SettlementReversed) or captured is None:
        return []
    reversible = METHODS[attempt.method].reversible or payment.status is Status.CAPTURED
    if seen.status is not ChargeStatus.DENIED or not reversible or payment.refunding:
        return [
            review(
                attempt, seen, now, "state_not_understood", f"was paid, is now {seen.status.value}"
            )
        ]
    return [
        e.SettlementReversed(
            occurred_at=now,
            attempt=attempt.number,
            captured=captured,
            settled=payment.settled,
            evidence=seen.evidence,
        )
    ]


def _failed(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if may(payment, e.ChargeFailed) and _page_is_open(payment, attempt, now):
        return []
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
        return []
    return [e.ChargeExpired(occurred_at=now, attempt=attempt.number, evidence=seen.evidence)]


def _charged_back(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    """What was refunded cannot be disputed as well: how much the bank then takes, only a person can
    find out.
    """
    if not may(payment, e.ChargebackReceived):
        return []
    unsent = [refund for refund in payment.own_refunds if refund.status is RefundStatus.REQUESTED]
    left = payment.refundable + sum((refund.amount for refund in unsent), seen.amount.zero())
    disputed = seen.chargeback
    if disputed is None or disputed > left:
        words = f"charged back: {disputed or 'an untold amount'}, of which {left} was not refunded"
        return [review(attempt, seen, now, "state_not_understood", words)]
    return [
        e.ChargebackReceived(
            occurred_at=now,
            amount=disputed,
            fee=CHARGEBACK_FEE,
            fee_tax=CHARGEBACK_FEE_TAX,
            evidence=seen.evidence,
        ),
        *reconciling.unsent_after_chargeback(unsent, now),
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

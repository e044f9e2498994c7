"""Attempts that are over: what the gateway shows of them nevertheless, and how it is undone.

Nothing that was given up may end with a payer's money and nobody who knows: a charge that nobody has
paid yet is cancelled, money is booked as the payer's own and goes back, and where the gateway cannot
send it back a person is asked to (reliability.md 4.2).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from ledger.clock import business_date
from ledger.events import DomainEvent
from ledger.identity import REFUND, derived_id
from ledger.money import Money
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments import reconciling
from ledger.payments.folding import evolve
from ledger.payments.life import LIVE, OPEN_REFUND, Status
from ledger.payments.methods import fee_for, paid_by
from ledger.payments.payment import Attempt, Payment
from ledger.providers.port import NEVER_SEEN, ChargeStatus, Did, DidNot, Observation, Outcome

Facts = Sequence[DomainEvent]
Because = Literal["expired", "cancelled", "denied", "failed", "paid_twice"]

# What a paid attempt that we had given up on says of why it was over.
LATE_BECAUSE: Final[dict[Status, Because]] = {
    Status.EXPIRED: "expired",
    Status.CANCELLED: "cancelled",
    Status.DENIED: "denied",
    Status.FAILED: "failed",
}

PAID: Final = (ChargeStatus.CAPTURED, ChargeStatus.SETTLED)
HAS_PAID: Final = (*PAID, ChargeStatus.CHARGED_BACK)
UNPAID: Final = (ChargeStatus.PENDING, ChargeStatus.CHALLENGED, ChargeStatus.AUTHORISED)
# Of money that came late. Not among them: expired, which may be paid after all, never the other way.
TAKEN_BACK: Final = (ChargeStatus.DENIED, ChargeStatus.FAILED, ChargeStatus.CHARGED_BACK)
WITHOUT_MONEY: Final = (
    ChargeStatus.DENIED,
    ChargeStatus.FAILED,
    ChargeStatus.CANCELLED,
    ChargeStatus.EXPIRED,
)
# What a cancel at the gateway can still undo.
CANCELLABLE: Final = (*UNPAID, ChargeStatus.CAPTURED)

PAID_LATE: Final = "It was paid when it was over."


def is_over(payment: Payment, attempt: Attempt) -> bool:
    return attempt is not payment.attempt or attempt.status in LATE_BECAUSE


def beside(
    payment: Payment,
    attempt: Attempt,
    seen: Observation,
    now: datetime,
    available: Money,
    asked_at: datetime | None,
) -> Facts:
    """What is new about an attempt that is over, or about a second payment under a paid one.

    Asked before it was over, or not asked for at all (`asked_at` None), an answer may be older than
    what ended it: then it is a reason to ask again, and no more.
    """
    if attempt.late and seen.status in TAKEN_BACK:
        words = f"was paid late, is now {seen.status.value}"
        return [review(attempt, seen, now, "state_not_understood", words)]
    if seen.status in UNPAID:
        return _stray(attempt, seen, now)
    if seen.status in WITHOUT_MONEY:
        return _undone(attempt, seen, now)
    if seen.status not in PAID:
        return []
    if may_be_older(attempt, asked_at):
        return _stray(attempt, seen, now)
    facts = _money(payment, attempt, seen, now)
    for fact in facts:
        payment = evolve(payment, fact)
    facts = [*facts, *reconciling.reconcile(payment, seen, now, available)]
    return [*facts, *(reconciling.withdrawn(payment, seen, now, asked_at) if asked_at else ())]


def may_be_older(attempt: Attempt, asked_at: datetime | None) -> bool:
    """Than what ended the attempt, as an answer may be that was long on its way."""
    ended_at = attempt.ended_at
    return ended_at is not None and (asked_at is None or asked_at < ended_at)


def _stray(attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    if attempt.status not in LATE_BECAUSE or attempt.stray or attempt.late:
        return []
    return [
        e.StrayChargeFound(
            occurred_at=now,
            attempt=attempt.number,
            transaction_id=seen.transaction_id,
            evidence=seen.evidence,
        )
    ]


def _undone(attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    late = attempt.late
    if late and not attempt.returned and seen.status is ChargeStatus.CANCELLED:
        if attempt.late_settled:
            words = "late money was settled, and is now cancelled"
            return [review(attempt, seen, now, "state_not_understood", words)]
        return [
            e.LatePaymentReturned(
                occurred_at=now, attempt=attempt.number, how="cancelled", received=late
            )
        ]
    return [_closed(attempt, now)] if attempt.stray else []


def _money(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    facts: list[DomainEvent] = []
    if attempt.late is None or attempt.late.transaction_id != seen.transaction_id:
        if attempt.late and not attempt.returned:
            words = "another payment came in while the first late one is being sent back"
            return [review(attempt, seen, now, "state_not_understood", words)]
        facts.append(
            e.LatePaymentReceived(
                occurred_at=seen.occurred_at or now,
                attempt=attempt.number,
                transaction_id=seen.transaction_id,
                amount=seen.amount,
                because=_because(payment, attempt),
                evidence=seen.evidence,
            )
        )
    if seen.status is not ChargeStatus.SETTLED or (attempt.late_settled and not facts):
        return facts
    return [*facts, _settled(attempt, seen, now), *give_back(payment, attempt, seen, now)]


def _settled(attempt: Attempt, seen: Observation, now: datetime) -> e.LatePaymentSettled:
    when = seen.occurred_at or now
    how = paid_by(attempt.method, seen.evidence.said.get("payment_type", ""))
    fee = fee_for(how, seen.amount, business_date(when))
    return e.LatePaymentSettled(
        occurred_at=when,
        attempt=attempt.number,
        amount=seen.amount,
        fee=fee,
        net=seen.amount - fee.total,
        evidence=seen.evidence,
    )


def give_back(payment: Payment, attempt: Attempt, seen: Observation, now: datetime) -> Facts:
    """By a refund through the gateway, or else by a person."""
    how = paid_by(attempt.method, seen.evidence.said.get("payment_type", ""))
    if how.refund.allowed == "none":
        return [reconciling.ask_to_return(attempt.number, now, f"{how.name} cannot be refunded.")]
    return [
        e.RefundRequested(
            occurred_at=now,
            refund_id=f"{REFUND}_{derived_id(attempt.order_id, seen.transaction_id)[:26]}",
            amount=seen.amount,
            reason=PAID_LATE,
            late_attempt=attempt.number,
        )
    ]


def nothing_more(payment: Payment, attempt: Attempt, command: c.RecordInquiry) -> Facts:
    """Its watch is over, the gateway has answered, and nothing is left to be done."""
    over = attempt.watch_until is not None and command.now >= attempt.watch_until
    if not over or not is_answer(command.outcome) or _is_live(payment, attempt):
        return []
    waits = bool(attempt.stray) or (attempt.late is not None and not attempt.returned)
    refunding_it = any(
        refund.status in OPEN_REFUND
        for refund in payment.refunds
        if payment.attempt_refunded_by(refund).number == attempt.number
    )
    return [] if waits or refunding_it else [_closed(attempt, command.now)]


def is_to_be_cancelled(attempt: Attempt, seen: Observation) -> bool:
    """Begun or paid after all, and a cancel can still undo it."""
    late = attempt.late is not None and attempt.late.transaction_id == seen.transaction_id
    unreturned = late and not attempt.returned
    return seen.status in CANCELLABLE and (bool(attempt.stray) or unreturned)


def is_answer(outcome: Outcome, told_of: str = "") -> bool:
    """The gateway said what it holds, or that it holds nothing; but not of a transaction that it had
    told of: that is not shown yet, or not shown now.
    """
    if isinstance(outcome, DidNot):
        return outcome.code == NEVER_SEEN and not told_of
    return isinstance(outcome, Did)


def _is_live(payment: Payment, attempt: Attempt) -> bool:
    return attempt is payment.attempt and payment.status in LIVE


def _closed(attempt: Attempt, now: datetime) -> e.AttemptClosed:
    return e.AttemptClosed(occurred_at=now, attempt=attempt.number)


def watch_from(attempt: Attempt, now: datetime) -> datetime | None:
    """What was sent may still arrive, however late; what was never sent needs no watch."""
    return now + timedelta(minutes=10) if attempt.sendings else None


def review(
    attempt: Attempt,
    seen: Observation,
    now: datetime,
    rule: Literal["amount_differs", "state_not_understood"],
    words: str,
) -> e.ReviewRequested:
    return e.ReviewRequested(
        occurred_at=now,
        attempt=attempt.number,
        rule=rule,
        words=words,
        evidence=seen.evidence,
    )


def _because(payment: Payment, attempt: Attempt) -> Because:
    replaced = attempt is not payment.attempt and payment.status in LIVE
    return "paid_twice" if payment.captured or replaced else LATE_BECAUSE[attempt.status]

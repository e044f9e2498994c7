"""What only a person can settle: which questions there are, who may answer how, and what follows.

An answer counts once a second person has given the same (reliability.md 4.10); only to look again
needs no second one. A question that the gateway answers meanwhile is closed by that.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ledger.access.second_person import SecondPersonNeeded
from ledger.clock import business_date
from ledger.errors import NotFound, Rejected
from ledger.events import DomainEvent
from ledger.journal.tax import share_of
from ledger.money import Money
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments import observing
from ledger.payments.folding import CLOSE, evolve
from ledger.payments.late import HAS_PAID, watch_from
from ledger.payments.life import RefundStatus, Status
from ledger.payments.payment import Attempt, Payment, Question
from ledger.payments.review_events import (
    DecisionNeeded,
    QuestionAnswered,
    ReviewDecided,
    ReviewProposed,
)
from ledger.providers.port import Did

Facts = Sequence[DomainEvent]

UNKNOWN_FOR: Final = timedelta(hours=24)  # reliability.md 4.2: then a person is asked, too
FORGIVEN: Final = Money(100)  # books.md P14: a shortfall up to this is rounding


class ReviewNotOpen(NotFound):
    code = "review_not_open"
    title = "Nobody asked this question of the payment, or it is answered."


class DecisionNotAllowed(Rejected):
    code = "decision_not_allowed"
    title = "This is no answer to that question."


def look_again(payment: Payment, question: Question, command: c.DecideReview) -> Facts:
    """Nothing but to ask the gateway, as the event says by itself."""
    return []


def accept_amount(payment: Payment, question: Question, command: c.DecideReview) -> Facts:
    """What the gateway holds is what was paid: more than was due is the payer's, less is all there
    will be.
    """
    seen = command.outcome.observation if isinstance(command.outcome, Did) else None
    attempt = payment.attempt
    if seen is None or seen.order_id != attempt.order_id or seen.status not in HAS_PAID:
        raise DecisionNotAllowed("The gateway does not say now that this payment is paid.")
    if payment.captured or not seen.amount.minor:
        raise DecisionNotAllowed("Its amount was accepted before, and is another now.")
    when = seen.occurred_at or command.now
    asked = payment.request.amount
    short = asked - seen.amount
    rounding = short if seen.amount.zero() < short <= FORGIVEN else seen.amount.zero()
    due = asked if rounding or not short.minor > 0 else seen.amount
    captured = e.PaymentCaptured(
        occurred_at=when,
        attempt=attempt.number,
        transaction_id=seen.transaction_id,
        amount=seen.amount,
        due=due,
        share=share_of(payment.request, due, business_date(when)),
        sale=payment.request.sale,
        evidence=seen.evidence,
        rounding=rounding,
    )
    taken = evolve(payment, captured)
    return [captured, *observing.observe(taken, taken.attempt, seen, command.now)]


def not_charged(payment: Payment, question: Question, command: c.DecideReview) -> Facts:
    """A named person knows that nothing was charged. It stays watched all the same."""
    attempt = payment.attempt
    return [
        e.PaymentAbandoned(
            occurred_at=command.now,
            attempt=attempt.number,
            reason=command.reason,
            watch_from=watch_from(attempt, command.now),
        )
    ]


def not_refunded(payment: Payment, question: Question, command: c.DecideReview) -> Facts:
    return [
        e.RefundFailed(
            occurred_at=command.now,
            refund_id=question.subject,
            code="decided_by_person",
            words=command.reason,
        )
    ]


def returned(payment: Payment, question: Question, command: c.DecideReview) -> Facts:
    """The reason says how: a transfer's reference, for one."""
    attempt = payment.find_attempt(int(question.subject))
    if attempt is None or attempt.late is None or attempt.returned:
        raise DecisionNotAllowed("There is no late money left to return.")
    return [
        e.LatePaymentReturned(
            occurred_at=command.now, attempt=attempt.number, how="by_hand", received=attempt.late
        )
    ]


Consequence = Callable[[Payment, Question, c.DecideReview], Facts]


class Decision(NamedTuple):
    name: str
    consequence: Consequence
    persons: int
    words: str


LOOK_AGAIN: Final = Decision(
    "look_again", look_again, 1, "ask the gateway again, and believe what it says"
)
CLOSED: Final = Decision(
    CLOSE, look_again, 2, "nothing of it is done by the machine any more; a person has settled it"
)

# Rule of the question → what may be decided. The first four freeze the payment.
DECISIONS: Final[dict[str, tuple[Decision, ...]]] = {
    "amount_differs": (
        LOOK_AGAIN,
        Decision("accept_amount", accept_amount, 2, "what the gateway holds is what was paid"),
        CLOSED,
    ),
    "refund_not_ours": (LOOK_AGAIN, CLOSED),
    "state_not_understood": (LOOK_AGAIN, CLOSED),
    "outcome_unknown": (
        LOOK_AGAIN,
        Decision("not_charged", not_charged, 2, "give it up; it stays watched for seven days"),
    ),
    "refund_unknown": (
        LOOK_AGAIN,
        Decision("not_refunded", not_refunded, 2, "the refund has failed"),
    ),
    "late_payment": (Decision("returned", returned, 2, "the money has gone back by transfer"),),
}


def decide_review(payment: Payment, command: c.DecideReview) -> Facts:
    """Raises ReviewNotOpen, DecisionNotAllowed or SecondPersonNeeded."""
    payment.request  # noqa: B018  raises on an empty stream
    question = _question(payment, command)
    decision = _decision(question.rule, command.decision)
    facts = decision.consequence(payment, question, command)  # refuses what cannot be, at once
    proposed = question.proposed
    if decision.persons > 1 and (proposed is None or proposed.decision != decision.name):
        return [_proposal(question, command)]
    if decision.persons > 1 and proposed and proposed.by == command.by:
        raise SecondPersonNeeded(proposed_by=proposed.by)
    decided = ReviewDecided(
        occurred_at=command.now,
        rule=question.rule,
        subject=question.subject,
        decision=decision.name,
        attempt=_attempt(payment, question).number,
        by=command.by,
        proposed_by=proposed.by if proposed and decision.persons > 1 else "",
        reason=command.reason,
        look_at=None if decision.name == CLOSE else command.now,
    )
    return [decided, *facts]


def _question(payment: Payment, command: c.DecideReview) -> Question:
    """The one that is meant; what is left out must leave no choice."""
    meant = [
        one
        for one in payment.questions
        if command.rule in ("", one.rule) and command.subject in ("", one.subject)
    ]
    if len(meant) == 1:
        return meant[0]
    asked = [f"{one.rule} {one.subject}" for one in payment.questions]
    if meant:
        raise DecisionNotAllowed(f"Say which question is meant: {', '.join(asked)}.", open=asked)
    raise ReviewNotOpen(open=asked)


def _decision(rule: str, name: str) -> Decision:
    for decision in DECISIONS[rule]:
        if decision.name == name:
            return decision
    allowed = [decision.name for decision in DECISIONS[rule]]
    raise DecisionNotAllowed(f"Allowed: {', '.join(allowed)}.", allowed=allowed)


def _proposal(question: Question, command: c.DecideReview) -> ReviewProposed:
    return ReviewProposed(
        occurred_at=command.now,
        rule=question.rule,
        subject=question.subject,
        decision=command.decision,
        by=command.by,
        reason=command.reason,
    )


def _attempt(payment: Payment, question: Question) -> Attempt:
    number = int(question.subject) if question.subject.isdecimal() else 0
    refund = payment.find_refund(question.subject)
    if refund:
        return payment.attempt_refunded_by(refund)
    return payment.find_attempt(number) or payment.attempt


def unanswered(payment: Payment, attempt: Attempt, command: c.RecordInquiry) -> Facts:
    """What has been unknown for a day is asked of a person, too; the gateway goes on being asked."""
    facts: list[DomainEvent] = []
    if payment.status is Status.UNKNOWN and attempt is payment.attempt:
        facts += _ask(
            payment, "outcome_unknown", str(attempt.number), attempt.unknown_since, command
        )
    for refund in payment.refunds:
        ours = payment.attempt_refunded_by(refund).number == attempt.number
        if refund.status is RefundStatus.UNKNOWN and ours:
            facts += _ask(
                payment, "refund_unknown", refund.refund_id, refund.unknown_since, command
            )
    return facts


def _ask(
    payment: Payment,
    rule: str,
    subject: str,
    since: datetime | None,
    command: c.RecordInquiry,
) -> Facts:
    if since is None or command.now < since + UNKNOWN_FOR or payment.find_question(rule, subject):
        return []
    words = f"The gateway has given no answer since {since.isoformat(timespec='seconds')}."
    return [DecisionNeeded(occurred_at=command.now, rule=rule, subject=subject, words=words)]  # type: ignore[arg-type]


def answered(payment: Payment, facts: Facts, now: datetime) -> Sequence[QuestionAnswered]:
    """Questions of the payment that the new facts have answered."""
    after = payment
    for fact in facts:
        after = evolve(after, fact)
    return [
        QuestionAnswered(occurred_at=now, rule=question.rule, subject=question.subject)
        for question in after.questions
        if _is_moot(after, question)
    ]


def _is_moot(payment: Payment, question: Question) -> bool:
    match question.rule:
        case "outcome_unknown":
            attempt = payment.attempt
            known = payment.status not in (Status.UNKNOWN, Status.DISPATCHED)
            return known or str(attempt.number) != question.subject
        case "refund_unknown":
            refund = payment.find_refund(question.subject)
            doubts = (RefundStatus.UNKNOWN, RefundStatus.DISPATCHED)
            return refund is None or refund.status not in doubts
        case "late_payment":
            late = payment.find_attempt(int(question.subject))
            return late is None or late.returned
        case _:
            return False

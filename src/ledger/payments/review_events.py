"""What only a person can settle: questions, answers, and the second person's yes."""

from datetime import datetime
from typing import Final, Literal

from ledger.events import DomainEvent

# Rules of ReviewRequested: until a person has decided, nothing of the payment moves.
FREEZING: Final = ("amount_differs", "refund_not_ours", "state_not_understood")


class DecisionNeeded(DomainEvent, topic="payment.decision_needed.v1"):
    """A person has to decide, and the payment goes on meanwhile. `subject` is an attempt's number or a
    refund's id.
    """

    rule: Literal["outcome_unknown", "refund_unknown", "late_payment"]
    subject: str
    words: str


class ReviewProposed(DomainEvent, topic="payment.review_proposed.v1"):
    """One person's answer to an open question; it counts once another person gives the same."""

    rule: str
    subject: str
    decision: str
    by: str
    reason: str


class ReviewDecided(DomainEvent, topic="payment.review_decided.v1"):
    """A question is closed; what follows from it stands beside it in the same append."""

    rule: str
    subject: str
    decision: str
    attempt: int
    by: str
    proposed_by: str
    reason: str
    look_at: datetime | None  # when the gateway is asked again; None: not any more


class QuestionAnswered(DomainEvent, topic="payment.question_answered.v1"):
    """The gateway has answered what a person was to decide."""

    rule: str
    subject: str

"""A payment: its state, and what may happen next.

How facts move it is in folding.py; what is decided, in charging.py, aftercare.py, refunding.py,
late.py and reviewing.py; the tables of its life are in life.py.
"""

from datetime import datetime, timedelta

import msgspec

from ledger.errors import Conflict, NotFound
from ledger.events import DomainEvent
from ledger.money import Money
from ledger.payments import events as e
from ledger.payments.life import NEXT, RefundStatus, Status
from ledger.payments.review_events import ReviewProposed

S = Status
R = RefundStatus


class PaymentNotFound(NotFound):
    code = "payment_not_found"
    title = "There is no payment under this id."


class PaymentStateForbids(Conflict):
    code = "payment_state_forbids"
    title = "The payment is in a state in which this is not possible."


class PaymentUnderReview(Conflict):
    code = "payment_under_review"
    title = "The payment is frozen until a person has looked at it."


class Attempt(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One try to be paid by one method under one order id of its own."""

    number: int
    order_id: str
    method: str
    why: e.RoutingReason
    status: Status = S.REQUESTED
    sendings: int = 0
    retries: int = 0
    not_before: datetime | None = None
    sent_at: datetime | None = None
    transaction_id: str = ""
    instructions: e.Instructions = e.Instructions(kind="none")
    expires_at: datetime | None = None
    unknown_since: datetime | None = None
    failure: str = ""
    failure_words: str = ""
    # Once it is over: what came in nevertheless, and until when somebody asks.
    ended_at: datetime | None = None
    stray: str = ""  # a transaction that was spoken of
    late: e.LatePaymentReceived | None = None
    late_settled: e.LatePaymentSettled | None = None
    returned: bool = False
    watch_until: datetime | None = None

    @property
    def spoken_of(self) -> str:
        """The transaction that came to life after it was over: some are found by that name alone."""
        return self.stray or (self.late.transaction_id if self.late else "")


class Question(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a person has to decide; `proposed` is what the first of two said."""

    rule: str
    subject: str
    proposed: ReviewProposed | None = None


class Refund(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    refund_id: str
    amount: Money
    reason: str
    requested_at: datetime
    late_attempt: int = 0  # whose late money it gives back; 0: the payment's own
    status: RefundStatus = R.REQUESTED
    sendings: int = 0
    retries: int = 0
    not_before: datetime | None = None
    sent_at: datetime | None = None
    unknown_since: datetime | None = None
    accepted: e.RefundAccepted | None = None
    failure: str = ""
    failure_words: str = ""


class Payment(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    status: Status = S.NEW
    requested: e.PaymentRequested | None = None
    attempts: tuple[Attempt, ...] = ()
    captured: e.PaymentCaptured | None = None
    settled: e.PaymentSettled | None = None
    refunds: tuple[Refund, ...] = ()
    authorised: Money | None = None
    capture_asked: Money | None = None
    captures_tried: tuple[
        Money, ...
    ] = ()  # a refusal of a repeated capture does not prove that none was made
    cancel_asked: bool = False
    charged_back: Money | None = None
    review: str = ""  # why it is frozen
    questions: tuple[Question, ...] = ()
    requested_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def request(self) -> e.PaymentRequested:
        """What was asked for; raises PaymentNotFound on an empty stream."""
        if self.requested is None:
            raise PaymentNotFound()
        return self.requested

    @property
    def attempt(self) -> Attempt:
        """The newest attempt; at most this one is live."""
        self.request  # noqa: B018  raises on an empty stream
        return self.attempts[-1]

    @property
    def own_refunds(self) -> tuple[Refund, ...]:
        """Those of the payment itself, without the ones that give late money back."""
        return tuple(refund for refund in self.refunds if not refund.late_attempt)

    @property
    def refunding(self) -> Money:
        """All refunds that have not failed, so that racing ones cannot exceed what was captured."""
        return sum(
            (refund.amount for refund in self.own_refunds if refund.status is not R.FAILED),
            self.request.amount.zero(),
        )

    @property
    def refunded(self) -> Money:
        return sum(
            (
                refund.amount
                for refund in self.own_refunds
                if refund.status in (R.ACCEPTED, R.CONFIRMED)
            ),
            self.request.amount.zero(),
        )

    @property
    def refundable(self) -> Money:
        if self.settled is None or self.status is not S.SETTLED:
            return self.request.amount.zero()
        return self.settled.amount - self.refunding

    @property
    def public_status(self) -> str:
        """The word for callers: refunds show once the gateway has accepted them."""
        if self.status is not S.SETTLED or not self.refunded:
            return self.status.value
        whole = self.settled and self.refunded == self.settled.amount
        return "refunded" if whole else "partially_refunded"

    def find_refund(self, refund_id: str) -> Refund | None:
        return next((refund for refund in self.refunds if refund.refund_id == refund_id), None)

    def find_attempt(self, number: int) -> Attempt | None:
        return next((attempt for attempt in self.attempts if attempt.number == number), None)

    def attempt_refunded_by(self, refund: Refund) -> Attempt:
        """The one whose money it gives back."""
        return self.find_attempt(refund.late_attempt) or self.attempt

    def find_question(self, rule: str, subject: str) -> Question | None:
        found = (q for q in self.questions if (q.rule, q.subject) == (rule, subject))
        return next(found, None)


def may(payment: Payment, event: type[DomainEvent]) -> bool:
    return (payment.status, event) in NEXT


def require(payment: Payment, event: type[DomainEvent]) -> None:
    """Raises PaymentNotFound on an empty stream, PaymentUnderReview, or PaymentStateForbids without
    such a row.
    """
    if payment.status is S.NEW and not may(payment, event):
        raise PaymentNotFound()
    require_not_frozen(payment)
    if not may(payment, event):
        raise PaymentStateForbids(
            f"This is not possible while the payment is {payment.public_status}.",
            payment_status=payment.public_status,
        )


def require_not_frozen(payment: Payment) -> None:
    """Raises PaymentUnderReview."""
    if payment.review:
        raise PaymentUnderReview(rule=payment.review)


def require_lost(sent_at: datetime | None, now: datetime, lost_after_seconds: float | None) -> None:
    """What may be under way is not sent again: only after the gateway said it never saw it, long
    after we sent it.
    """
    if lost_after_seconds is None or sent_at is None:
        raise PaymentStateForbids("Its outcome is not known; the gateway has to be asked first.")
    if now < sent_at + timedelta(seconds=lost_after_seconds):
        raise PaymentStateForbids("The first sending may still be on its way.")

"""A payment: its state, and how each fact moves it.

What may happen next is decided in charging.py, aftercare.py and refunding.py; the tables of its
life are in life.py.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ledger.errors import Conflict, NotFound
from ledger.events import DomainEvent
from ledger.money import Money
from ledger.payments import events as e
from ledger.payments.life import NEXT, REFUND_NEXT, RefundStatus, Status

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


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
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
    late: bool = False
    failure: str = ""
    failure_words: str = ""


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    refund_id: str
    amount: Money
    reason: str
    requested_at: datetime
    status: RefundStatus = R.REQUESTED
    sendings: int = 0
    retries: int = 0
    not_before: datetime | None = None
    sent_at: datetime | None = None
    accepted: e.RefundAccepted | None = None
    failure: str = ""
    failure_words: str = ""


class Payment(msgspec.Struct, frozen=True, kw_only=True):
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
    review: str = ""
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
    def refunding(self) -> Money:
        """All refunds that have not failed, so that racing ones cannot exceed what was captured."""
        return sum(
            (refund.amount for refund in self.refunds if refund.status is not R.FAILED),
            self.request.amount.zero(),
        )

    @property
    def refunded(self) -> Money:
        return sum(
            (
                refund.amount
                for refund in self.refunds
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


def may(payment: Payment, event: type[DomainEvent]) -> bool:
    return (payment.status, event) in NEXT


def require(payment: Payment, event: type[DomainEvent]) -> None:
    """Raises PaymentNotFound on an empty stream, PaymentUnderReview, or PaymentStateForbids without
    such a row.
    """
    if payment.status is S.NEW and not may(payment, event):
        raise PaymentNotFound()
    if payment.review:
        raise PaymentUnderReview(rule=payment.review)
    if not may(payment, event):
        raise PaymentStateForbids(
            f"This is not possible while the payment is {payment.public_status}.",
            payment_status=payment.public_status,
        )


def require_lost(sent_at: datetime | None, now: datetime, lost_after_seconds: float | None) -> None:
    """What may be under way is not sent again: only after the gateway said it never saw it, long
    after we sent it.
    """
    if lost_after_seconds is None or sent_at is None:
        raise PaymentStateForbids("Its outcome is not known; the gateway has to be asked first.")
    if now < sent_at + timedelta(seconds=lost_after_seconds):
        raise PaymentStateForbids("The first sending may still be on its way.")


def evolve(payment: Payment, event: DomainEvent) -> Payment:
    if type(event) not in EFFECTS:
        return payment  # journal entries and kinds of later versions leave the payment as it is
    moved = replace(
        payment,
        status=NEXT.get((payment.status, type(event)), payment.status),
        # The gateway tells some things later than they happened.
        updated_at=max(event.occurred_at, payment.updated_at or event.occurred_at),
    )
    return EFFECTS[type(event)](moved, event)


def _on_attempt(payment: Payment, number: int, **changes: object) -> Payment:
    return replace(
        payment,
        attempts=tuple(
            replace(attempt, **changes) if attempt.number == number else attempt
            for attempt in payment.attempts
        ),
    )


def _on_refund(payment: Payment, event: DomainEvent, refund_id: str, **changes: object) -> Payment:
    return replace(
        payment,
        refunds=tuple(
            replace(
                refund,
                status=REFUND_NEXT.get((refund.status, type(event)), refund.status),
                **changes,
            )
            if refund.refund_id == refund_id
            else refund
            for refund in payment.refunds
        ),
    )


def _requested(payment: Payment, event: e.PaymentRequested) -> Payment:
    return replace(payment, requested=event, requested_at=event.occurred_at)


def _attempt_started(payment: Payment, event: e.AttemptStarted) -> Payment:
    started = Attempt(
        number=event.attempt, order_id=event.order_id, method=event.method, why=event.why
    )
    return replace(
        payment,
        attempts=(*payment.attempts, started),
        authorised=None,
        captures_tried=(),
        cancel_asked=False,
    )


def _dispatched(payment: Payment, event: e.ChargeDispatched) -> Payment:
    return _on_attempt(
        payment,
        event.attempt,
        status=payment.status,
        sendings=event.sending,
        sent_at=event.occurred_at,
        not_before=None,
    )


def _retry_scheduled(payment: Payment, event: e.ChargeRetryScheduled) -> Payment:
    return _on_attempt(
        payment,
        event.attempt,
        status=payment.status,
        retries=event.retry,
        not_before=event.not_before,
        failure=event.cause,
        failure_words=event.detail,
    )


def _pending(payment: Payment, event: e.ChargePending) -> Payment:
    return _on_attempt(
        payment,
        event.attempt,
        status=payment.status,
        transaction_id=event.transaction_id,
        instructions=event.instructions,
        expires_at=event.expires_at,
        failure="",
        failure_words="",
    )


def _authorised(payment: Payment, event: e.ChargeAuthorised) -> Payment:
    moved = _on_attempt(
        payment, event.attempt, status=payment.status, transaction_id=event.transaction_id
    )
    return replace(moved, authorised=event.amount)


def _captured(payment: Payment, event: e.PaymentCaptured) -> Payment:
    moved = _on_attempt(
        payment, event.attempt, status=payment.status, transaction_id=event.transaction_id
    )
    return replace(moved, captured=event, capture_asked=None)


def _ended(payment: Payment, event: DomainEvent) -> Payment:
    """Denied, failed, expired, cancelled: the attempt is over, its order id burnt, and nothing is
    asked of it.
    """
    moved = _on_attempt(
        payment,
        event.attempt,  # type: ignore[attr-defined]
        status=payment.status,
        failure=getattr(event, "code", ""),
        failure_words=getattr(event, "words", ""),
    )
    return replace(moved, cancel_asked=False, capture_asked=None)


def _cancelled(payment: Payment, event: e.ChargeCancelled) -> Payment:
    return replace(_ended(payment, event), captured=None)


def _reversed(payment: Payment, event: e.SettlementReversed) -> Payment:
    return replace(_ended(payment, event), captured=None, settled=None)


def _refund_requested(payment: Payment, event: e.RefundRequested) -> Payment:
    refund = Refund(
        refund_id=event.refund_id,
        amount=event.amount,
        reason=event.reason,
        requested_at=event.occurred_at,
    )
    return replace(payment, refunds=(*payment.refunds, refund))


def _imported(payment: Payment, event: e.PaymentImported) -> Payment:
    """As if it had been requested, captured and settled here, in one attempt that nobody of us sent."""
    nothing_said = e.Evidence(source="inquiry", digest="")
    attempt = Attempt(
        number=1,
        order_id=event.order_id,
        method=event.method,
        why=e.RoutingReason(rule="asked", words="It was taken by another system."),
        status=payment.status,
        transaction_id=event.transaction_id,
    )
    place: dict[str, Any] = {
        "occurred_at": event.occurred_at,
        "attempt": 1,
        "transaction_id": event.transaction_id,
        "amount": event.amount,
        "evidence": nothing_said,
    }
    return replace(
        payment,
        requested=e.PaymentRequested(
            occurred_at=event.occurred_at,
            payment_id=event.payment_id,
            amount=event.amount,
            requested_method=event.method,
            sale=event.sale,
            taxed=event.taxed,
            subscription_id=event.subscription_id,
            customer_id=event.customer_id,
            metadata=event.metadata,
        ),
        attempts=(attempt,),
        captured=e.PaymentCaptured(due=event.amount, share=event.share, sale=event.sale, **place),
        settled=e.PaymentSettled(fee=event.fee, net=event.net, **place),
        requested_at=event.occurred_at,
    )


EFFECTS: Final[dict[type[DomainEvent], Callable[..., Payment]]] = {
    e.PaymentRequested: _requested,
    e.PaymentImported: _imported,
    e.AttemptStarted: _attempt_started,
    e.ChargeDispatched: _dispatched,
    e.ChargeOutcomeUnknown: lambda p, x: _on_attempt(
        p, x.attempt, status=p.status, failure=x.cause, failure_words=x.detail
    ),
    e.ChargeRetryScheduled: _retry_scheduled,
    e.ChargePending: _pending,
    e.ChargeChallenged: lambda p, x: _on_attempt(
        p, x.attempt, status=p.status, transaction_id=x.transaction_id
    ),
    e.ChargeAuthorised: _authorised,
    e.PaymentCaptured: _captured,
    e.PaymentSettled: lambda p, x: replace(_on_attempt(p, x.attempt, status=p.status), settled=x),
    e.ChargeDenied: _ended,
    e.ChargeFailed: _ended,
    e.ChargeExpired: _ended,
    e.ChargeCancelled: _cancelled,
    e.PaymentAbandoned: _ended,
    e.SettlementReversed: _reversed,
    e.LatePaymentReceived: lambda p, x: _on_attempt(p, x.attempt, late=True),
    e.CaptureRequested: lambda p, x: replace(
        p, capture_asked=x.amount, captures_tried=(*p.captures_tried, x.amount)
    ),
    e.CaptureRefused: lambda p, x: replace(p, capture_asked=None),
    e.CancelRequested: lambda p, x: replace(p, cancel_asked=True),
    e.CancelRefused: lambda p, x: replace(p, cancel_asked=False),
    e.RefundRequested: _refund_requested,
    e.RefundDispatched: lambda p, x: _on_refund(
        p, x, x.refund_id, sendings=x.sending, sent_at=x.occurred_at, not_before=None
    ),
    e.RefundOutcomeUnknown: lambda p, x: _on_refund(
        p, x, x.refund_id, failure=x.cause, failure_words=x.detail
    ),
    e.RefundRetryScheduled: lambda p, x: _on_refund(
        p,
        x,
        x.refund_id,
        retries=x.retry,
        not_before=x.not_before,
        failure=x.cause,
        failure_words=x.detail,
    ),
    e.RefundAccepted: lambda p, x: _on_refund(p, x, x.refund_id, accepted=x, failure=""),
    e.RefundConfirmed: lambda p, x: _on_refund(p, x, x.refund_id),
    e.RefundFailed: lambda p, x: _on_refund(
        p, x, x.refund_id, failure=x.code, failure_words=x.words
    ),
    e.ChargebackReceived: lambda p, x: replace(p, charged_back=x.amount),
    e.ReviewRequested: lambda p, x: replace(p, review=x.rule),
}

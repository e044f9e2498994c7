"""How each fact moves a payment: pure, total, and silent about what may happen, which life.py says."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace

from ledger.events import DomainEvent
from ledger.payments import events as e
from ledger.payments import review_events as r
from ledger.payments.life import NEXT, REFUND_NEXT
from ledger.payments.payment import Attempt, Payment, Question, Refund

# For how long somebody asks after an attempt that is over (reliability.md 4.2, 4.3).
WATCHED_FOR: Final = {
    e.PaymentAbandoned: timedelta(days=7),
    e.ChargeExpired: timedelta(days=1),
}
CLOSE: Final = "close"  # a decision: the payment stays frozen, and is off the list
CLOSED: Final = "closed_by_hand"

# One tuple, so that threads see all of it or nothing.
_newest: Final[list[tuple[Payment | None, DomainEvent | None, Payment]]] = [(None, None, Payment())]


def evolve(payment: Payment, event: DomainEvent) -> Payment:
    """Rules look ahead at what their facts will make of a payment, and the store then folds the same
    facts into it: the newest answer is kept for who asks again.
    """
    effect = EFFECTS.get(type(event))
    if effect is None:
        return payment  # journal entries and kinds of later versions leave the payment as it is
    was, fact, moved = _newest[0]
    if was is payment and fact is event:
        return moved
    moved = replace(
        payment,
        status=NEXT.get((payment.status, type(event)), payment.status),
        # The gateway tells some things later than they happened.
        updated_at=max(event.occurred_at, payment.updated_at or event.occurred_at),
    )
    moved = effect(moved, event)
    _newest[0] = payment, event, moved
    return moved


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


def _outcome_unknown(payment: Payment, event: e.ChargeOutcomeUnknown) -> Payment:
    attempt = payment.find_attempt(event.attempt)
    return _on_attempt(
        payment,
        event.attempt,
        status=payment.status,
        unknown_since=(attempt and attempt.unknown_since) or event.occurred_at,
        failure=event.cause,
        failure_words=event.detail,
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
        ended_at=event.occurred_at,
        failure=getattr(event, "code", ""),
        failure_words=getattr(event, "words", ""),
    )
    return replace(moved, cancel_asked=False, capture_asked=None)


def _expired(payment: Payment, event: e.ChargeExpired) -> Payment:
    return _watched(_ended(payment, event), event.attempt, event)


def _abandoned(payment: Payment, event: e.PaymentAbandoned) -> Payment:
    ended = _ended(payment, event)
    return _watched(ended, event.attempt, event) if event.watch_from else ended


def _watched(payment: Payment, number: int, event: DomainEvent) -> Payment:
    until = event.occurred_at + WATCHED_FOR[type(event)]
    return _on_attempt(payment, number, watch_until=until)


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
        late_attempt=event.late_attempt,
    )
    return replace(payment, refunds=(*payment.refunds, refund))


def _refund_unknown(payment: Payment, event: e.RefundOutcomeUnknown) -> Payment:
    refund = payment.find_refund(event.refund_id)
    return _on_refund(
        payment,
        event,
        event.refund_id,
        unknown_since=(refund and refund.unknown_since) or event.occurred_at,
        failure=event.cause,
        failure_words=event.detail,
    )


def _asked(payment: Payment, rule: str, subject: str) -> Payment:
    return replace(payment, questions=(*payment.questions, Question(rule=rule, subject=subject)))


def _review_requested(payment: Payment, event: e.ReviewRequested) -> Payment:
    return _asked(replace(payment, review=event.rule), event.rule, str(event.attempt))


def _proposed(payment: Payment, event: r.ReviewProposed) -> Payment:
    questions = tuple(
        replace(one, proposed=event) if _is(one, event) else one for one in payment.questions
    )
    return replace(payment, questions=questions)


def _decided(payment: Payment, event: r.ReviewDecided) -> Payment:
    """What was frozen moves again, unless it was closed: then it is a person's for good."""
    moved = _over(payment, event)
    if event.rule != payment.review:
        return moved
    if event.decision == CLOSE:
        return replace(moved, review=CLOSED)
    watched = _on_attempt(moved, event.attempt, watch_until=event.occurred_at)
    return replace(watched, review="")


def _over(payment: Payment, event: r.ReviewDecided | r.QuestionAnswered) -> Payment:
    questions = tuple(one for one in payment.questions if not _is(one, event))
    return replace(payment, questions=questions)


def _is(question: Question, event: r.ReviewProposed | r.ReviewDecided | r.QuestionAnswered) -> bool:
    return (question.rule, question.subject) == (event.rule, event.subject)


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
    e.ChargeOutcomeUnknown: _outcome_unknown,
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
    e.ChargeExpired: _expired,
    e.ChargeCancelled: _cancelled,
    e.PaymentAbandoned: _abandoned,
    e.SettlementReversed: _reversed,
    e.LatePaymentReceived: lambda p, x: _on_attempt(
        p, x.attempt, late=x, late_settled=None, returned=False
    ),
    e.LatePaymentSettled: lambda p, x: _on_attempt(p, x.attempt, late_settled=x),
    e.LatePaymentReturned: lambda p, x: _on_attempt(p, x.attempt, returned=True, stray=""),
    e.StrayChargeFound: lambda p, x: _on_attempt(p, x.attempt, stray=x.transaction_id),
    e.AttemptClosed: lambda p, x: _on_attempt(p, x.attempt, watch_until=None, stray=""),
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
    e.RefundOutcomeUnknown: _refund_unknown,
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
    e.ChargebackReceived: lambda p, x: replace(
        p, charged_back=x.amount, cancel_asked=False, capture_asked=None
    ),
    e.ReviewRequested: _review_requested,
    r.DecisionNeeded: lambda p, x: _asked(p, x.rule, x.subject),
    r.ReviewProposed: _proposed,
    r.ReviewDecided: _decided,
    r.QuestionAnswered: _over,
}

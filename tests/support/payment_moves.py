"""Anything that may be tried on a payment, drawn at random against the state it is in."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from ledger.identity import order_id
from ledger.money import Money
from ledger.payments import commands as c
from ledger.payments.life import Status
from ledger.payments.payment import Attempt, Payment, Question
from ledger.payments.reviewing import DECISIONS
from ledger.providers.port import (
    DUPLICATE,
    NEVER_SEEN,
    ChargeStatus,
    Did,
    DidNot,
    Observation,
    ObservedRefund,
    Outcome,
    Unknown,
)
from support.facts import PAGE, TOKEN, VA, requested, said
from support.payment_facts import AT, DELIVERED, PREPAID, rp

LEASE = 30.0
LOST_AFTER = 120.0

WORDS = (
    "not_sent",
    "request_invalid",
    "service_unavailable",
    "status_change_refused",
    NEVER_SEEN,
    DUPLICATE,
)
refusals = st.builds(
    DidNot, code=st.sampled_from(WORDS), words=st.just("no"), retryable=st.booleans()
)
doubts = st.builds(Unknown, cause=st.sampled_from(["timeout", "http_500"]))
statuses = st.sampled_from(
    [
        *ChargeStatus,
        *[ChargeStatus.SETTLED] * 8,
        *[ChargeStatus.PENDING, ChargeStatus.AUTHORISED] * 3,
    ]
)
METHODS = ("bca_va", "permata_va", "gopay", "credit_card", "snap", "virtual_account")
rarely = st.integers(0, 40).map(lambda number: number == 23)
seldom = st.integers(0, 9).map(lambda number: number == 7)
waits = st.sampled_from([0, 1, 31, 121, 3_600, 90_000])


@st.composite
def requests(draw: st.DrawFn) -> c.RequestPayment:
    method = draw(st.sampled_from([*METHODS, "credit_card"]))
    later = method == "credit_card" and draw(st.booleans())
    asked = requested(
        method,
        amount=draw(st.integers(10_000, 500_000)),
        capture="later" if later else "at_once",
        fallback=tuple(draw(st.lists(st.sampled_from(METHODS[:5]), max_size=3, unique=True))),
        sale=draw(st.sampled_from([DELIVERED, PREPAID])),
        taxed=draw(st.booleans()),
        card_token=TOKEN,
    )
    return c.RequestPayment(request=asked, country="ID", health={}, now=AT)


@st.composite
def moves(draw: st.DrawFn, payment: Payment, now: datetime) -> c.PaymentCommand:
    """Mostly what services do, with answers of all kinds, also such as no honest gateway gives."""
    kind = draw(st.sampled_from(KINDS + LIKELY.get(payment.status, ())))
    at = now + timedelta(seconds=draw(waits))
    return kind(draw, payment, at)  # type: ignore[no-any-return]


def _attempt(draw: st.DrawFn, payment: Payment) -> Attempt:
    return draw(st.sampled_from([*payment.attempts, *[payment.attempt] * 4]))


def _outcome(draw: st.DrawFn, payment: Payment, attempt: Attempt) -> Outcome:
    if draw(st.booleans()):
        return Did(_seen(draw, payment, attempt))
    return draw(refusals | doubts)


def _seen(draw: st.DrawFn, payment: Payment, attempt: Attempt) -> Observation:
    status = ChargeStatus.SETTLED if payment.settled and not draw(seldom) else draw(statuses)
    amounts = (
        [payment.captured.amount]
        if payment.captured
        else [*payment.captures_tried, payment.request.amount]
    )
    amount = rp(1) if draw(rarely) else draw(st.sampled_from(amounts))
    other = draw(rarely)
    return Observation(
        order_id=order_id(payment.request.payment_id, attempt.number),
        transaction_id=f"t-{attempt.number}{'-other' * other}",
        status=status,
        amount=amount,
        evidence=said(transaction_status=status.value),
        instructions=draw(st.sampled_from([VA, PAGE])),
        refunds=tuple(_listed(draw, payment, attempt)),
        chargeback=draw(st.sampled_from([amount, payment.refundable, None])),
    )


def _listed(draw: st.DrawFn, payment: Payment, attempt: Attempt) -> list[ObservedRefund]:
    """Some of those of it that were sent, rarely one that we know nothing of."""
    sent = [
        refund
        for refund in payment.refunds
        if payment.attempt_refunded_by(refund).number == attempt.number
        and refund.sendings
        and draw(st.booleans())
    ]
    confirmed = [draw(st.booleans()) for _ in sent]
    shown = [
        ObservedRefund(refund_id=r.refund_id, amount=r.amount, confirmed_at=AT if done else None)
        for r, done in zip(sent, confirmed, strict=True)
    ]
    foreign = ObservedRefund(refund_id="ref_elsewhere", amount=rp(1))
    return [*shown, foreign] if draw(rarely) else shown


def _charge(draw: st.DrawFn, payment: Payment, now: datetime) -> c.Command:
    lost_after = draw(st.sampled_from([None, LOST_AFTER]))
    return c.DispatchCharge(
        attempt=payment.attempt.number, sent_by="api-1", lost_after_seconds=lost_after, now=now
    )


def _charged(draw: st.DrawFn, payment: Payment, now: datetime) -> c.Command:
    attempt = _attempt(draw, payment)
    return c.RecordCharge(
        attempt=attempt.number,
        outcome=_outcome(draw, payment, attempt),
        retry_after_seconds=1.0,
        health={},
        sending=draw(st.integers(0, attempt.sendings)),
        now=now,
    )


def _inquired(draw: st.DrawFn, payment: Payment, now: datetime) -> c.Command:
    attempt = _attempt(draw, payment)
    return c.RecordInquiry(
        attempt=attempt.number,
        lease_seconds=LEASE,
        lost_after_seconds=LOST_AFTER,
        outcome=_outcome(draw, payment, attempt),
        health={},
        available=_money(draw, 10**6),
        now=now,
    )


def _capture(draw: st.DrawFn, payment: Payment, now: datetime) -> c.Command:
    whole = payment.request.amount.minor
    return c.RequestCapture(amount=draw(st.none() | st.integers(0, whole + 1).map(rp)), now=now)


def _captured(draw: st.DrawFn, payment: Payment, now: datetime) -> c.Command:
    return c.RecordCapture(outcome=_outcome(draw, payment, payment.attempt), now=now)


def _cancel(draw: st.DrawFn, payment: Payment, now: datetime) -> c.Command:
    return c.RequestCancel(reason="", now=now)


def _cancelled(draw: st.DrawFn, payment: Payment, now: datetime) -> c.Command:
    return c.RecordCancel(outcome=_outcome(draw, payment, payment.attempt), now=now)


def _refund(draw: st.DrawFn, payment: Payment, now: datetime) -> c.Command:
    amount = draw(st.none() | st.integers(1, payment.request.amount.minor).map(rp))
    refund_id = f"ref_{payment.request.payment_id}_{draw(st.integers(0, len(payment.refunds)))}"
    return c.RequestRefund(refund_id=refund_id, amount=amount, reason="", now=now)


def _send_refund(draw: st.DrawFn, payment: Payment, now: datetime) -> c.Command:
    lost_after = draw(st.sampled_from([None, LOST_AFTER]))
    return c.DispatchRefund(
        refund_id=_refund_id(draw, payment), sent_by="api-1", lost_after_seconds=lost_after, now=now
    )


def _refunded(draw: st.DrawFn, payment: Payment, now: datetime) -> c.Command:
    refund_id = _refund_id(draw, payment)
    refund = payment.find_refund(refund_id)
    attempt = payment.attempt_refunded_by(refund) if refund else payment.attempt
    return c.RecordRefund(
        refund_id=refund_id,
        outcome=_outcome(draw, payment, attempt),
        retry_after_seconds=1.0,
        available=_money(draw, 10**6),
        sending=draw(st.integers(0, 2)),
        now=now,
    )


def _decide(draw: st.DrawFn, payment: Payment, now: datetime) -> c.Command:
    question = draw(
        st.sampled_from(payment.questions or (Question(rule="late_payment", subject="1"),))
    )
    decisions = [decision.name for decision in DECISIONS[question.rule]]
    return c.DecideReview(
        rule=question.rule,
        subject=question.subject,
        decision=draw(st.sampled_from(decisions)),
        by=draw(st.sampled_from(["ana", "budi"])),
        reason="as the bank says",
        outcome=_outcome(draw, payment, payment.attempt),
        now=now,
    )


def _refund_id(draw: st.DrawFn, payment: Payment) -> str:
    return draw(st.sampled_from([refund.refund_id for refund in payment.refunds] or ["ref_0"]))


def _money(draw: st.DrawFn, most: int) -> Money:
    return rp(draw(st.integers(-most, most)))


KINDS: tuple[Any, ...] = (
    *(
        _charge,
        _charged,
        _inquired,
        _capture,
        _captured,
        _cancel,
        _cancelled,
        _refund,
        _send_refund,
        _refunded,
        _decide,
    ),
)
LIKELY: dict[Status, tuple[Any, ...]] = {
    Status.REQUESTED: (_charge,) * 12,
    Status.DISPATCHED: (_charged,) * 12,
    Status.UNKNOWN: (_inquired, _inquired, _charge, _charged) * 3,
    Status.PENDING: (_inquired,) * 8,
    Status.AUTHORISED: (_capture, _captured) * 6,
    Status.CAPTURED: (_inquired, _cancelled) * 4,
    Status.SETTLED: (_refund, _send_refund, _refunded, _send_refund, _refunded, _inquired) * 5,
}

"""From the request to the first answer: requesting, sending, retrying, falling back to another method."""

from collections.abc import Sequence
from datetime import timedelta

from ledger.clock import business_date
from ledger.errors import LedgerError
from ledger.events import DomainEvent
from ledger.identity import order_id
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments import observing, refunding
from ledger.payments.eligibility import check_fits
from ledger.payments.life import Status
from ledger.payments.methods import check_country, expiry, method
from ledger.payments.payment import (
    Attempt,
    Payment,
    PaymentStateForbids,
    may,
    require,
    require_lost,
)
from ledger.payments.retrying import MAXIMUM_RETRIES
from ledger.payments.routing import choose
from ledger.providers.port import DUPLICATE, Did, DidNot, Unknown

Facts = Sequence[DomainEvent]


def request_payment(payment: Payment, command: c.RequestPayment) -> Facts:
    require(payment, e.PaymentRequested)
    request = command.request
    for code in request.fallback:
        method(code)
    chosen, why = choose(
        request.requested_method,
        request.amount,
        preference=request.fallback,
        tried=(),
        health=command.health,
        on=business_date(command.now),
        payer=request.payer_known,
    )
    check_fits(chosen, request)
    check_country(chosen, command.country)
    expiry(chosen, request.expires_after_seconds)
    return [request, _attempt(1, request.payment_id, chosen.code, why, command)]


def dispatch_charge(payment: Payment, command: c.DispatchCharge) -> Facts:
    """Only one appender wins this; whoever does may send."""
    attempt = _current(payment, command.attempt)
    require(payment, e.ChargeDispatched)
    if payment.status is Status.UNKNOWN:
        require_lost(attempt.sent_at, command.now, command.lost_after_seconds)
    if attempt.not_before and command.now < attempt.not_before:
        raise PaymentStateForbids("The next try is not due yet.")
    return [
        e.ChargeDispatched(
            occurred_at=command.now,
            attempt=attempt.number,
            sent_by=command.sent_by,
            sending=attempt.sendings + 1,
        )
    ]


def record_charge(payment: Payment, command: c.RecordCharge) -> Facts:
    attempt = _find(payment, command.attempt)
    match command.outcome:
        case Did(observation):
            facts = observing.observe(payment, attempt, observation, command.now)
        case DidNot(code=code) if code == DUPLICATE:
            facts = _unknown(payment, attempt, command, DUPLICATE, "the gateway knows this order id")
        case DidNot() as refusal:
            facts = _not_done(payment, attempt, command, refusal)
        case Unknown(cause=cause, detail=detail):
            facts = _unknown(payment, attempt, command, cause, detail)
    return fall_back(payment, facts, command)


def record_inquiry(payment: Payment, command: c.RecordInquiry) -> Facts:
    attempt = _find(payment, command.attempt)
    match command.outcome:
        case Did(observation):
            facts = observing.observe(
                payment, attempt, observation, command.now, available=command.available
            )
            facts = [*facts, *refunding.lost_senders(payment, facts, command)]
        case DidNot() if attempt.status is Status.PENDING:
            facts = _session_over(payment, attempt, command)
        case _ if attempt.status is Status.DISPATCHED and _lease_is_over(attempt, command):
            facts = _unknown(payment, attempt, command, "sender_lost", "no outcome was recorded")
        case DidNot() if attempt.status is Status.UNKNOWN and payment.cancel_asked:
            facts = [
                e.PaymentAbandoned(
                    occurred_at=command.now, attempt=attempt.number, reason="cancelled, never seen"
                )
            ]
        case _:
            facts = []
    return fall_back(payment, facts, command)


def fall_back(
    payment: Payment, facts: Facts, command: c.RecordCharge | c.RecordInquiry
) -> Facts:
    """An attempt that was denied or failed is followed by the next method, when the caller allowed one."""
    ended = facts[-1] if facts else None
    request = payment.request
    if not isinstance(ended, e.ChargeDenied | e.ChargeFailed) or payment.cancel_asked:
        return facts
    tried = [attempt.method for attempt in payment.attempts]
    try:
        chosen, why = choose(
            request.requested_method,
            request.amount,
            preference=request.fallback,
            tried=tried,
            health=command.health,
            on=business_date(command.now),
            payer=request.payer_known,
        )
        check_fits(chosen, request)
    except LedgerError:
        return facts
    number = payment.attempt.number + 1
    return [*facts, _attempt(number, request.payment_id, chosen.code, why, command)]


def _attempt(
    number: int, payment_id: str, code: str, why: e.RoutingReason, command: c.Command
) -> e.AttemptStarted:
    return e.AttemptStarted(
        occurred_at=command.now,
        attempt=number,
        order_id=order_id(payment_id, number),
        method=code,
        why=why,
    )


def _current(payment: Payment, number: int) -> Attempt:
    if payment.attempt.number != number:
        raise PaymentStateForbids("Another attempt has begun since.")
    return payment.attempt


def _find(payment: Payment, number: int) -> Attempt:
    payment.request  # noqa: B018  raises on an empty stream
    found = next((a for a in payment.attempts if a.number == number), None)
    if found is None:
        raise PaymentStateForbids(f"There is no attempt {number}.")
    return found


def _unknown(
    payment: Payment,
    attempt: Attempt,
    command: c.RecordCharge | c.RecordInquiry,
    cause: str,
    detail: str,
) -> Facts:
    if attempt is not payment.attempt or payment.status is not Status.DISPATCHED:
        return []
    return [
        e.ChargeOutcomeUnknown(
            occurred_at=command.now, attempt=attempt.number, cause=cause, detail=detail
        )
    ]


def _not_done(
    payment: Payment, attempt: Attempt, command: c.RecordCharge, refusal: DidNot
) -> Facts:
    if attempt is not payment.attempt or not may(payment, e.ChargeFailed):
        return []
    if refusal.retryable and attempt.retries < MAXIMUM_RETRIES:
        return [
            e.ChargeRetryScheduled(
                occurred_at=command.now,
                attempt=attempt.number,
                retry=attempt.retries + 1,
                not_before=command.now + timedelta(seconds=command.retry_after_seconds),
                cause=refusal.code,
                detail=refusal.words,
            )
        ]
    return [
        e.ChargeFailed(
            occurred_at=command.now, attempt=attempt.number, code=refusal.code, words=refusal.words
        )
    ]


def _lease_is_over(attempt: Attempt, command: c.RecordInquiry) -> bool:
    """Whoever sent it had the time to record an outcome and did not."""
    lease = timedelta(seconds=command.lease_seconds)
    return attempt.sent_at is not None and command.now >= attempt.sent_at + lease


def _session_over(payment: Payment, attempt: Attempt, command: c.RecordInquiry) -> Facts:
    """A hosted page whose time is over and under which nothing was ever tried (midtrans.md 7.1, 7.2)."""
    hosted = attempt.instructions.session_token
    over = attempt.expires_at is not None and command.now > attempt.expires_at
    if attempt is not payment.attempt or not (hosted and over):
        return []
    evidence = e.Evidence(source="inquiry", digest="", said={"status_code": "404"})
    return [
        e.ChargeExpired(occurred_at=command.now, attempt=attempt.number, evidence=evidence)
    ]



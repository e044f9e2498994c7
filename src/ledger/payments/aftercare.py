"""Capture what was authorised, cancel what was not settled: each is asked for, done by the gateway,
and recorded.
"""

from collections.abc import Sequence

from ledger.errors import Rejected
from ledger.events import DomainEvent
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments.late import watch_from
from ledger.payments.life import Status
from ledger.payments.methods import METHODS
from ledger.payments.observing import attempt_of, observe
from ledger.payments.payment import Payment, PaymentStateForbids, may, require
from ledger.providers.port import NEVER_SEEN, Did, DidNot, Unknown

Facts = Sequence[DomainEvent]


class CaptureExceedsAuthorisation(Rejected):
    code = "capture_exceeds_authorisation"
    title = "More was to be captured than was authorised."


def request_capture(payment: Payment, command: c.RequestCapture) -> Facts:
    require(payment, e.CaptureRequested)
    if payment.capture_asked or payment.cancel_asked:
        raise PaymentStateForbids("A capture or cancel is under way already.")
    held = payment.authorised or payment.request.amount
    amount = held if command.amount is None else command.amount
    if amount.minor <= 0 or (held - amount).minor < 0:
        raise CaptureExceedsAuthorisation(authorised_minor=held.minor)
    return [
        e.CaptureRequested(occurred_at=command.now, attempt=payment.attempt.number, amount=amount)
    ]


def record_capture(payment: Payment, command: c.RecordCapture) -> Facts:
    """An unknown outcome leaves the request standing; the worker asks how it went."""
    match command.outcome:
        case Did(observation):
            return observe(payment, attempt_of(payment, observation), observation, command.now)
        case DidNot(code=code, words=words, retryable=False) if _waits_for_capture(payment):
            return [
                e.CaptureRefused(
                    occurred_at=command.now,
                    attempt=payment.attempt.number,
                    code=code,
                    words=words,
                )
            ]
        case DidNot() | Unknown():
            return []


def request_cancel(payment: Payment, command: c.RequestCancel) -> Facts:
    attempt = payment.attempt
    if payment.status is Status.REQUESTED:
        require(payment, e.PaymentAbandoned)
        return [
            e.PaymentAbandoned(
                occurred_at=command.now,
                attempt=attempt.number,
                reason=command.reason,
                watch_from=watch_from(attempt, command.now),
            )
        ]
    require(payment, e.CancelRequested)
    if payment.cancel_asked:
        return []
    return [
        e.CancelRequested(occurred_at=command.now, attempt=attempt.number, reason=command.reason)
    ]


def withdraw_payment(payment: Payment, command: c.WithdrawPayment) -> Facts:
    """No fact when it is over, paid, frozen, or being cancelled already."""
    payment.request  # noqa: B018  raises on an empty stream
    if payment.review or payment.status in (Status.CAPTURED, Status.SETTLED):
        return []
    try:
        return request_cancel(payment, c.RequestCancel(now=command.now, reason=command.reason))
    except PaymentStateForbids:
        return []


def record_cancel(payment: Payment, command: c.RecordCancel) -> Facts:
    match command.outcome:
        case Did(observation):
            return observe(payment, attempt_of(payment, observation), observation, command.now)
        case DidNot(code=code) if code == NEVER_SEEN and _is_untouched_page(payment):
            return _closed(payment, command)
        case DidNot(code=code, words=words, retryable=False) if _waits_for_cancel(payment):
            return [
                e.CancelRefused(
                    occurred_at=command.now,
                    attempt=payment.attempt.number,
                    code=code,
                    words=words,
                )
            ]
        case DidNot() | Unknown():
            return []


def _waits_for_capture(payment: Payment) -> bool:
    return payment.capture_asked is not None and may(payment, e.CaptureRefused)


def _waits_for_cancel(payment: Payment) -> bool:
    """Also when it was settled meanwhile: whoever asked is told that it was too late."""
    return payment.cancel_asked and may(payment, e.CancelRefused)


def _is_untouched_page(payment: Payment) -> bool:
    """Of a hosted page the gateway says `never_seen` when it has closed it and nobody had begun to
    pay there.
    """
    if payment.status is not Status.PENDING or not payment.cancel_asked:
        return False
    return METHODS[payment.attempt.method].mapping.api == "snap"


def _closed(payment: Payment, command: c.RecordCancel) -> Facts:
    evidence = e.Evidence(source="cancel", digest="", said={"status_code": "404"})
    return [
        e.ChargeCancelled(
            occurred_at=command.now, attempt=payment.attempt.number, evidence=evidence
        )
    ]

"""Capture what was authorised, cancel what was not settled: each is asked for, done by the gateway, and recorded."""

from collections.abc import Sequence

from ledger.errors import Rejected
from ledger.events import DomainEvent
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments.life import Status
from ledger.payments.observing import observe
from ledger.payments.payment import Payment, PaymentStateForbids, may, require
from ledger.providers.port import Did, DidNot, Unknown

Facts = Sequence[DomainEvent]


class CaptureExceedsAuthorisation(Rejected):
    code = "capture_exceeds_authorisation"
    title = "More was to be captured than was authorised."


def request_capture(payment: Payment, command: c.RequestCapture) -> Facts:
    require(payment, e.CaptureRequested)
    if payment.capture_asked or payment.cancel_asked:
        raise PaymentStateForbids("A capture or cancel is under way already.")
    held = payment.authorised or payment.request.amount
    amount = command.amount or held
    if not 0 < amount.minor <= held.minor:
        raise CaptureExceedsAuthorisation(authorised_minor=held.minor)
    return [
        e.CaptureRequested(
            occurred_at=command.now, attempt=payment.attempt.number, amount=amount
        )
    ]


def record_capture(payment: Payment, command: c.RecordCapture) -> Facts:
    """An unknown outcome leaves the request standing; the worker asks how it went."""
    match command.outcome:
        case Did(observation):
            return observe(payment, payment.attempt, observation, command.now)
        case DidNot(code=code, words=words, retryable=False) if may(payment, e.CaptureRefused):
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
                occurred_at=command.now, attempt=attempt.number, reason=command.reason
            )
        ]
    require(payment, e.CancelRequested)
    if payment.cancel_asked:
        return []
    return [
        e.CancelRequested(
            occurred_at=command.now, attempt=attempt.number, reason=command.reason
        )
    ]


def record_cancel(payment: Payment, command: c.RecordCancel) -> Facts:
    match command.outcome:
        case Did(observation):
            return observe(payment, payment.attempt, observation, command.now)
        case DidNot(code=code, words=words, retryable=False) if may(payment, e.CancelRefused):
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

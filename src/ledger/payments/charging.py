"""From the request to the first answer: requesting, sending, retrying, falling back to another
method.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from typing import Final

from ledger.clock import business_date
from ledger.errors import LedgerError, Rejected
from ledger.events import DomainEvent
from ledger.identity import order_id
from ledger.journal.chart import check_part
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments import late, observing, reconciling, reviewing
from ledger.payments.eligibility import check_fits, check_saved
from ledger.payments.folding import evolve
from ledger.payments.life import Status
from ledger.payments.methods import METHODS, check_country, expiry, method
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
from ledger.providers.port import DUPLICATE, NEVER_SEEN, Did, DidNot, Outcome, Unknown

Facts = Sequence[DomainEvent]

# A page's life is rounded up to minutes, and the gateway ends things up to 90 s late (midtrans.md
# 11.4).
PAGE_GRACE: Final = timedelta(minutes=2)


def request_payment(payment: Payment, command: c.RequestPayment) -> Facts:
    require(payment, e.PaymentRequested)
    request = command.request
    for code in request.fallback:
        method(code)
    check_part(request.sale.product)
    check_saved(request)
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
    started = _attempt(1, request.payment_id, chosen.code, why, command)
    return [request, started, *_dispatched(1, 1, command.sent_by, command)]


def dispatch_charge(payment: Payment, command: c.DispatchCharge) -> Facts:
    """Only one appender wins this; whoever does may send."""
    attempt = _current(payment, command.attempt)
    require(payment, e.ChargeDispatched)
    if payment.cancel_asked:
        raise PaymentStateForbids("A cancel was asked for.")
    if payment.status is Status.UNKNOWN:
        require_lost(attempt.sent_at, command.now, command.lost_after_seconds)
    if attempt.not_before and command.now < attempt.not_before:
        raise PaymentStateForbids("The next try is not due yet.")
    return _dispatched(attempt.number, attempt.sendings + 1, command.sent_by, command)


def _dispatched(attempt: int, sending: int, sent_by: str, command: c.Command) -> Facts:
    if not sent_by:
        return []
    return [
        e.ChargeDispatched(
            occurred_at=command.now, attempt=attempt, sent_by=sent_by, sending=sending
        )
    ]


def record_charge(payment: Payment, command: c.RecordCharge) -> Facts:
    attempt = _find(payment, command.attempt)
    match command.outcome:
        case Did(observation):
            facts = observing.observe(payment, attempt, observation, command.now)
        case _ if attempt is not payment.attempt or command.sending not in (0, attempt.sendings):
            facts = []  # a later sending is under way, of which this proves nothing
        case DidNot(code=code) if code == DUPLICATE:
            facts = _unknown(
                payment, attempt, command, DUPLICATE, "the gateway knows this order id"
            )
        case DidNot() as refusal:
            facts = _not_done(payment, attempt, command, refusal)
        case Unknown(cause=cause, detail=detail):
            facts = _unknown(payment, attempt, command, cause, detail)
    return fall_back(payment, facts, command)


def record_inquiry(payment: Payment, command: c.RecordInquiry) -> Facts:
    attempt = _find(payment, command.attempt)
    if isinstance(command.outcome, Did):
        facts = observing.observe(
            payment,
            attempt,
            command.outcome.observation,
            command.now,
            available=command.available,
            asked_at=command.asked_at or command.now,
        )
        facts = [*facts, *reconciling.lost_senders(payment, facts, command)]
        facts = fall_back(payment, facts, command)
    elif attempt is payment.attempt:
        facts = _not_found(payment, attempt, command)
    else:
        facts = []
    return [*facts, *_and_then(reduce(evolve, facts, payment), command)]


def _and_then(payment: Payment, command: c.RecordInquiry) -> Facts:
    """What time has brought about."""
    attempt = _find(payment, command.attempt)
    if payment.review:
        return []
    return [
        *reviewing.unanswered(payment, attempt, command),
        *late.nothing_more(payment, attempt, command),
    ]


def _not_found(payment: Payment, attempt: Attempt, command: c.RecordInquiry) -> Facts:
    """The gateway did not show us the order; only `never_seen` says that there is none."""
    facts = _sender_lost(payment, attempt, command)
    if not _never_seen(command.outcome):
        return facts
    payment = reduce(evolve, facts, payment)
    if payment.status is Status.PENDING:
        return _page_over(attempt, command)
    lost = _has_passed(command.lost_after_seconds, attempt, command)
    unwanted = _unwanted(payment, attempt, command)
    if payment.status is Status.UNKNOWN and lost and unwanted:
        words = f"{unwanted}, and the gateway never saw it"
        return [*facts, *_abandoned(attempt, command, words)]
    return facts


def _sender_lost(payment: Payment, attempt: Attempt, command: c.RecordInquiry) -> Facts:
    if payment.status is not Status.DISPATCHED:
        return []
    if not _has_passed(command.lease_seconds, attempt, command):
        return []
    return _unknown(payment, attempt, command, "sender_lost", "no outcome was recorded")


def _unwanted(payment: Payment, attempt: Attempt, command: c.RecordInquiry) -> str:
    """Why it is not to be sent again; empty when it is."""
    if payment.cancel_asked:
        return "cancelled"
    return "its time was over" if _time_is_over(payment, attempt, command) else ""


def _time_is_over(payment: Payment, attempt: Attempt, command: c.RecordInquiry) -> bool:
    """Whoever was to pay is not waiting any more, so it is not sent again."""
    seconds = expiry(METHODS[attempt.method], payment.request.expires_after_seconds)
    return command.now > payment.request.occurred_at + timedelta(seconds=seconds)


def fall_back(payment: Payment, facts: Facts, command: c.RecordCharge | c.RecordInquiry) -> Facts:
    """An attempt that was denied or failed is followed by the next method, when the caller allowed
    one.
    """
    ended = facts[-1] if facts else None
    if not isinstance(ended, e.ChargeDenied | e.ChargeFailed) or payment.cancel_asked:
        return facts
    following = _next_attempt(payment, command)
    return [*facts, following] if following else facts


def _next_attempt(
    payment: Payment, command: c.RecordCharge | c.RecordInquiry
) -> e.AttemptStarted | None:
    """Methods that cannot take this request are passed over; None when nothing is left."""
    request = payment.request
    tried = [attempt.method for attempt in payment.attempts]
    while True:
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
        except LedgerError:
            return None
        try:
            check_fits(chosen, request)
            expiry(chosen, request.expires_after_seconds)
        except Rejected:
            tried.append(chosen.code)
            continue
        return _attempt(payment.attempt.number + 1, request.payment_id, chosen.code, why, command)


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
    for attempt in payment.attempts:
        if attempt.number == number:
            return attempt
    raise PaymentStateForbids(f"There is no attempt {number}.")


def _unknown(
    payment: Payment,
    attempt: Attempt,
    command: c.RecordCharge | c.RecordInquiry,
    cause: str,
    detail: str,
) -> Facts:
    if not may(payment, e.ChargeOutcomeUnknown):
        return []
    return [
        e.ChargeOutcomeUnknown(
            occurred_at=command.now, attempt=attempt.number, cause=cause, detail=detail
        )
    ]


def _not_done(
    payment: Payment, attempt: Attempt, command: c.RecordCharge, refusal: DidNot
) -> Facts:
    """Once the gateway has shown the order, no refusal of a sending undoes that."""
    if not may(payment, e.ChargeRetryScheduled):
        return []
    if refusal.retryable and payment.cancel_asked:
        return _abandoned(attempt, command, "cancelled, and the gateway did not act")
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


def _abandoned(attempt: Attempt, command: c.Command, reason: str) -> Facts:
    return [
        e.PaymentAbandoned(
            occurred_at=command.now,
            attempt=attempt.number,
            reason=reason,
            watch_from=late.watch_from(attempt, command.now),
        )
    ]


def _never_seen(outcome: Outcome) -> bool:
    return isinstance(outcome, DidNot) and outcome.code == NEVER_SEEN


def _has_passed(seconds: float, attempt: Attempt, command: c.Command) -> bool:
    """Since it was last sent."""
    return attempt.sent_at is not None and command.now >= attempt.sent_at + timedelta(
        seconds=seconds
    )


def _page_over(attempt: Attempt, command: c.RecordInquiry) -> Facts:
    """A hosted page whose time is over and under which nothing was ever tried (midtrans.md 7.1,
    7.2).
    """
    hosted = METHODS[attempt.method].mapping.api == "snap"
    over = attempt.expires_at is not None and command.now > attempt.expires_at + PAGE_GRACE
    if not (hosted and over):
        return []
    evidence = e.Evidence(source="inquiry", digest="", said={"status_code": "404"})
    return [e.ChargeExpired(occurred_at=command.now, attempt=attempt.number, evidence=evidence)]

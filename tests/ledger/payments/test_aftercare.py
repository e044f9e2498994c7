"""Capturing what was held, cancelling what was not settled."""

import pytest

from ledger.money import CurrencyMismatch, Money
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments.aftercare import CaptureExceedsAuthorisation
from ledger.payments.deciding import PAYMENT
from ledger.payments.life import Status
from ledger.payments.payment import PaymentNotFound, PaymentStateForbids
from support.facts import (
    PAGE,
    after,
    attempt_started,
    begun,
    cancel_requested,
    captured,
    denied,
    dispatched,
    expired,
    held,
    observation,
    paid,
    pending,
    sent,
    unknown,
    waiting,
)
from support.payment_commands import (
    BUSY,
    NOWHERE,
    RATE_LIMITED,
    TIMEOUT,
    TOO_LATE,
    cancel,
    cancelled,
    capture,
    inquired,
)
from support.payment_commands import captured as answered
from support.payment_facts import rp
from support.scenario import Scenario


def payment():
    return Scenario(PAYMENT)


# ── capture ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "amount"), [(None, 99_000), (99_000, 99_000), (30_000, 30_000), (1, 1)]
)
def test_what_was_held_is_captured_in_whole_or_in_part(wanted, amount):
    taken = payment().given(*held()).when(capture(wanted)).then(e.CaptureRequested)
    taken.when(answered(observation("captured", amount=amount))).then(e.PaymentCaptured)
    taken.when(inquired(observation("settled", amount=amount))).then(e.PaymentSettled)

    state = taken.state
    assert state.captured.amount == state.captured.share.total == rp(amount)
    assert state.settled.amount == state.refundable == rp(amount)


@pytest.mark.parametrize("amount", [0, -1, 99_001])
def test_nothing_or_more_than_was_held_cannot_be_captured(amount):
    refused = (
        payment().given(*held()).when(capture(amount)).then_refused(CaptureExceedsAuthorisation)
    )

    assert refused.context == {"authorised_minor": 99_000}


def test_another_currency_cannot_be_captured():
    dollars = c.RequestCapture(amount=Money(5, "USD"), now=after(10))

    payment().given(*held()).when(dollars).then_refused(CurrencyMismatch)


@pytest.mark.parametrize(
    "history", [waiting(), (*sent("credit_card"), captured()), paid(), (*waiting(), denied())]
)
def test_only_what_is_held_can_be_captured(history):
    payment().given(*history).when(capture()).then_refused(PaymentStateForbids)


def test_one_capture_at_a_time():
    payment().given(*held()).when(capture(30_000)).when(capture(30_000)).then_refused(
        PaymentStateForbids
    )


def test_what_is_being_cancelled_cannot_be_captured():
    payment().given(*held(), cancel_requested()).when(capture()).then_refused(PaymentStateForbids)


def test_a_refused_capture_may_be_asked_for_again():
    refused = (
        payment()
        .given(*held())
        .when(capture(30_000))
        .when(answered(TOO_LATE))
        .then(e.CaptureRefused)
    )

    refused.when(answered(TOO_LATE)).then_nothing()
    refused.when(capture(20_000)).then(e.CaptureRequested)


@pytest.mark.parametrize("outcome", [TIMEOUT, BUSY, RATE_LIMITED])
def test_a_capture_of_unknown_outcome_stays_asked_for(outcome):
    open_ = payment().given(*held()).when(capture(30_000)).when(answered(outcome)).then_nothing()

    assert open_.state.capture_asked == rp(30_000)


@pytest.mark.parametrize("amount", [99_000, 29_999])
def test_a_capture_of_another_amount_than_was_asked_for_freezes_the_payment(amount):
    asked = payment().given(*held()).when(capture(30_000))

    asked.when(inquired(observation("captured", amount=amount))).then(e.ReviewRequested)


def test_the_settlement_of_more_than_was_captured_freezes_the_payment():
    taken = (
        payment()
        .given(*held())
        .when(capture(30_000))
        .when(answered(observation("captured", amount=30_000)))
    )

    taken.when(inquired(observation("settled", amount=99_000))).then(e.ReviewRequested)


def test_a_repeated_capture_that_is_refused_does_not_hide_the_first():
    """Two senders: the second is refused because the first has captured, and is recorded before it."""
    raced = (
        payment()
        .given(*held())
        .when(capture(30_000))
        .when(answered(TOO_LATE))
        .then(e.CaptureRefused)
    )

    raced.when(answered(observation("captured", amount=30_000))).then(e.PaymentCaptured)


def test_an_answer_about_an_earlier_attempt_is_not_taken_for_the_newest():
    old = payment().given(*held(), denied(), attempt_started(2), dispatched(2))

    old.when(answered(observation("captured"))).then(e.StrayChargeFound)
    assert old.state.captured is None
    old.when(inquired(observation("captured"))).then(e.LatePaymentReceived)


# ── cancel ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_not_sent_is_cancelled_at_once():
    assert (
        payment().given(*begun()).when(cancel()).then(e.PaymentAbandoned).state.status
        is Status.CANCELLED
    )


CANCELLABLE = {
    "dispatched": sent(),
    "unknown": (*sent(), unknown()),
    "pending": waiting(),
    "authorised": held(),
    "captured": (*sent("credit_card"), captured()),
}


@pytest.mark.parametrize("history", CANCELLABLE.values(), ids=CANCELLABLE)
def test_what_was_sent_is_asked_to_be_cancelled_once(history):
    asked = payment().given(*history).when(cancel()).then(e.CancelRequested)

    asked.when(cancel()).then_nothing()
    asked.when(cancelled(observation("cancelled"))).then(e.ChargeCancelled)
    assert (asked.state.status, asked.state.cancel_asked) == (Status.CANCELLED, False)
    asked.when(cancelled(observation("cancelled"))).then_nothing()


@pytest.mark.parametrize(
    "history",
    [paid(), (*waiting(), denied()), (*waiting(), expired()), (*begun(),)],
    ids=["paid", "denied", "expired", ""],
)
def test_what_is_over_or_settled_is_not_cancelled(history):
    over = payment().given(*history)
    if over.state.status is Status.REQUESTED:
        over.when(cancel()).then(e.PaymentAbandoned)

    over.when(cancel()).then_refused(PaymentStateForbids)


def test_a_payment_that_is_not_there_cannot_be_cancelled():
    payment().when(cancel()).then_refused(PaymentNotFound)


def test_a_voided_capture_takes_back_what_was_booked():
    void = (
        payment()
        .given(*sent("credit_card"), captured())
        .when(cancel())
        .when(cancelled(observation("cancelled")))
    )

    assert void.fact(e.ChargeCancelled).captured == captured()


def test_a_refused_cancel_is_told_once_and_may_be_asked_for_again():
    refused = (
        payment().given(*waiting()).when(cancel()).when(cancelled(TOO_LATE)).then(e.CancelRefused)
    )

    refused.when(cancelled(TOO_LATE)).then_nothing()
    refused.when(cancel()).then(e.CancelRequested)


@pytest.mark.parametrize("outcome", [TIMEOUT, BUSY, RATE_LIMITED])
def test_a_cancel_of_unknown_outcome_stays_asked_for(outcome):
    assert (
        payment()
        .given(*waiting())
        .when(cancel())
        .when(cancelled(outcome))
        .then_nothing()
        .state.cancel_asked
    )


def test_a_cancel_that_came_too_late_is_refused_when_the_gateway_says_so():
    late = payment().given(*waiting()).when(cancel()).when(inquired(observation("settled")))

    late.when(cancelled(TOO_LATE)).then(e.CancelRefused)
    assert (late.state.status, late.state.cancel_asked) == (Status.SETTLED, False)


def test_the_payment_that_a_cancel_found_settled_is_settled():
    late = payment().given(*waiting()).when(cancel()).when(cancelled(observation("settled")))

    late.then(e.PaymentCaptured, e.PaymentSettled)


def test_a_page_that_nobody_used_is_closed():
    """Of a page the gateway knows no transaction, so `never_seen` is its yes."""
    page = (
        payment().given(*sent("snap"), pending(instructions=PAGE, transaction_id="")).when(cancel())
    )

    page.when(cancelled(NOWHERE)).then(e.ChargeCancelled)


def test_a_transfer_that_the_gateway_does_not_know_is_not_taken_for_cancelled():
    payment().given(*waiting()).when(cancel()).when(cancelled(NOWHERE)).then(e.CancelRefused)

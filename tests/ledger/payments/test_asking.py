"""Asking the gateway about an attempt: doubts that end, orders never seen, pages that are over."""

import pytest

from ledger.payments import events as e
from ledger.payments.deciding import PAYMENT
from ledger.payments.life import Status
from ledger.payments.payment import PaymentStateForbids
from ledger.payments.review_events import DecisionNeeded, QuestionAnswered
from support.facts import (
    PAGE,
    after,
    cancel_requested,
    dispatched,
    observation,
    pending,
    sent,
    unknown,
    waiting,
)
from support.payment_commands import (
    BUSY,
    NOWHERE,
    RATE_LIMITED,
    REFUSED,
    TIMEOUT,
    charged,
    inquired,
    send,
)
from support.scenario import Scenario


def payment():
    return Scenario(PAYMENT)


def test_a_silent_sender_is_given_its_lease_and_then_doubted():
    silent = payment().given(*sent())

    silent.when(inquired(NOWHERE, at=after(29))).then_nothing()
    silent.when(inquired(NOWHERE, at=after(30))).then(e.ChargeOutcomeUnknown)


def test_a_sender_that_was_silent_until_its_time_was_over_is_given_up_by_one_answer():
    silent = payment().given(*sent())

    silent.when(inquired(NOWHERE, at=after(days=2))).then(
        e.ChargeOutcomeUnknown, e.PaymentAbandoned
    )
    silent.when(inquired(NOWHERE, at=after(days=2))).then_nothing()


@pytest.mark.parametrize("outcome", [TIMEOUT, RATE_LIMITED, REFUSED])
def test_time_alone_does_not_end_a_doubt_but_a_person_is_asked_after_a_day(outcome):
    doubt = payment().given(*sent(), unknown())

    doubt.when(inquired(outcome, at=after(hours=23))).then_nothing()
    doubt.when(inquired(outcome, at=after(days=400))).then(DecisionNeeded)
    assert doubt.state.status is Status.UNKNOWN
    doubt.when(inquired(outcome, at=after(days=401))).then_nothing()
    doubt.when(inquired(observation("pending"), at=after(days=402))).then(
        e.ChargePending, QuestionAnswered
    )


def test_a_doubt_ends_by_what_the_gateway_shows():
    payment().given(*sent(), unknown()).when(inquired(observation("settled"))).then(
        e.PaymentCaptured, e.PaymentSettled
    )


def test_a_cancelled_doubt_is_abandoned_once_it_was_not_seen_for_long():
    cancelled = payment().given(*sent(), unknown(), cancel_requested())

    cancelled.when(inquired(NOWHERE, at=after(100))).then_nothing()
    cancelled.when(inquired(RATE_LIMITED, at=after(500))).then_nothing()
    cancelled.when(inquired(TIMEOUT, at=after(500))).then_nothing()
    cancelled.when(inquired(NOWHERE, at=after(120))).then(e.PaymentAbandoned)
    assert cancelled.state.status is Status.CANCELLED


def test_what_was_abandoned_and_paid_after_all_is_the_payers_money():
    abandoned = payment().given(*sent(), unknown(), cancel_requested()).when(inquired(NOWHERE))

    abandoned.when(inquired(observation("settled"))).then(
        e.LatePaymentReceived, e.LatePaymentSettled, DecisionNeeded
    )


def test_an_order_found_while_it_waits_to_be_sent_again_is_believed():
    """The first sending arrived after all; the second was refused for the rush."""
    waits = (
        payment()
        .given(*sent(), unknown(), dispatched(1, 2, at=after(130)))
        .when(charged(BUSY, sending=2))
    )

    waits.when(inquired(observation("expired"))).then(e.ChargeExpired)
    waits.when(send(at=after(900))).then_refused(PaymentStateForbids)


def page(**more):
    return *sent("snap", **more), pending(
        instructions=PAGE, expires_at=after(hours=1), transaction_id=""
    )


def test_a_page_that_nobody_used_expires_when_its_time_is_over():
    opened = payment().given(*page())

    opened.when(inquired(NOWHERE, at=after(minutes=59))).then_nothing()
    opened.when(inquired(RATE_LIMITED, at=after(hours=3))).then_nothing()
    opened.when(inquired(NOWHERE, at=after(hours=1, seconds=1))).then_nothing()
    opened.when(inquired(NOWHERE, at=after(hours=1, minutes=3))).then(e.ChargeExpired)


def test_the_end_of_a_page_is_counted_from_its_opening():
    shown = observation("pending", transaction_id="", instructions=PAGE)
    opened = (
        payment()
        .given(*sent("snap", expires_after_seconds=3_600))
        .when(charged(shown, now=after(2)))
    )

    opened.then(e.ChargePending)
    assert opened.state.attempt.expires_at == after(3_602)


def test_a_transfer_that_the_gateway_does_not_find_stays_pending():
    payment().given(*waiting()).when(inquired(NOWHERE, at=after(days=9))).then_nothing()


def test_a_refusal_on_an_open_page_is_not_the_last_word():
    """The payer may try another card there, so another method at the same time could be paid as well."""
    opened = payment().given(*page(fallback=("bca_va",)))

    for status in ("denied", "failed"):
        opened.when(
            inquired(observation(status, transaction_id="t-a"), at=after(60))
        ).then_nothing()
    opened.when(inquired(observation("settled", transaction_id="t-b"), at=after(90)))
    opened.then(e.PaymentCaptured, e.PaymentSettled)
    opened.when(inquired(observation("denied", transaction_id="t-a"), at=after(99))).then_nothing()


def test_a_refusal_counts_once_the_page_is_closed():
    opened = payment().given(*page(fallback=("bca_va",)))

    opened.when(inquired(observation("denied"), at=after(hours=1, seconds=1)))
    opened.then(e.ChargeDenied, e.AttemptStarted)

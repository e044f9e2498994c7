"""What was paid, and then taken back: by a channel, by a bank, by the payer's dispute."""

import pytest

from ledger.payments import events as e
from ledger.payments.deciding import PAYMENT
from ledger.payments.life import Status
from ledger.payments.methods import METHODS
from support.facts import (
    after,
    authorised,
    captured,
    listed,
    observation,
    paid,
    refund_dispatched,
    refund_requested,
    sent,
)
from support.payment_commands import (
    inquired,
    refunded,
    shown,
)
from support.payment_facts import rp
from support.scenario import Scenario


def payment():
    return Scenario(PAYMENT)


# ── not paid after all ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", [code for code, row in METHODS.items() if row.reversible])
def test_a_few_channels_take_a_settlement_back(method):
    reversed_ = shown(payment().given(*paid(method)), "denied").then(e.SettlementReversed)

    assert reversed_.state.status is Status.REVERSED
    assert (reversed_.state.captured, reversed_.state.settled) == (None, None)
    shown(reversed_, "denied").then_nothing()


@pytest.mark.parametrize("status", ["captured", "settled"])
def test_an_answer_from_before_a_reversal_says_nothing_and_one_from_after_it_has_a_person_look(
    status,
):
    reversed_ = shown(payment().given(*paid("permata_va")), "denied")

    reversed_.when(inquired(observation(status), asked_at=after(299))).then_nothing()
    reversed_.when(inquired(observation(status), asked_at=after(300))).then(e.ReviewRequested)


@pytest.mark.parametrize("method", [code for code, row in METHODS.items() if not row.reversible])
def test_for_all_others_a_person_has_to_look(method):
    frozen = shown(payment().given(*paid(method)), "denied").then(e.ReviewRequested)

    assert frozen.state.status is Status.SETTLED


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_what_no_channel_documents_is_not_believed_of_a_settled_payment(status):
    shown(payment().given(*paid("permata_va")), status).then(e.ReviewRequested)


def test_a_reversal_of_what_was_refunded_is_looked_at_by_a_person():
    shown(
        payment().given(*paid("permata_va"), refund_requested(), refund_dispatched()), "denied"
    ).then(e.ReviewRequested)


def test_a_captured_card_that_is_denied_after_screening_is_taken_back():
    shown(payment().given(*sent("credit_card"), captured()), "denied").then(e.SettlementReversed)


def test_a_captured_card_that_is_voided_is_taken_back():
    voided = shown(payment().given(*sent("credit_card"), captured()), "cancelled").then(
        e.ChargeCancelled
    )

    assert voided.state.captured is None
    assert voided.fact(e.ChargeCancelled).captured == captured()


def test_what_was_taken_back_and_is_paid_again_is_looked_at_by_a_person():
    shown(payment().given(*paid("permata_va")), "denied", "settled").then(e.ReviewRequested)


def test_a_held_amount_may_still_fail():
    shown(payment().given(*sent("credit_card"), authorised()), "failed").then(e.ChargeFailed)


# ── charged back ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_chargeback_is_booked_once_with_its_fee():
    lost = payment().given(*paid("credit_card"))
    seen = observation("charged_back", chargeback=rp(99_000))

    lost.when(inquired(seen)).then(e.ChargebackReceived)
    fact = lost.fact(e.ChargebackReceived)
    assert (fact.amount, fact.fee, fact.fee_tax) == (rp(99_000), rp(50_000), rp(5_500))
    lost.when(inquired(seen)).then_nothing()
    assert lost.state.refundable == rp(0)


def test_a_chargeback_of_what_a_refund_left_is_booked():
    part = payment().given(*paid("credit_card"), refund_requested(), refund_dispatched())
    part.when(refunded(observation("settled", refunds=[listed()]))).then(e.RefundAccepted)

    part.when(inquired(observation("charged_back", chargeback=rp(66_000), refunds=[listed()])))
    part.then(e.ChargebackReceived)
    part.when(
        inquired(
            observation("charged_back", chargeback=rp(66_000), refunds=[listed(confirmed=True)])
        )
    )
    part.then(e.RefundConfirmed)


@pytest.mark.parametrize("amount", [None, rp(66_001), rp(99_000)], ids=str)
def test_a_chargeback_of_more_than_a_refund_left_or_of_an_untold_amount_is_looked_at(amount):
    part = payment().given(*paid("credit_card"), refund_requested(), refund_dispatched())
    part.when(refunded(observation("settled", refunds=[listed()]))).then(e.RefundAccepted)

    part.when(inquired(observation("charged_back", chargeback=amount))).then(e.ReviewRequested)


def test_a_refund_that_was_not_sent_before_the_chargeback_is_not_sent_any_more():
    asked = payment().given(*paid("credit_card"), refund_requested())

    asked.when(inquired(observation("charged_back", chargeback=rp(99_000))))
    asked.then(e.ChargebackReceived, e.RefundFailed)
    assert asked.state.refunds[0].failure == "charged_back"

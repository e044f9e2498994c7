"""From what the gateway shows to what we believe: twice, late, out of order, and wrong."""

import pytest

from ledger.payments import events as e
from ledger.payments.deciding import BOOKED_PAYMENT, PAYMENT
from ledger.payments.life import Status
from ledger.payments.payment import PaymentUnderReview
from ledger.payments.review_events import DecisionNeeded
from ledger.providers.port import ChargeStatus
from support.facts import (
    PAGE,
    VA,
    after,
    attempt_started,
    captured,
    denied,
    dispatched,
    expired,
    held,
    listed,
    observation,
    paid,
    pending,
    refund_dispatched,
    refund_requested,
    said,
    sent,
    settled,
    unknown,
    waiting,
)
from support.payment_commands import (
    NOWHERE,
    REFUSED,
    cancel,
    cancelled,
    capture,
    charged,
    inquired,
    refund,
    refunded,
    send,
    send_refund,
    shown,
)
from support.payment_commands import captured as capture_answered
from support.payment_facts import rp
from support.scenario import Scenario


def payment():
    return Scenario(PAYMENT)


# ── in order, and not ───────────────────────────────────────────────────────────────────────────────────────────────

FIRST = {
    "pending": (e.ChargePending,),
    "challenged": (e.ChargeChallenged,),
    "authorised": (e.ChargeAuthorised,),
    "captured": (e.PaymentCaptured,),
    "settled": (e.PaymentCaptured, e.PaymentSettled),
    "denied": (e.ChargeDenied,),
    "failed": (e.ChargeFailed,),
    "cancelled": (e.ChargeCancelled,),
    "expired": (e.ChargeExpired,),
}


@pytest.mark.parametrize("status", FIRST)
@pytest.mark.parametrize("history", [sent(), (*sent(), unknown())], ids=["dispatched", "unknown"])
def test_each_status_may_be_the_first_that_is_heard_and_is_heard_once(status, history):
    first = payment().given(*history).when(inquired(observation(status))).then(*FIRST[status])

    first.when(inquired(observation(status))).then_nothing()
    first.when(charged(observation(status))).then_nothing()


def test_a_chargeback_may_be_the_first_that_is_heard_of_a_payment():
    seen = observation("charged_back", chargeback=rp(99_000))

    payment().given(*waiting()).when(inquired(seen)).then(
        e.PaymentCaptured, e.PaymentSettled, e.ChargebackReceived
    )


@pytest.mark.parametrize(
    "late", ["pending", "challenged", "authorised", "captured", "settled", "expired"]
)
def test_what_is_told_after_the_settlement_changes_nothing(late):
    payment().given(*paid("bca_va")).when(inquired(observation(late))).then_nothing()


def test_a_settlement_before_the_first_pending_is_the_payment():
    early = payment().given(*sent()).when(inquired(observation("settled")))

    early.then(e.PaymentCaptured, e.PaymentSettled).when(
        charged(observation("pending"))
    ).then_nothing()
    assert early.state.status is Status.SETTLED


def test_an_inquiry_that_was_faster_than_the_charge_does_not_cost_the_payer_the_instructions():
    fast = (
        payment().given(*sent("gopay")).when(inquired(observation("pending"))).then(e.ChargePending)
    )

    fast.when(charged(observation("pending", instructions=VA))).then(e.ChargePending)
    assert fast.state.attempt.instructions == VA
    fast.when(charged(observation("pending", instructions=VA))).then_nothing()


def test_a_transfer_is_booked_when_it_was_settled_not_when_we_heard():
    seen = observation("settled", occurred_at=after(minutes=7))
    heard = payment().given(*waiting()).when(inquired(seen, at=after(days=2)))

    assert heard.state.settled.occurred_at == heard.state.captured.occurred_at == after(minutes=7)
    assert heard.state.updated_at == after(minutes=7)


def test_the_time_of_change_does_not_run_backwards():
    seen = observation("captured", occurred_at=after(-5))
    heard = payment().given(*waiting("credit_card")).when(inquired(seen))

    assert heard.state.updated_at == pending().occurred_at


# ── fees ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_card_is_captured_then_settled_less_the_fees_of_the_catalogue():
    card = shown(payment().given(*sent("credit_card")), "captured").then(e.PaymentCaptured)
    shown(card, "settled").then(e.PaymentSettled)

    assert card.state.settled.fee == e.Fee(percentage=rp(2_871), fixed=rp(2_000), tax=rp(536))
    assert card.state.settled.net == rp(93_593)


@pytest.mark.parametrize(("said_type", "fee"), [("qris", 693), ("gopay", 1_980)])
def test_a_wallet_that_was_paid_by_another_app_takes_the_fee_of_qris(said_type, fee):
    seen = observation("settled", evidence=said(payment_type=said_type))

    assert payment().given(*waiting("gopay")).when(
        inquired(seen)
    ).state.settled.fee.percentage == rp(fee)


# ── another amount ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ChargeStatus)
@pytest.mark.parametrize("amount", [1, 98_999, 99_001])
def test_another_amount_freezes_the_payment(status, amount):
    frozen = (
        payment()
        .given(*waiting())
        .when(inquired(observation(status, amount=amount)))
        .then(e.ReviewRequested)
    )

    assert frozen.state.review == "amount_differs"
    assert frozen.state.status is Status.PENDING


FROZEN = e.ReviewRequested(rule="amount_differs", words="", attempt=1, occurred_at=after(100))


@pytest.mark.parametrize(
    "command",
    [send(), cancel(), capture(), refund(), send_refund()],
    ids=lambda command: type(command).__name__,
)
@pytest.mark.parametrize(
    "history",
    [
        sent(),
        waiting(),
        held(),
        (*sent("credit_card"), captured()),
        (*paid(), refund_requested()),
        (*waiting(), denied()),
    ],
)
def test_nothing_is_done_with_a_frozen_payment(command, history):
    refused = payment().given(*history, FROZEN).when(command).then_refused(PaymentUnderReview)

    assert refused.context == {"rule": "amount_differs"}


@pytest.mark.parametrize(
    "command",
    [
        charged(observation("settled")),
        charged(REFUSED),
        inquired(observation("settled")),
        inquired(NOWHERE),
        cancelled(observation("cancelled")),
        cancelled(REFUSED),
        capture_answered(REFUSED),
        refunded(observation("settled", refunds=[listed()])),
        refunded(REFUSED),
    ],
)
@pytest.mark.parametrize(
    "history",
    [
        sent("gopay", fallback=("bca_va",)),
        waiting(),
        (*paid(), refund_requested(), refund_dispatched()),
    ],
)
def test_a_frozen_payment_learns_nothing(command, history):
    payment().given(*history, FROZEN).when(command).then_nothing()


def test_an_answer_about_another_order_freezes_the_payment():
    payment().given(*waiting()).when(inquired(observation("settled", attempt=7))).then(
        e.ReviewRequested
    )


# ── paid late, paid twice ───────────────────────────────────────────────────────────────────────────────────────────


BY_HAND = (e.LatePaymentReceived, e.LatePaymentSettled, DecisionNeeded)
BY_REFUND = (e.LatePaymentReceived, e.LatePaymentSettled, e.RefundRequested)


@pytest.mark.parametrize("ended", ["expired", "cancelled", "denied", "failed"])
def test_a_payment_of_what_was_over_is_the_payers_own_and_is_booked_once(ended):
    over = shown(payment().given(*waiting()), ended, "settled").then(*BY_HAND)

    assert over.fact(e.LatePaymentReceived).because == ended
    assert over.state.status is Status(ended)
    shown(over, "settled").then_nothing()
    shown(over, "captured").then_nothing()
    shown(over, "expired").then_nothing()


SECOND_TRY = attempt_started(2, "bca_va"), dispatched(2), pending(2)


@pytest.mark.parametrize(
    ("since", "because"),
    [
        (SECOND_TRY, "paid_twice"),
        ((*SECOND_TRY, captured(attempt=2), settled(attempt=2)), "paid_twice"),
        ((*SECOND_TRY, expired(2)), "denied"),
    ],
    ids=["a new attempt is live", "a new attempt was paid", "the new attempt is over, too"],
)
def test_a_payment_of_an_old_attempt_is_told_from_that_of_the_new_one(since, because):
    old = payment().given(*waiting("gopay", fallback=("bca_va",)), denied(), *since)
    before = old.state

    shown(old, "settled").then(*BY_REFUND)
    assert old.fact(e.LatePaymentReceived).because == because
    assert (old.state.status, old.state.captured) == (before.status, before.captured)
    shown(old, "settled").then_nothing()


def test_a_late_payment_that_is_taken_back_is_looked_at_by_a_person():
    late = shown(payment().given(*waiting("permata_va")), "expired", "settled").then(*BY_HAND)

    shown(late, "denied").then(e.ReviewRequested)


def test_a_second_payment_on_a_paid_page_is_the_payers_own():
    page = payment().given(
        *sent("snap"), pending(instructions=PAGE, transaction_id=""), captured(), settled()
    )
    second = page.when(inquired(observation("settled", transaction_id="t-other"))).then(*BY_REFUND)

    assert second.fact(e.LatePaymentReceived).because == "paid_twice"
    second.when(inquired(observation("settled", transaction_id="t-other"))).then_nothing()


@pytest.mark.parametrize("status", ["denied", "failed", "cancelled", "expired", "pending"])
def test_another_transaction_of_a_paid_page_says_nothing_of_the_paid_one(status):
    page = payment().given(*sent("snap"), captured())

    page.when(inquired(observation(status, transaction_id="t-other"))).then_nothing()


# ── booked ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_fact_of_money_brings_its_entry():
    booked = Scenario(BOOKED_PAYMENT).given(*waiting()).when(inquired(observation("settled")))

    assert [type(fact).__name__ for fact in booked.new] == [
        *("PaymentCaptured", "EntryPosted"),
        *("PaymentSettled", "EntryPosted"),
    ]

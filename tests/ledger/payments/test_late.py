"""What was given up and comes to life after all: cancelled, sent back, or a person's business."""

import pytest

from ledger.payments import events as e
from ledger.payments.deciding import BOOKED_PAYMENT, PAYMENT
from ledger.payments.life import RefundStatus, Status
from ledger.payments.review_events import DecisionNeeded
from support.facts import (
    after,
    cancel_requested,
    denied,
    expired,
    listed,
    observation,
    paid,
    refund_dispatched,
    refund_requested,
    sent,
    unknown,
    waiting,
)
from support.payment_commands import (
    BANK_SAYS_NO,
    NOWHERE,
    TIMEOUT,
    inquired,
    refunded,
    send_refund,
)
from support.payment_facts import balances, rp
from support.scenario import Scenario


def abandoned(method="gopay"):
    return (
        Scenario(PAYMENT)
        .given(*sent(method), unknown(), cancel_requested())
        .when(inquired(NOWHERE))
        .then(e.PaymentAbandoned)
    )


def late_and_settled(method="gopay"):
    over = Scenario(BOOKED_PAYMENT).given(*waiting(method), expired())
    return over.when(inquired(observation("settled"), at=after(days=2)))


def books(scenario):
    return balances([fact for fact in scenario.facts if hasattr(fact, "legs")])


def test_a_charge_that_arrives_after_it_was_given_up_is_found_and_cancelled():
    stray = abandoned().when(inquired(observation("pending"))).then(e.StrayChargeFound)

    stray.when(inquired(observation("pending"))).then_nothing()
    stray.when(inquired(observation("cancelled"))).then(e.AttemptClosed)
    assert stray.state.status is Status.CANCELLED


def test_what_the_gateway_never_saw_is_given_up_once_its_time_is_over_and_stays_watched():
    doubt = Scenario(PAYMENT).given(*sent(), unknown())

    doubt.when(inquired(NOWHERE, at=after(hours=23))).then_nothing()
    over = doubt.when(inquired(NOWHERE, at=after(hours=25))).then(e.PaymentAbandoned)
    assert over.state.status is Status.CANCELLED
    over.when(inquired(NOWHERE, at=after(days=7))).then_nothing()
    over.when(inquired(TIMEOUT, at=after(days=9))).then_nothing()
    over.when(inquired(NOWHERE, at=after(days=9))).then(e.AttemptClosed)
    over.when(inquired(NOWHERE, at=after(days=10))).then_nothing()


def test_what_was_never_sent_is_not_watched():
    given_up = Scenario(PAYMENT).given(*waiting()).state

    assert given_up.attempt.watch_until is None


def test_an_expired_attempt_is_looked_at_once_more_and_then_left_alone():
    over = Scenario(PAYMENT).given(*waiting(), expired())

    over.when(inquired(observation("expired"), at=after(days=1, hours=23))).then_nothing()
    over.when(inquired(TIMEOUT, at=after(days=3))).then_nothing()
    over.when(inquired(observation("expired"), at=after(days=3))).then(e.AttemptClosed)
    over.when(inquired(observation("expired"), at=after(days=4))).then_nothing()


def test_late_money_that_is_captured_only_is_voided_and_nothing_stays_on_the_books():
    over = Scenario(BOOKED_PAYMENT).given(*waiting("credit_card"), denied())
    over.when(inquired(observation("captured")))
    assert books(over)["Liabilities:Customer:Unapplied"] == -99_000

    over.when(inquired(observation("cancelled")))
    assert over.fact(e.LatePaymentReturned).how == "cancelled"
    assert not books(over)


def test_settled_late_money_goes_back_by_a_refund_of_its_own():
    late = late_and_settled()
    refund = late.state.refunds[0]
    assert (refund.late_attempt, refund.amount) == (1, rp(99_000))

    late.when(send_refund(refund.refund_id, at=after(days=2, seconds=1)))
    back = listed(refund.refund_id, 99_000, confirmed=True)
    late.when(inquired(observation("settled", refunds=[back]), at=after(days=2, hours=1)))

    assert late.fact(e.LatePaymentReturned).how == "refunded"
    assert late.state.refunds[0].status is RefundStatus.CONFIRMED
    assert (late.state.refunded, late.state.status) == (rp(0), Status.EXPIRED)
    held = books(late)
    assert not held.keys() & {"Liabilities:Customer:Unapplied", "Liabilities:Refund:Payable"}
    late.when(inquired(observation("settled", refunds=[back]), at=after(days=3)))
    assert not late.new


def test_money_that_cannot_be_refunded_through_the_gateway_waits_for_a_person():
    late = late_and_settled("bca_va")

    assert isinstance(late.new[-1], DecisionNeeded)
    assert not late.state.refunds


def test_when_the_gateway_refuses_to_send_late_money_back_a_person_does():
    late = late_and_settled()
    refund_id = late.state.refunds[0].refund_id
    late.when(send_refund(refund_id, at=after(days=2, seconds=1)))

    late.when(refunded(BANK_SAYS_NO, refund_id))
    assert [type(fact) for fact in late.new] == [e.RefundFailed, DecisionNeeded]
    assert late.state.find_question("late_payment", "1")


def test_late_money_is_sent_back_whatever_becomes_of_the_payment_itself():
    """An old attempt is paid while the new one is live: its refund does not wait for the new one."""
    history = (
        *waiting("gopay", fallback=("bca_va",)),
        denied(),
        e.AttemptStarted(
            attempt=2,
            order_id="pay_1-2",
            method="bca_va",
            why=e.RoutingReason(rule="fallback", words=""),
            occurred_at=after(3),
        ),
    )
    twice = Scenario(PAYMENT).given(*history).when(inquired(observation("settled")))
    refund_id = twice.state.refunds[0].refund_id

    twice.when(send_refund(refund_id)).then(e.RefundDispatched)
    assert twice.state.status is Status.REQUESTED
    assert twice.state.refunding == rp(0)


@pytest.mark.parametrize("seconds", [0, 599])
def test_a_refund_that_is_not_listed_yet_is_waited_for(seconds):
    taken = accepted_refund()
    taken.when(inquired(observation("settled"), at=after(122 + seconds))).then_nothing()


def test_a_refund_that_the_gateway_stops_listing_has_failed_and_is_owed_no_more():
    taken = accepted_refund()

    taken.when(inquired(observation("settled"), at=after(122 + 600))).then(e.RefundFailed)
    assert taken.fact(e.RefundFailed).accepted == taken.fact(e.RefundAccepted)
    assert taken.state.refundable == rp(99_000)


def accepted_refund():
    return (
        Scenario(PAYMENT)
        .given(*paid(), refund_requested(), refund_dispatched())
        .when(refunded(observation("settled", refunds=[listed()])))
        .then(e.RefundAccepted)
    )

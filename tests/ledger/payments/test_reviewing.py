"""Questions to persons: who may answer what, that it takes two, and what follows from it."""

import pytest

from ledger.access.second_person import SecondPersonNeeded
from ledger.due import Due, by_event, changes
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments.deciding import BOOKED_PAYMENT, PAYMENT
from ledger.payments.due import RULES
from ledger.payments.life import RefundStatus, Status
from ledger.payments.payment import PaymentUnderReview
from ledger.payments.review_events import FREEZING, QuestionAnswered, ReviewDecided, ReviewProposed
from ledger.payments.reviewing import (
    DECISIONS,
    DecisionNotAllowed,
    ReviewNotOpen,
)
from ledger.providers.port import Did
from support.facts import (
    after,
    expired,
    observation,
    paid,
    refund_dispatched,
    refund_requested,
    refund_unknown,
    sent,
    unknown,
    waiting,
)
from support.payment_commands import NOWHERE, TIMEOUT, inquired, refund
from support.payment_facts import balances, rp
from support.scenario import Scenario


def decide(rule, decision, by="ana", outcome=None, subject="", at=None):
    return c.DecideReview(
        rule=rule,
        subject=subject,
        decision=decision,
        by=by,
        reason="told by the bank",
        outcome=Did(outcome) if outcome else outcome,
        now=at or after(days=3),
    )


def frozen(amount=98_950):
    return (
        Scenario(BOOKED_PAYMENT)
        .given(*waiting("bca_va"))
        .when(inquired(observation("settled", amount)))
        .then(e.ReviewRequested)
    )


def in_doubt():
    return Scenario(PAYMENT).given(*sent(), unknown()).when(inquired(TIMEOUT, at=after(days=2)))


def both(scenario, rule, decision, **more):
    """Ana proposes, Budi decides."""
    scenario.when(decide(rule, decision, **more)).then(ReviewProposed)
    return scenario.when(decide(rule, decision, by="budi", **more))


def test_a_frozen_payment_is_asked_about_again_on_one_persons_word():
    again = frozen().when(decide("amount_differs", "look_again")).then(ReviewDecided)

    assert not again.state.review
    (look,) = [
        one for one in changes(by_event(RULES), again.fact(ReviewDecided)) if isinstance(one, Due)
    ]
    assert (look.kind, look.due_at) == ("inquire", after(days=3))
    again.when(inquired(observation("settled", 98_950))).then(e.ReviewRequested)


@pytest.mark.parametrize(
    ("held", "due", "rounding", "unapplied"),
    [(98_950, 99_000, 50, 0), (90_000, 90_000, 0, 0), (100_000, 99_000, 0, -1_000)],
    ids=["short by a little", "short by much", "overpaid"],
)
def test_what_the_gateway_holds_is_accepted_by_two_persons(held, due, rounding, unapplied):
    seen = observation("settled", held)
    accepted = both(frozen(held), "amount_differs", "accept_amount", outcome=seen)

    captured = accepted.fact(e.PaymentCaptured)
    assert (captured.due, captured.rounding) == (rp(due), rp(rounding))
    assert accepted.state.status is Status.SETTLED
    books = balances([fact for fact in accepted.facts if hasattr(fact, "legs")])
    assert sum(books.values()) == 0
    assert books.get("Liabilities:Customer:Unapplied", 0) == unapplied
    accepted.when(inquired(seen)).then_nothing()


def test_the_same_person_cannot_decide_what_they_proposed():
    proposed = frozen().when(decide("amount_differs", "close")).then(ReviewProposed)

    refusal = proposed.when(decide("amount_differs", "close")).then_refused(SecondPersonNeeded)
    assert refusal.code == "second_person_needed"


def test_a_second_person_who_answers_otherwise_has_proposed_that():
    proposed = frozen().when(decide("amount_differs", "close"))
    seen = observation("settled", 98_950)

    proposed.when(decide("amount_differs", "accept_amount", by="budi", outcome=seen)).then(
        ReviewProposed
    )
    proposed.when(decide("amount_differs", "close", by="budi")).then(ReviewProposed)


def test_what_is_closed_by_hand_stays_frozen_and_is_off_the_list():
    closed = both(frozen(), "amount_differs", "close").then(ReviewDecided)

    assert (closed.state.review, closed.state.questions) == ("closed_by_hand", ())
    assert not [
        one for one in changes(by_event(RULES), closed.fact(ReviewDecided)) if isinstance(one, Due)
    ]
    closed.when(inquired(observation("settled"))).then_nothing()
    closed.when(refund()).then_refused(PaymentUnderReview)


def test_a_charge_in_doubt_is_given_up_by_two_persons_and_stays_watched():
    over = both(in_doubt(), "outcome_unknown", "not_charged").then(
        ReviewDecided, e.PaymentAbandoned
    )

    assert over.state.status is Status.CANCELLED
    assert over.state.attempt.watch_until == after(days=10)
    over.when(inquired(observation("pending"), at=after(days=4))).then(e.StrayChargeFound)


def test_the_gateways_own_answer_ends_the_question():
    doubt = (
        in_doubt().when(inquired(observation("pending"))).then(e.ChargePending, QuestionAnswered)
    )

    doubt.when(decide("outcome_unknown", "not_charged")).then_refused(ReviewNotOpen)


def test_a_refund_in_doubt_is_called_failed_by_two_persons():
    doubt = (
        Scenario(PAYMENT)
        .given(*paid(), refund_requested(), refund_dispatched(), refund_unknown())
        .when(inquired(TIMEOUT, at=after(days=2)))
    )

    failed = both(doubt, "refund_unknown", "not_refunded", subject="ref_1").then(
        ReviewDecided, e.RefundFailed
    )
    assert failed.state.refunds[0].status is RefundStatus.FAILED


def test_late_money_that_went_back_by_transfer_is_owed_until_the_bank_statement_shows_it():
    late = Scenario(BOOKED_PAYMENT).given(*waiting("bca_va"), expired())
    late.when(inquired(observation("settled"), at=after(days=2)))

    both(late, "late_payment", "returned")
    assert late.fact(e.LatePaymentReturned).how == "by_hand"
    books = balances([fact for fact in late.facts if hasattr(fact, "legs")])
    assert "Liabilities:Customer:Unapplied" not in books
    assert books["Liabilities:Refund:Payable"] == -99_000
    late.when(decide("late_payment", "returned")).then_refused(ReviewNotOpen)


def test_an_answer_that_is_none_and_a_question_that_nobody_asked_are_refused():
    frozen().when(decide("amount_differs", "not_charged")).then_refused(DecisionNotAllowed)
    frozen().when(decide("outcome_unknown", "not_charged")).then_refused(ReviewNotOpen)


def test_an_amount_is_accepted_only_while_the_gateway_holds_it():
    for seen in (observation("pending"), None):
        frozen().when(decide("amount_differs", "accept_amount", outcome=seen)).then_refused(
            DecisionNotAllowed
        )


def test_each_rule_has_its_decisions_and_the_freezing_ones_can_be_looked_at_again():
    assert set(FREEZING) <= set(DECISIONS)
    assert all("look_again" in [one.name for one in DECISIONS[rule]] for rule in FREEZING)


def test_never_seen_is_no_answer_to_a_question():
    doubt = in_doubt()

    doubt.when(inquired(NOWHERE, at=after(hours=1))).then_nothing()
    assert doubt.state.questions

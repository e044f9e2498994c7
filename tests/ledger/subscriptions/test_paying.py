"""Another way of paying: what is open is tried by it, or waits until it is due."""

import pytest

from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.life import Status
from support.subscription_facts import (
    ACCOUNT,
    NEW_CARD,
    PRO,
    Life,
    june,
    on,
    rp,
)
from support.subscription_lives import dunned_to_the_end, overdue

S = Status


def test_another_way_of_paying_waits_for_the_next_bill():
    life = june().paying(ACCOUNT, on(6, 11))

    life.story.then(e.PayingChanged)
    assert life.state.look_at == on(6, 28)  # three days ahead


@pytest.mark.parametrize("how", [NEW_CARD, ACCOUNT])
def test_an_overdue_bill_is_tried_by_it_at_once(how: e.Paying):
    life = overdue().paying(how, on(3, 1))

    life.story.then(e.PayingChanged, e.CollectionOrdered)
    ordered = life.told(e.CollectionOrdered)
    assert (ordered.why, ordered.method, ordered.attempt) == ("method_changed", how.method, 2)


def test_a_bill_that_is_being_pulled_is_left_alone():
    life = overdue().advanced().advanced()  # the retry after a day
    assert life.told(e.CollectionOrdered).why == "retry"

    life.paying(NEW_CARD, life.now).story.then(e.PayingChanged)


def test_the_first_bill_is_tried_by_it_and_the_day_goes_on():
    life = Life().created().refused(1).paying(ACCOUNT, on(1, 31, hour=9))

    life.story.then(e.PayingChanged, e.CollectionOrdered)
    assert life.told(e.CollectionOrdered).expires_at == on(2, 1)


def test_one_that_was_given_up_recovers_by_it():
    life = dunned_to_the_end("strict").paying(NEW_CARD, on(6, 2))

    life.story.then(e.PayingChanged, e.CollectionOrdered)
    life.paid(2)
    assert (life.state.status, life.told(e.BillSettled).recovered) == (S.ACTIVE, True)


def test_a_bill_sent_ahead_is_pulled_when_it_is_due_once_there_is_a_card():
    life = june(PRO, ACCOUNT).advanced().paying(NEW_CARD, on(6, 29))
    life.story.then(e.PayingChanged)
    assert life.state.look_at == on(7, 1)

    life.advanced()
    life.story.then(e.CollectionOrdered)
    assert life.told(e.CollectionOrdered).saved_method == "pm_2"
    assert life.state.status is S.ACTIVE
    life.refused(2)
    assert life.state.status is S.IN_GRACE  # though the account number still waits


def test_of_two_open_bills_the_dunned_one_is_tried():
    """February's is overdue; January's payment did not last."""
    life = overdue()
    life.when(
        c.RecordBillReopened(
            now=life.now,
            bill_id="bill_1_1",
            period=1,
            payment_id="pay_1",
            to_pay=rp(99_000),
            credited=rp(0),
        )
    )

    life.paying(NEW_CARD, on(3, 1))
    assert life.told(e.CollectionOrdered).bill_id == "bill_1_2"


def test_an_account_that_runs_out_the_moment_its_bill_is_due_does_not_hinder_the_card():
    life = june(PRO, ACCOUNT).advanced().paying(NEW_CARD, on(6, 29))
    life.refused(2, at=on(7, 1), trouble="needs_customer")
    life.story.then(e.CollectionFailed)

    life.advanced()
    assert life.told(e.CollectionOrdered).saved_method == "pm_2"

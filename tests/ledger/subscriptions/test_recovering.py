"""What was overdue is paid after all, or owed again, or never paid."""

from datetime import datetime

import pytest

from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.life import Status
from ledger.subscriptions.periods import Interval
from support.subscription_facts import MAX, NEW_CARD, PRO, Life, june, on, rp, sold
from support.subscription_lives import dunned_to_the_end, kinds, overdue, steps

S = Status
# ── recovery ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("policy", "pays_on", "was", "looks"),
    [
        ("standard", on(3, 2), S.IN_GRACE, on(3, 31)),
        ("standard", on(3, 10), S.PAST_DUE, on(3, 31)),
        ("strict", on(3, 2), S.PAST_DUE, on(3, 31)),
        ("strict", on(3, 20), S.UNPAID, on(3, 31)),
        ("gentle", on(3, 30, hour=12), S.PAUSED, on(3, 31)),
    ],
)
def test_a_late_payment_recovers(policy: str, pays_on: datetime, was: Status, looks: datetime):
    life = overdue(policy).idle_until(pays_on, "retry_later")
    assert life.state.status is was

    life.paid(2, at=pays_on)
    life.story.then(e.BillSettled)
    assert (life.state.status, life.told(e.BillSettled).recovered) == (S.ACTIVE, True)
    assert (life.state.dunning, life.state.look_at) == (None, looks)
    assert life.state.has_access


def test_the_fallback_is_withdrawn_when_a_retry_pays():
    life = overdue().idle_until(on(3, 5), "retry_later").paying(NEW_CARD, on(3, 6))
    *_, account, card = life.state.open_bills[0].live

    life.when(
        c.RecordBillPaid(now=on(3, 6), bill_id="bill_1_2", payment_id=card, amount=rp(99_000))
    )
    assert life.told(e.BillSettled).withdrawn == (account,)


def test_a_missed_gap_of_one_that_was_given_up_is_told():
    """Given up on March 7, paid on June 20: two periods passed unbilled, one is billed, one runs."""
    life = dunned_to_the_end("strict").paid(2, at=on(6, 20)).advanced()

    missed = life.told(e.PeriodsMissed)
    assert (missed.first, missed.periods) == (3, 1)
    assert life.told(e.PeriodOpened).starts_at == on(4, 30)


# ── changes that are not paid ───────────────────────────────────────────────────────────────────────────────────────


def test_an_upgrade_that_is_not_paid_is_dunned_and_ends_all():
    life = june().changed(MAX, on(6, 11)).refused(2)
    assert (life.state.status, life.told(e.DunningStarted).overdue_since) == (
        *(S.IN_GRACE, on(6, 11)),
    )

    life.idle_until(on(6, 25), "retry_later")
    assert life.state.status is S.CANCELLED
    assert life.told(e.BillDropped).bill_id == "bill_1_2"


def test_the_policy_of_the_plan_in_force_is_followed():
    strict = sold(199_000, name="Max", dunning_policy="strict")

    life = june().changed(strict, on(6, 11)).refused(2)
    assert life.state.status is S.PAST_DUE


# ── undone ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def undone(life: Life, bill: int, at: datetime, credited: int = 0) -> Life:
    life.when(
        c.RecordBillReopened(
            now=at,
            bill_id=f"bill_1_{bill}",
            period=bill,
            payment_id=f"pay_{bill}",
            to_pay=rp(99_000),
            credited=rp(credited),
        )
    )
    return life


def test_a_payment_that_did_not_last_is_owed_again_and_not_pulled_by_itself():
    life = undone(june(), 1, on(6, 11))

    life.story.then(e.BillUnsettled, e.DunningStarted)
    assert life.state.status is S.IN_GRACE
    life.idle_until(on(6, 14))
    assert [step[2] for step in steps(life)] == [
        *("still_unpaid", "not_by_this_method", "not_by_this_method", "still_unpaid"),
    ]
    assert kinds(life) == ["method_needed", "method_needed"]


def test_credit_that_came_from_it_is_withdrawn_until_it_is_paid_again():
    """66,667 of it paid July already, and is owed meanwhile."""
    life = june(MAX).changed(PRO, on(6, 11)).advanced().paid(2)
    taken_off = life.told(e.SubscriptionChanged).credited[0].share
    life.when(
        c.RecordBillReopened(
            now=on(7, 2),
            bill_id="bill_1_1",
            period=1,
            payment_id="pay_1",
            to_pay=rp(199_000),
            credited=rp(66_667),
            credited_share=taken_off,
        )
    )
    life.story.then(e.CreditGiven, e.BillUnsettled, e.DunningStarted)
    assert life.state.credit == rp(-66_667)

    life.paid(1, at=on(7, 3))
    life.story.then(e.BillSettled, e.CreditGiven)
    assert life.told(e.BillSettled).credited == (e.Credited(bill_id="bill_1_1", share=taken_off),)
    assert life.state.credit == rp(0)


def test_credit_that_is_owed_comes_on_the_next_bill():
    life = undone(june(MAX).changed(PRO, on(6, 11)).advanced().paid(2), 1, on(7, 2), 66_667)

    life.paid(1).advanced()
    assert (life.now, life.to_pay(3)) == (on(8, 1), 99_000 + 66_667)


def test_a_bill_of_an_old_period_is_owed_beside_the_running_one():
    life = undone(june().advanced().paid(2), 1, on(7, 5))
    assert life.state.status is S.IN_GRACE

    life.paid(1)
    assert (life.state.status, life.state.look_at) == (S.ACTIVE, on(8, 1))


def test_the_credit_that_paid_a_part_comes_back_when_the_bill_is_dropped():
    life = june()
    life.when(
        c.RecordBillReopened(
            now=on(6, 2),
            bill_id="bill_1_1",
            period=1,
            payment_id="pay_1",
            to_pay=rp(60_000),
            credited=rp(0),
            credit=rp(39_000),
        )
    )

    assert life.cancelled(on(6, 3), on(6, 3)).state.credit == rp(39_000)


def test_in_a_pause_it_is_owed_without_a_word_and_dunned_after_it():
    life = undone(june().paused(on(6, 3)), 1, on(6, 5))
    assert (life.state.status, life.state.look_at) == (S.PAUSED, None)

    life.resumed(on(6, 20)).advanced(on(6, 20))
    assert life.state.status is S.IN_GRACE


def test_after_the_end_it_is_on_record_and_nobody_is_asked():
    life = undone(june().cancelled(on(6, 3), on(6, 3)), 1, on(6, 5))

    assert (life.state.status, life.state.look_at) == (S.CANCELLED, None)
    assert life.paid(1).state.status is S.CANCELLED


def test_one_that_waits_for_its_new_first_bill_is_not_begun_by_an_old_one():
    life = june().cancelled(on(6, 3), on(6, 3)).reactivated(on(6, 10))
    undone(life, 1, on(6, 10))

    assert life.paid(1).state.status is S.INCOMPLETE
    assert life.paid(2).state.status is S.ACTIVE


# ── two bills ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_two_open_bills_the_older_is_dunned_and_then_the_other():
    """July's card payment is unknown for a month, August's is refused first."""
    life = june().advanced().advanced()
    assert [bill.bill_id for bill in life.state.open_bills] == ["bill_1_2", "bill_1_3"]

    life.refused(2, at=on(8, 1)).refused(3)
    assert life.told(e.DunningStarted).bill_id == "bill_1_2"
    life.paid(2)
    assert (life.state.status, life.state.look_at) == (S.ACTIVE, on(8, 1))
    life.advanced()
    assert life.told(e.DunningStarted).bill_id == "bill_1_3"
    assert life.paid(3).state.look_at == on(9, 1)


def test_a_cancellation_by_policy_drops_both():
    life = june().advanced().advanced().refused(2, at=on(8, 1)).idle_until(on(8, 20), "retry_later")

    dropped = [fact.bill_id for fact in life.story.facts if isinstance(fact, e.BillDropped)]
    assert (life.state.status, dropped) == (S.CANCELLED, ["bill_1_2", "bill_1_3"])


def test_a_second_bill_stays_paused_with_a_first_that_was_given_up():
    """Both are written off in one pause only if both were dunned; the other one just waits."""
    gentle = sold(dunning_policy="gentle")
    life = june(gentle).advanced().advanced().refused(2, at=on(8, 1)).refused(3)
    life.idle_until(on(9, 15), "retry_later")
    assert life.state.status is S.PAUSED

    life.paid(3)
    assert life.state.status is S.PAUSED
    life.paid(2)
    assert life.state.status is S.ACTIVE


def test_who_resumes_after_the_policy_paused_begins_anew_and_owes_nothing():
    """Its year is paid, an upgrade of it is not."""
    year = {"interval": Interval("year"), "dunning_policy": "gentle"}
    life = june(sold(990_000, **year)).changed(sold(1_990_000, name="Max", **year), on(6, 11))
    life.refused(2).idle_until(on(8, 15), "retry_later")
    assert life.state.status is S.PAUSED

    life.resumed(on(8, 16))
    life.story.then(*(e.BillDropped, e.SubscriptionResumed, e.PeriodOpened, e.CollectionOrdered))
    assert life.told(e.PeriodOpened).starts_at == on(8, 16)


def test_who_resumes_and_was_to_be_cancelled_still_is():
    gentle = sold(dunning_policy="gentle")
    life = june(gentle).cancelled(on(6, 2), on(12, 1)).advanced().refused(2)
    life.idle_until(on(8, 15), "retry_later").resumed(on(8, 16))

    assert (life.state.status, life.state.look_at) == (S.CANCELLING, on(9, 16))

"""Cancelling: at the end of what is paid for, at a date, at once; with credit or without."""

import pytest

from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.changing import EffectiveDatePast
from ledger.subscriptions.life import Status
from ledger.subscriptions.pricing import share
from support.subscription_facts import ACCOUNT, JUNE, MAX, PRO, Life, june, later, on, rp, sold
from support.subscription_lives import overdue

S = Status


def test_without_a_date_it_ends_with_what_is_paid_for():
    life = june().cancelled(on(6, 11))

    life.story.then(e.CancellationScheduled)
    assert (life.state.status, life.state.has_access) == (S.CANCELLING, True)
    assert life.state.look_at == on(7, 1)
    life.advanced()
    life.story.then(e.SubscriptionCancelled)
    assert life.told(e.SubscriptionCancelled).by == "schedule"
    assert (life.state.status, life.state.look_at, life.state.has_access) == (
        *(S.CANCELLED, None, False),
    )


def test_at_once_with_credit_gives_back_the_days_that_are_left():
    life = june().cancelled(on(6, 11), on(6, 11), credit=True)

    life.story.then(e.SubscriptionCancelled)
    (taken,) = life.told(e.SubscriptionCancelled).credited
    assert (taken.bill_id, taken.share.total) == ("bill_1_1", rp(66_000))
    assert life.state.credit == rp(66_000)


def test_at_once_without_credit_gives_nothing_back():
    life = june().cancelled(on(6, 11), on(6, 11))

    assert (life.told(e.SubscriptionCancelled).credited, life.state.credit) == ((), rp(0))


def test_at_a_date_within_the_period_is_as_of_that_date_however_late_the_worker():
    life = june().cancelled(on(6, 2), on(6, 11), credit=True).advanced(on(6, 14))

    assert (life.told(e.SubscriptionCancelled).at, life.state.credit) == (on(6, 11), rp(66_000))


def test_at_a_date_in_a_later_period_it_renews_until_then():
    life = june().cancelled(on(6, 2), on(7, 11), credit=True).advanced()
    assert (life.now, life.to_pay(2)) == (on(7, 1), 99_000)

    life.paid(2).advanced()
    assert life.state.status is S.CANCELLED
    assert life.state.credit == rp(67_065)  # 21 of 31 days: 99,000 less 31,935


def test_in_the_past_it_is_refused():
    wanted = c.CancelSubscription(now=on(6, 11), at=on(6, 10), reason="enough")

    june().when(wanted).then_refused(EffectiveDatePast)


def test_with_an_open_bill_at_once_nothing_is_owed_and_nothing_given_for_it():
    """July's bill is being pulled; June was used."""
    life = june().advanced().cancelled(on(7, 2), on(7, 2), credit=True)

    life.story.then(e.BillDropped, e.SubscriptionCancelled)
    dropped = life.told(e.BillDropped)
    assert (dropped.bill_id, dropped.payment_ids) == ("bill_1_2", ("pay_2",))
    assert (life.told(e.SubscriptionCancelled).credited, life.state.credit) == ((), rp(0))


@pytest.mark.parametrize(("day", "given"), [(12, 59_367), (28, 0)])
def test_with_an_upgrade_that_is_not_paid_no_more_is_given_than_is_left_of_what_was(day, given):
    """Ten days of 99,000, then 6,633.33 a day: eleven days come to 39,633, twenty-seven to 145,767."""
    life = june().changed(MAX, on(6, 11)).cancelled(on(6, day), on(6, day), credit=True)

    assert life.state.credit == rp(given)
    assert bool(life.told(e.SubscriptionCancelled).repriced) == bool(given)


def test_no_bill_is_sent_ahead_for_a_period_that_will_not_be():
    life = june(PRO, ACCOUNT).cancelled(on(6, 11))

    assert life.state.look_at == on(7, 1)


@pytest.mark.parametrize(("refunded", "given"), [(99_000, 0), (50_000, 49_000), (20_000, 66_000)])
def test_what_was_refunded_is_not_given_a_second_time(refunded: int, given: int):
    """Of 99,000, 66,000 are not used."""
    life = june()
    life.when(c.RecordRefund(now=on(6, 5), bill_id="bill_1_1", share=split(refunded)))

    assert life.cancelled(on(6, 11), on(6, 11), credit=True).state.credit == rp(given)


@pytest.mark.parametrize(("net", "tax"), [(89_189 - 10_000, 9_811 + 5_000), (89_189 + 900, 0)])
def test_a_refund_split_otherwise_leaves_no_rupiah_more(net: int, tax: int):
    """The payment splits its refunds by itself, and rounds by itself."""
    life = june()
    back = e.Share(net=rp(net), tax=rp(tax))
    life.when(c.RecordRefund(now=on(6, 5), bill_id="bill_1_1", share=back))

    given = life.cancelled(on(6, 1), on(6, 1), credit=True).state.credit

    assert given == rp(99_000) - back.total


def test_a_refund_that_did_not_last_counts_no_more():
    life = june()
    back = split(99_000)
    life.when(c.RecordRefund(now=on(6, 5), bill_id="bill_1_1", share=back))
    undone = e.Share(net=-back.net, tax=-back.tax)
    life.when(c.RecordRefund(now=on(6, 6), bill_id="bill_1_1", share=undone))

    assert life.cancelled(on(6, 11), on(6, 11), credit=True).state.credit == rp(66_000)


def test_credit_that_a_dropped_bill_had_used_comes_back():
    life = june()
    life.when(c.RecordCredit(now=on(6, 2), bill_id="bill_1_1", amount=rp(60_000)))
    life.advanced()
    assert (life.to_pay(2), life.state.credit) == (39_000, rp(0))

    assert life.cancelled(on(7, 1), on(7, 1)).state.credit == rp(60_000)


def test_a_bill_that_was_issued_ahead_is_withdrawn():
    life = june(PRO, ACCOUNT).advanced().cancelled(on(6, 29))

    life.story.then(e.PeriodWithdrawn, e.CancellationScheduled)
    assert life.told(e.CancellationScheduled).at == on(7, 1)
    assert life.state.open_bills == ()


def test_what_is_paid_ahead_is_had():
    life = june(PRO, ACCOUNT).advanced().paid(2).cancelled(on(6, 29))

    assert life.told(e.CancellationScheduled).at == on(8, 1)


def test_what_is_paid_ahead_is_given_back_as_a_whole():
    life = june(PRO, ACCOUNT).advanced().paid(2).cancelled(on(6, 29), on(6, 29), credit=True)

    assert life.state.credit == rp(6_600 + 99_000)  # two of thirty days, and July


def test_twice_is_once_and_never_sooner():
    life = june().cancelled(on(6, 11))

    life.cancelled(on(6, 12)).story.then_nothing()
    moved = life.cancelled(on(6, 12), on(6, 20))
    moved.story.then(e.CancellationScheduled)
    assert moved.state.look_at == on(6, 20)


def test_on_trial_it_ends_with_the_trial():
    life = Life().created(sold(trial_days=14), at=JUNE).cancelled(on(6, 3))
    assert life.told(e.CancellationScheduled).at == on(6, 15)

    life.cancelled(on(6, 4)).story.then_nothing()
    life.advanced()
    assert life.state.status is S.CANCELLED and life.state.bills == 0


def test_a_scheduled_change_goes_with_it():
    life = june().changed(MAX, on(6, 2), at=on(6, 20)).cancelled(on(6, 11))

    assert (life.state.scheduled, life.state.look_at) == (None, on(7, 1))


def test_an_overdue_one_ends_at_once_and_every_retry_stops():
    life = overdue()
    life.cancelled(later(life.now, hours=1)).story.then(e.BillDropped, e.SubscriptionCancelled)

    assert (life.state.look_at, life.state.dunning) == (None, None)
    late = c.Advance(now=on(3, 10), payment_id="pay_x")
    life.when(late).then_nothing()


def test_its_money_that_comes_after_all_is_credit():
    life = june().advanced().cancelled(on(7, 2), on(7, 2))
    paid = c.RecordBillPaid(now=on(7, 2), bill_id="bill_1_2", payment_id="pay_2", amount=rp(99_000))
    life.when(paid).then_nothing()

    life.when(c.RecordCredit(now=on(7, 2), bill_id="bill_1_2", amount=rp(99_000)))
    life.story.then(e.CreditGiven)
    assert (life.state.credit, life.state.status) == (rp(99_000), S.CANCELLED)


def test_who_is_to_be_cancelled_and_does_not_pay_is_dunned_until_then():
    """July's bill fails; it was to end on the eleventh."""
    life = june().cancelled(on(6, 2), on(7, 11)).advanced().refused(2)
    assert life.state.status is S.IN_GRACE

    life.idle_until(on(7, 10))
    assert life.state.status is S.PAST_DUE
    life.advanced()
    assert (life.now, life.state.status) == (on(7, 11), S.CANCELLED)


def test_who_pays_then_is_to_be_cancelled_as_before():
    life = june().cancelled(on(6, 2), on(7, 11)).advanced().refused(2).advanced()

    life.when(c.RecordBillPaid(now=on(7, 2), bill_id="bill_1_2", payment_id="", amount=rp(99_000)))
    assert life.told(e.BillSettled).recovered
    assert (life.state.status, life.state.look_at) == (S.CANCELLING, on(7, 11))


def split(amount: int) -> e.Share:
    return share(rp(amount), "inclusive", JUNE)

"""Another plan, price, quantity or coupon within a period: from June 1 to July 1, thirty days."""

import pytest

from ledger.coupons.terms import CouponTerms
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.life import Status
from ledger.subscriptions.periods import Interval
from support.subscription_facts import ACCOUNT, JUNE, MAX, PRO, Life, june, on, rp, sold

S = Status
YEAR = sold(990_000, name="Year", interval=Interval("year"))
HALF = CouponTerms(code="HALF", percent=50, periods=1)


def charge(life: Life) -> int:
    return life.told(e.SubscriptionChanged).charge.total.minor


def credit(life: Life) -> int:
    return sum(one.share.total.minor for one in life.told(e.SubscriptionChanged).credited)


def carried(life: Life) -> int:
    return life.state.carried.total.minor


# ── at once ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_upgrade_is_billed_now_for_the_days_that_are_left():
    """The whole June is 10 days of 99,000 and 20 of 199,000: 165,666.67, less 99,000 that was billed."""
    life = june().changed(MAX, on(6, 11))

    life.story.then(e.SubscriptionChanged, e.CollectionOrdered)
    changed = life.told(e.SubscriptionChanged)
    assert (changed.charge.net.minor, changed.charge.tax.minor) == (60_061, 6_606)
    assert (changed.bill_id, changed.due_at, life.to_pay(2)) == ("bill_1_2", on(6, 11), 66_667)
    assert life.state.what == MAX
    life.paid(2).advanced()
    assert life.to_pay(3) == 199_000


def test_a_downgrade_gives_credit_for_the_days_that_are_left():
    life = june(MAX).changed(PRO, on(6, 11))

    life.story.then(e.SubscriptionChanged)
    (taken,) = life.told(e.SubscriptionChanged).credited
    assert (taken.bill_id, taken.share.net.minor, taken.share.tax.minor) == (
        *("bill_1_1", 60_060, 6_607),
    )
    assert life.state.credit == rp(66_667)
    life.advanced()
    assert life.to_pay(2) == 99_000 - 66_667


def test_by_the_day_a_day_that_was_begun_is_the_old_plans():
    assert charge(june().changed(MAX, on(6, 11, hour=15))) == 63_333  # 19 of 30 days


def test_by_the_second_half_a_day_is_half_a_day():
    by_second = {"proration_by": "second"}
    life = june(sold(**by_second)).changed(
        sold(199_000, name="Max", **by_second), on(6, 11, hour=15)
    )

    assert charge(life) == 65_000  # 19.5 of 30 days


def test_seats_are_added_and_taken_away_for_the_days_that_are_left():
    life = june().changed(sold(quantity=3), on(6, 16))
    assert charge(life) == 99_000  # two more, for half a month

    life.paid(2).changed(sold(quantity=2), on(6, 21))
    assert credit(life) == 33_000  # one less, for a third


def test_several_changes_come_to_what_all_prices_come_to():
    """Ten days each: 33,000 + 66,333.33 + 33,000 is 132,333.33."""
    life = june().changed(MAX, on(6, 11)).paid(2).changed(PRO, on(6, 21))

    assert (66_667, credit(life)) == (66_667, 33_334)
    assert 99_000 + 66_667 - credit(life) == 132_333
    named = [one.bill_id for one in life.told(e.SubscriptionChanged).credited]
    assert named == ["bill_1_2", "bill_1_1"]  # the newest pays first, and each is told


def test_up_and_down_at_the_same_moment_costs_nothing():
    life = june().changed(MAX, on(6, 11)).paid(2).changed(PRO, on(6, 11))

    assert credit(life) == 66_667


def test_a_change_in_a_first_period_that_was_entered_late_costs_its_part():
    """10 days of nothing, 10 of 99,000, 8 of 199,000 in 28: 92,214.29, less 63,643."""
    life = Life().created(at=on(2, 10), anchor_day=31).paid(1).changed(MAX, on(2, 20))

    assert charge(life) == 28_571


def test_a_change_of_the_product_alone_tells_the_bills():
    life = june().changed(sold(name="Other"), on(6, 11))

    life.story.then(e.SubscriptionChanged)
    assert life.told(e.SubscriptionChanged).credited == (
        e.Credited(bill_id="bill_1_1", share=e.Share(net=rp(0), tax=rp(0))),
    )


def test_what_is_too_little_to_be_asked_for_comes_on_the_next_bill():
    """A day of 100,000 is 3,333; a card takes 10,000 at least."""
    life = june().changed(MAX, on(6, 30))

    life.story.then(e.SubscriptionChanged)
    assert (charge(life), carried(life)) == (0, 3_333)
    life.advanced()
    assert life.to_pay(2) == 199_000 + 3_333


def test_credit_pays_a_change_as_it_pays_a_period():
    life = june()
    life.when(c.RecordCredit(now=on(6, 2), bill_id="bill_1_1", amount=rp(60_000)))
    life.changed(MAX, on(6, 11))

    assert life.told(e.SubscriptionChanged).credit == rp(56_667)
    assert (life.to_pay(2), life.state.credit) == (10_000, rp(3_333))


def test_whoever_pays_by_account_has_the_days_of_the_plan_to_pay_a_change():
    life = june(PRO, ACCOUNT).changed(MAX, on(6, 11))

    assert (life.told(e.SubscriptionChanged).due_at, life.state.status) == (on(6, 14), S.ACTIVE)
    assert life.state.look_at == on(6, 13)  # the reminder


# ── at the renewal ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_upgrade_at_renewal_comes_on_the_next_bill():
    life = june().changed(MAX, on(6, 11), mode="prorate_at_renewal")
    assert (charge(life), carried(life)) == (0, 66_667)

    life.advanced()
    assert life.to_pay(2) == 199_000 + 66_667
    assert carried(life) == 0


def test_a_downgrade_takes_back_first_what_was_only_carried():
    life = june().changed(MAX, on(6, 11), mode="prorate_at_renewal")
    life.changed(PRO, on(6, 21), mode="prorate_at_renewal")

    assert (credit(life), carried(life)) == (0, 33_333)


def test_what_was_carried_to_a_bill_that_is_withdrawn_is_carried_again():
    """June comes to 159,000 with two more days of Pro: 6,667 less is carried."""
    life = june(PRO, ACCOUNT).changed(MAX, on(6, 11), mode="prorate_at_renewal").advanced()
    assert life.to_pay(2) == 265_667

    life.changed(PRO, on(6, 29), mode="prorate_at_renewal")
    assert (credit(life), carried(life)) == (0, 60_000)
    assert life.advanced(on(6, 29)).to_pay(3) == 159_000


def test_what_was_carried_to_a_bill_that_is_paid_is_taken_off_that_bill():
    """6,667 of June and 100,000 of July."""
    life = june(PRO, ACCOUNT).changed(MAX, on(6, 11), mode="prorate_at_renewal").advanced()
    life.paid(2).changed(PRO, on(6, 29))

    taken = [
        (one.bill_id, one.share.total.minor) for one in life.told(e.SubscriptionChanged).credited
    ]
    assert taken == [("bill_1_2", 6_667), ("bill_1_1", 0), ("bill_1_2", 100_000)]
    assert carried(life) == 0


def test_who_cancels_with_credit_after_an_upgrade_at_renewal_gets_no_more_than_was_paid():
    """June comes to 10 days of 99,000 and one of 199,000: 39,633."""
    life = june().changed(MAX, on(6, 11), mode="prorate_at_renewal")
    life.when(c.CancelSubscription(now=on(6, 12), at=on(6, 12), reason="", with_credit=True))

    assert (life.state.credit, carried(life)) == (rp(99_000 - 39_633), 0)


# ── from the next period, or without money ──────────────────────────────────────────────────────────────────────────


def test_a_change_for_the_next_period_waits_for_it():
    life = june().changed(MAX, on(6, 11), mode="next_period")

    life.story.then(e.ChangeScheduled)
    assert life.told(e.ChangeScheduled).at == on(7, 1)
    assert life.state.what == PRO
    life.advanced()
    life.story.then(e.SubscriptionChanged, e.PeriodOpened, e.CollectionOrdered)
    assert (life.now, life.to_pay(2)) == (on(7, 1), 199_000)


def test_a_bill_that_was_issued_ahead_is_withdrawn_and_made_anew_at_the_new_price():
    life = june(PRO, ACCOUNT).advanced()
    assert (life.now, life.to_pay(2)) == (on(6, 28), 99_000)

    life.changed(MAX, on(6, 29), mode="next_period")
    withdrawn, scheduled = life.story.then(e.PeriodWithdrawn, e.ChangeScheduled).new
    assert isinstance(withdrawn, e.PeriodWithdrawn) and isinstance(scheduled, e.ChangeScheduled)
    assert (withdrawn.number, withdrawn.bill_id, withdrawn.payment_ids) == (
        *(2, "bill_1_2", ("pay_2",)),
    )
    assert (scheduled.at, life.state.look_at) == (on(7, 1), on(6, 28))
    life.advanced(on(6, 29))
    assert (life.told(e.PeriodOpened).number, life.to_pay(3)) == (2, 199_000)
    assert life.told(e.PeriodOpened).due_at == on(7, 2)  # issued a day late: a day more
    assert life.state.sold_at(on(6, 30)).plan_id == "pro"


def test_a_coupon_and_credit_come_back_from_a_withdrawn_bill():
    life = june(sold(coupon=HALF, coupon_left=1), ACCOUNT)
    life.when(c.RecordCredit(now=JUNE, bill_id="bill_1_1", amount=rp(20_000)))
    two_more = sold(coupon=CouponTerms(code="TWO", percent=10, periods=2), coupon_left=2)
    life.changed(two_more, on(6, 2), mode="none").advanced()
    assert (life.state.what.coupon_left, life.state.credit) == (1, rp(0))

    life.changed(MAX, on(6, 29), mode="next_period")
    assert (life.state.what.coupon_left, life.state.credit) == (2, rp(20_000))


def test_a_change_when_the_next_period_is_paid_ahead_is_for_the_one_after_it():
    life = june(PRO, ACCOUNT).advanced().paid(2).changed(MAX, on(6, 29), mode="next_period")

    assert life.told(e.ChangeScheduled).at == on(8, 1)


def test_an_upgrade_when_the_next_period_is_paid_ahead_is_charged_for_both():
    """10,000 for three of thirty days, and all of July's difference."""
    life = june(PRO, ACCOUNT).advanced().paid(2).changed(MAX, on(6, 28))

    assert charge(life) == 10_000 + 100_000
    life.paid(3).idle_until(on(7, 29))
    assert life.to_pay(4) == 199_000


def test_what_is_less_for_one_period_pays_what_is_more_for_the_other():
    """June is still Pro, July is paid as Max already: 3,400 more for two days, 49,000 less for July."""
    life = june(PRO, ACCOUNT).changed(MAX, on(6, 2), mode="next_period").advanced().paid(2)
    life.changed(sold(150_000, name="Mid"), on(6, 29))

    changed = life.told(e.SubscriptionChanged)
    assert (charge(life), changed.credit, credit(life)) == (3_400, rp(3_400), 49_000)
    assert life.state.credit == rp(45_600)


def test_with_mode_none_the_price_alone_changes_with_the_next_bill():
    life = june().changed(MAX, on(6, 11), mode="none")

    assert (charge(life), credit(life), carried(life)) == (0, 0, 0)
    assert life.state.what == MAX
    life.advanced()
    assert life.to_pay(2) == 199_000


# ── another interval ────────────────────────────────────────────────────────────────────────────────────────────────


def test_another_interval_begins_a_period_now_and_gives_credit_for_the_rest():
    life = june().changed(YEAR, on(6, 11))

    life.story.then(e.SubscriptionChanged, e.PeriodOpened, e.CollectionOrdered)
    period = life.told(e.PeriodOpened)
    assert (period.number, period.starts_at, period.ends_at) == (2, on(6, 11), on(6, 11, year=2027))
    assert (credit(life), life.to_pay(2)) == (66_000, 924_000)
    assert life.paid(2).state.look_at == on(6, 11, year=2027)


def test_after_another_interval_the_old_period_is_closed():
    life = june().changed(YEAR, on(6, 11)).paid(2)
    dearer = sold(1_980_000, name="Year 2", interval=Interval("year"))

    life.changed(dearer, on(6, 20))  # 9 of 365 days later; nothing of June
    assert charge(life) == 965_589
    life.paid(3)
    life.when(c.CancelSubscription(now=on(6, 21), at=None, reason=""))
    assert life.told(e.CancellationScheduled).at == on(6, 11, year=2027)


@pytest.mark.parametrize("mode", ["next_period", "none"])
def test_another_interval_without_proration_begins_with_the_next_period(mode):
    life = june().changed(YEAR, on(6, 11), mode=mode)
    assert life.told(e.ChangeScheduled).at == on(7, 1)

    life.advanced()
    assert life.told(e.PeriodOpened).ends_at == on(7, 1, year=2027)
    assert life.to_pay(2) == 990_000


# ── on trial ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_on_trial_a_change_costs_nothing_and_the_trial_goes_on():
    life = Life().created(sold(trial_days=14), at=JUNE).changed(MAX, on(6, 3))

    life.story.then(e.SubscriptionChanged)
    assert life.state.status is S.TRIALING
    life.advanced().advanced()
    assert (life.now, life.to_pay(1)) == (on(6, 15), 199_000)


def test_another_interval_on_trial_begins_at_its_end():
    life = Life().created(sold(trial_days=14), at=JUNE).changed(YEAR, on(6, 3)).advanced()
    life.advanced()

    period = life.told(e.PeriodOpened)
    assert (period.starts_at, period.ends_at) == (on(6, 15), on(6, 15, year=2027))


def test_for_the_next_period_on_trial_is_for_its_end():
    life = Life().created(sold(trial_days=14), at=JUNE).changed(MAX, on(6, 3), mode="next_period")

    assert life.told(e.ChangeScheduled).at == on(6, 15)
    life.advanced().advanced()
    assert life.to_pay(1) == 199_000


def test_a_bill_paid_before_the_trial_ends_is_changed_as_a_whole():
    life = Life().created(sold(trial_days=14), ACCOUNT, at=JUNE).advanced().paid(1)
    assert (life.now, life.state.status) == (on(6, 12), S.ACTIVE)

    assert charge(life.changed(MAX, on(6, 13))) == 100_000


# ── coupons ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_coupon_that_is_used_up_still_holds_for_the_period_it_paid():
    """Half of both prices: 20 of 30 days of 50,000."""
    life = june(sold(coupon=HALF, coupon_left=1))
    assert life.state.what.coupon_left == 0

    upgraded = sold(199_000, name="Max", coupon=HALF, coupon_left=0)
    life.changed(upgraded, on(6, 11))
    assert charge(life) == 33_333
    life.paid(2).advanced()
    assert life.to_pay(3) == 199_000


def test_a_coupon_given_within_a_period_takes_off_the_rest_of_it():
    life = june().changed(sold(coupon=HALF, coupon_left=1), on(6, 16))

    assert credit(life) == 24_750  # half of the half month
    life.advanced()
    assert life.to_pay(2) == 49_500 - 24_750


def test_a_change_that_comes_later_does_not_bring_back_what_of_a_coupon_was_used():
    """Two bills of three: the change to Max was scheduled when two were left."""
    coupon = CouponTerms(code="THREE", percent=10, periods=3)
    life = june(sold(coupon=coupon, coupon_left=3))
    to = sold(200_000, name="Max", coupon=coupon, coupon_left=2)
    life.changed(to, on(6, 2), at=on(8, 1)).advanced().paid(2)
    assert life.state.what.coupon_left == 1

    life.advanced()
    assert (life.to_pay(3), life.state.what.coupon_left) == (180_000, 0)


def test_no_change_brings_back_what_of_a_coupon_was_used():
    coupon = CouponTerms(code="THREE", percent=10, periods=3)
    life = june(sold(coupon=coupon, coupon_left=3))
    life.changed(sold(199_000, name="Max", coupon=coupon, coupon_left=3), on(6, 11))

    assert life.state.what.coupon_left == 2

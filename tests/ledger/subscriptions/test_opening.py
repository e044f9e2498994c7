"""Beginning a subscription, and opening one period after the other."""

import pytest

from ledger.coupons.terms import CouponTerms
from ledger.plans.terms import TaxMode
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.life import Status
from ledger.subscriptions.opening import AnchorDayInvalid, QuantityInvalid
from ledger.subscriptions.periods import Interval
from ledger.subscriptions.policies import DunningPolicyUnknown
from ledger.subscriptions.subscription import SubscriptionStateForbids
from support.subscription_facts import ACCOUNT, BEGUN, MAX, MONTH, PRO, Life, later, on, rp, sold

S = Status


def bills(life: Life, *numbers: int) -> list[int]:
    """What each of the next bills leaves to pay, all of them paid."""
    found = []
    for number in numbers:
        while life.state.find_bill(f"bill_1_{number}") is None:
            life.advanced()
        found.append(life.to_pay(number))
        life.paid(number)
    return found


def credited(life: Life, amount: int) -> Life:
    life.when(c.RecordCredit(now=life.now, bill_id="bill_1_1", amount=rp(amount)))
    return life


# ── periods ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_period_its_bill_and_the_request_for_its_money_are_one_decision():
    _, period, ordered = (
        Life().created().story.then(e.SubscriptionCreated, e.PeriodOpened, e.CollectionOrdered).new
    )

    assert isinstance(period, e.PeriodOpened)
    assert (period.number, period.starts_at, period.ends_at) == (1, on(1, 31), on(2, 28))
    assert (period.bill_id, period.price.minor) == ("bill_1_1", 99_000)
    assert isinstance(ordered, e.CollectionOrdered)
    assert (ordered.bill_id, ordered.payment_id, ordered.why) == ("bill_1_1", "pay_1", "due")


def test_periods_from_the_31st_end_on_the_last_day_of_a_short_month_and_come_back():
    life = Life().created().paid(1)

    begins = []
    for bill in range(2, 6):
        life.advanced().paid(bill)
        begins.append(life.told(e.PeriodOpened).starts_at)

    assert begins == [on(2, 28), on(3, 31), on(4, 30), on(5, 31)]
    assert life.state.look_at == on(6, 30)


def test_a_first_period_that_is_entered_late_costs_its_part():
    """18 of the 28 days from January 31 to February 28: 63,642.86, of it 6,307 tax."""
    life = Life().created(at=on(2, 10), anchor_day=31)

    first = life.told(e.PeriodOpened)
    assert (first.starts_at, first.ends_at) == (on(2, 10), on(2, 28))
    assert (first.charged.net.minor, first.charged.tax.minor) == (57_336, 6_307)
    assert first.price == rp(99_000)
    life.paid(1).advanced()
    assert life.told(e.PeriodOpened).starts_at == on(2, 28)
    assert life.to_pay(2) == 99_000


@pytest.mark.parametrize(
    ("day", "begins", "pays"), [(10, on(3, 10), 99_000), (11, on(2, 11), 3_194)]
)
def test_a_billing_day_of_today_is_a_whole_period_and_of_tomorrow_a_day(day, begins, pays):
    """A day of the 31 from January 11: 3,193.55. The cheapest method takes it."""
    life = Life().created(PRO, e.Paying(method="bni_va"), at=on(2, 10), anchor_day=day)

    assert (life.told(e.PeriodOpened).ends_at, life.to_pay(1)) == (begins, pays)


def test_local_midnights_are_the_zones_own():
    """The last of May in Jayapura is still the day before in Jakarta."""
    life = Life().created(at=on(5, 30, hour=15, minute=30), zone="WIT", anchor_day=31)

    assert life.told(e.PeriodOpened).ends_at == on(6, 29, hour=15, minute=30)


@pytest.mark.parametrize("day", [0, 32])
def test_a_billing_day_is_a_day_of_a_month(day: int):
    with pytest.raises(AnchorDayInvalid):
        assert Life().created(anchor_day=day).story.new


def test_weeks_have_no_billing_day():
    with pytest.raises(AnchorDayInvalid):
        assert Life().created(sold(interval=Interval("week")), anchor_day=1).story.new


@pytest.mark.parametrize("quantity", [0, -1, 100_001])
def test_a_quantity_is_one_to_a_hundred_thousand(quantity: int):
    with pytest.raises(QuantityInvalid):
        assert Life().created(sold(quantity=quantity)).story.new


def test_a_plan_with_an_unknown_policy_is_not_sold():
    with pytest.raises(DunningPolicyUnknown):
        assert Life().created(sold(dunning_policy="none")).story.new


def test_seats_are_priced_together():
    assert Life().created(sold(quantity=7)).to_pay(1) == 693_000


@pytest.mark.parametrize(
    ("mode", "net", "tax"),
    [("inclusive", 89_189, 9_811), ("exclusive", 99_000, 10_890), ("untaxed", 99_000, 0)],
)
def test_tax_is_by_the_plans_mode(mode: TaxMode, net: int, tax: int):
    share = Life().created(sold(tax_mode=mode)).told(e.PeriodOpened).share

    assert (share.net.minor, share.tax.minor) == (net, tax)


# ── trials ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_trial_is_reminded_of_three_days_before_and_billed_at_its_end():
    life = Life().created(sold(trial_days=14))
    assert (life.state.status, life.state.look_at) == (S.TRIALING, on(2, 11))
    assert life.state.has_access and life.state.trial_ends_at == on(2, 14)

    life.advanced()
    assert life.told(e.ReminderDue).kind == "trial_ending"
    life.advanced()
    period = life.told(e.PeriodOpened)
    assert (period.number, period.starts_at, period.ends_at) == (1, on(2, 14), on(3, 14))
    assert life.state.status is S.TRIALING
    assert life.paid(1).state.status is S.ACTIVE


def test_after_a_downtime_nobody_is_told_that_a_trial_is_ending():
    life = Life().created(sold(trial_days=14)).advanced(on(2, 20))

    assert life.told(e.PeriodOpened).starts_at == on(2, 14)
    life.when(c.Advance(now=on(2, 20), payment_id="pay_x")).then_nothing()
    assert life.state.look_at == on(3, 14)


def test_after_a_trial_whoever_pays_by_account_has_the_bill_in_time():
    life = Life().created(sold(trial_days=14), ACCOUNT)

    life.advanced().advanced()  # both on February 11: bill and reminder
    period = life.told(e.PeriodOpened)
    assert (period.occurred_at, period.starts_at, period.due_at) == (
        *(on(2, 11), on(2, 14), on(2, 14)),
    )
    assert life.told(e.ReminderDue).kind == "trial_ending"
    assert life.state.status is S.TRIALING
    life.paid(1, at=on(2, 12))
    assert (life.state.status, life.state.look_at) == (S.ACTIVE, on(3, 11))


def test_a_trial_that_nobody_pays_for_is_in_grace_from_its_end():
    life = Life().created(sold(trial_days=14), ACCOUNT).idle_until(on(2, 14))

    assert (life.state.status, life.state.has_access) == (S.IN_GRACE, True)
    assert life.told(e.DunningStarted).overdue_since == on(2, 14)


# ── pushed ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_has_to_act_gets_the_bill_three_days_ahead_and_a_reminder_the_day_before():
    life = Life().created(PRO, ACCOUNT).paid(1)
    assert life.state.look_at == on(2, 25)

    life.advanced()
    ordered = life.told(e.CollectionOrdered)
    assert (ordered.why, ordered.saved_method) == ("issued_ahead", "")
    assert ordered.expires_at == on(3, 14)  # as long as the policy waits
    assert life.told(e.PeriodOpened).due_at == on(2, 28)
    life.advanced()
    assert life.story.new == [life.told(e.ReminderDue)]
    assert (life.now, life.told(e.ReminderDue).kind) == (on(2, 27), "before_due")
    life.advanced()
    assert (life.now, life.state.status) == (on(2, 28), S.IN_GRACE)


def test_the_first_bill_is_waited_for_as_long_as_its_instructions_last():
    life = Life().created(PRO, ACCOUNT)

    assert life.told(e.CollectionOrdered).expires_at == on(2, 1) == life.state.look_at


def test_no_more_than_one_period_is_issued_ahead():
    """Of a plan by the day, whose bills come three days ahead."""
    life = Life().created(sold(interval=Interval("day")), ACCOUNT).paid(1)
    life.advanced().paid(2)

    assert life.told(e.PeriodOpened).number == 2
    assert life.state.look_at == on(2, 1)


def test_instructions_that_run_out_before_the_bill_is_due_are_renewed():
    life = Life().created(sold(issued_days_ahead=7), e.Paying(method="qris")).paid(1).advanced()
    ordered = life.told(e.CollectionOrdered)
    life.when(
        c.RecordBillNotPaid(
            now=on(2, 26),
            bill_id="bill_1_2",
            payment_id=ordered.payment_id,
            code="expired",
            words="",
            trouble="needs_customer",
        )
    )

    assert life.state.look_at == on(2, 26)
    life.advanced()
    assert life.told(e.CollectionOrdered).why == "instructions_over"
    assert (life.state.status, life.state.look_at) == (S.ACTIVE, on(2, 27))


def test_a_bill_that_comes_late_is_due_as_long_after_as_the_plan_gives():
    """The worker rested from February 25 to March 2."""
    life = Life().created(PRO, ACCOUNT).paid(1).advanced(on(3, 2))

    assert life.told(e.PeriodOpened).starts_at == on(2, 28)
    assert life.told(e.PeriodOpened).due_at == on(3, 5)
    assert life.state.status is S.ACTIVE


# ── coupons ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_percentage_for_two_bills_then_the_whole_price():
    coupon = CouponTerms(code="HALF", percent=50, periods=2)

    assert bills(Life().created(sold(coupon=coupon, coupon_left=2)), 1, 2, 3) == [
        *(49_500, 49_500, 99_000),
    ]


def test_an_amount_for_ever():
    coupon = CouponTerms(code="OFF", amount=rp(15_000))

    assert bills(Life().created(sold(coupon=coupon)), 1, 2, 3) == [84_000, 84_000, 84_000]


def test_a_discount_is_rounded_half_up_and_never_more_than_the_price():
    third = CouponTerms(code="THIRD", percent=33)
    all_of_it = CouponTerms(code="ALL", amount=rp(500_000))

    assert Life().created(sold(99_005, coupon=third)).to_pay(1) == 99_005 - 32_672
    assert Life().created(sold(coupon=all_of_it)).to_pay(1) == 0


def test_a_bill_with_nothing_to_pay_asks_for_nothing():
    life = Life().created(sold(0))

    life.story.then(e.SubscriptionCreated, e.PeriodOpened)


def test_a_coupon_for_other_plans_takes_nothing_off_and_is_not_used_up():
    coupon = CouponTerms(code="MAX", percent=50, periods=2, plans=("max",))
    life = Life().created(sold(coupon=coupon, coupon_left=2))

    assert (life.to_pay(1), life.state.what.coupon_left) == (99_000, 2)


def test_a_coupon_takes_off_the_same_part_of_a_part():
    """18 of 28 days of 49,500."""
    coupon = CouponTerms(code="HALF", percent=50, periods=1)
    life = Life().created(sold(coupon=coupon, coupon_left=1), at=on(2, 10), anchor_day=31)

    assert (life.to_pay(1), life.told(e.PeriodOpened).discount.minor) == (31_821, 31_822)


# ── credit ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_credit_pays_the_next_bills_until_it_is_used_up():
    life = credited(Life().created().paid(1), 250_000)

    assert bills(life, 2, 3, 4, 5) == [0, 0, 47_000, 99_000]
    assert life.state.credit == rp(0)


def test_a_bill_that_credit_pays_asks_for_nothing():
    life = credited(Life().created().paid(1), 99_000).advanced()

    life.story.then(e.PeriodOpened)


def test_credit_below_zero_comes_on_top():
    assert bills(credited(Life().created().paid(1), -5_000), 2, 3) == [104_000, 99_000]


def test_credit_leaves_no_remainder_that_the_method_does_not_take():
    """A card takes 10,000 at least, BNI's accounts anything."""
    by_card = credited(Life().created().paid(1), 95_000)
    by_account = credited(Life().created(PRO, e.Paying(method="bni_va")).paid(1), 95_000)

    assert bills(by_card, 2, 3) == [10_000, 93_000]
    assert bills(by_account, 2, 3) == [4_000, 99_000]


# ── missed ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_after_a_downtime_the_newest_missed_period_is_billed_by_itself_and_older_ones_by_a_person():
    """Nobody looks from February to the end of June: of four periods that passed, one is billed."""
    life = Life().created().paid(1).advanced(on(6, 29, hour=4))

    missed, opened, _ = life.story.then(e.PeriodsMissed, e.PeriodOpened, e.CollectionOrdered).new
    assert isinstance(missed, e.PeriodsMissed) and isinstance(opened, e.PeriodOpened)
    assert (missed.first, missed.periods) == (2, 2)
    assert (missed.starts_at, missed.ends_at) == (on(2, 28), on(4, 30))
    assert (opened.number, opened.starts_at) == (4, on(4, 30))
    life.paid(2).advanced().paid(3)
    assert life.told(e.PeriodOpened).starts_at == on(5, 31)

    life.when(c.BillMissed(now=life.now, payment_id=life.payment()))
    billed = life.told(e.PeriodOpened)
    assert (billed.number, billed.reason) == (2, "missed")
    assert (billed.starts_at, billed.ends_at) == (on(2, 28), on(3, 31))
    life.paid(4)
    life.when(c.BillMissed(now=life.now, payment_id=life.payment()))
    assert life.told(e.PeriodOpened).starts_at == on(3, 31)
    life.paid(5)
    refused = c.BillMissed(now=life.now, payment_id=life.payment())
    life.when(refused).then_refused(SubscriptionStateForbids)
    assert life.state.look_at == on(6, 30)


def test_one_missed_period_is_no_gap():
    life = Life().created().paid(1).advanced(on(4, 2))

    life.story.then(e.PeriodOpened, e.CollectionOrdered)
    assert life.told(e.PeriodOpened).starts_at == on(2, 28)
    assert life.told(e.PeriodOpened).due_at == on(4, 2)
    life.paid(2).advanced()
    assert life.told(e.PeriodOpened).starts_at == on(3, 31)


def test_a_missed_period_keeps_its_dates_and_price_when_all_has_changed_since():
    life = Life().created().paid(1).advanced(on(6, 2)).paid(2).advanced().paid(3)
    week = sold(40_000, name="Week", interval=Interval("week"))
    life.changed(week, on(6, 3), mode="prorate_now").paid(4)
    assert life.state.schedule.interval != MONTH

    life.when(c.BillMissed(now=on(6, 4), payment_id=life.payment()))
    billed = life.told(e.PeriodOpened)
    assert (billed.starts_at, billed.ends_at) == (on(2, 28), on(3, 31))
    assert (billed.sold.plan_id, billed.price) == ("pro", rp(99_000))
    assert life.state.what.plan_id == "week"


def test_what_was_carried_comes_on_one_bill_only():
    life = Life().created().paid(1).advanced(on(5, 2)).paid(2).advanced().paid(3)
    life.changed(MAX, on(5, 10), mode="prorate_at_renewal")
    assert life.state.carried.total == rp(67_742)  # of 100,000, for 21 of 31 days

    life.when(c.BillMissed(now=on(5, 11), payment_id=life.payment()))
    assert life.to_pay(4) == 99_000 + 67_742
    life.paid(4).advanced()
    assert life.to_pay(5) == 199_000


def test_a_clock_that_is_set_back_two_hours_opens_nothing_twice():
    life = Life().created().paid(1).advanced().paid(2)

    life.when(c.Advance(now=later(life.now, hours=-2), payment_id="pay_x")).then_nothing()
    assert life.state.look_at == on(3, 31)


def test_a_first_bill_that_is_not_paid_expires_after_a_day():
    life = Life().created()
    life.when(c.Advance(now=later(BEGUN, hours=23), payment_id="pay_x")).then_nothing()

    life.advanced()
    life.story.then(e.BillDropped, e.SubscriptionExpired)
    assert life.told(e.BillDropped).payment_ids == ("pay_1",)
    assert (life.state.status, life.state.look_at) == (S.EXPIRED, None)

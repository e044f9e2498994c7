"""What is foreseen is what happens, if everybody pays."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.coupons.terms import CouponTerms
from ledger.plans.terms import Proration
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.forecast import next_period
from ledger.subscriptions.periods import Interval
from support.subscription_facts import ACCOUNT, BEGUN, CARD, MAX, PRO, Life, later, on, sold


def foreseen(life: Life) -> e.PeriodOpened:
    found = next_period(life.state, life.now)
    assert found is not None
    return found.period


def lived(life: Life) -> e.PeriodOpened:
    """The next period as it is really opened, and then paid and begun."""
    before = len(life.story.facts)
    for _ in range(20):
        pay_all(life)
        life.advanced()
        for fact in life.story.facts[before:]:
            if isinstance(fact, e.PeriodOpened) and fact.reason != "change":
                pay_all(life)
                life.now = max(life.now, fact.starts_at)
                return fact
    raise AssertionError("no period was opened")


def pay_all(life: Life) -> None:
    for bill in life.state.open_bills:
        life.paid(int(bill.bill_id.rpartition("_")[2]))


@given(
    trial=st.integers(0, 40),
    paying=st.sampled_from((CARD, ACCOUNT)),
    percent=st.sampled_from((None, 10, 100)),
    mode=st.sampled_from(("prorate_now", "prorate_at_renewal", "next_period", "none")),
    to=st.sampled_from(
        (MAX, sold(40_000, name="Lite"), sold(quantity=3), sold(9_000, interval=Interval("week")))
    ),
    days=st.integers(0, 27),
)
def test_the_next_period_is_opened_as_foreseen(
    trial: int, paying: e.Paying, percent: int | None, mode: Proration, to: e.Sold, days: int
):
    coupon = CouponTerms(code="JAN", percent=percent, periods=3) if percent else None
    what = sold(trial_days=trial, coupon=coupon, coupon_left=3 if coupon else None)
    life = Life().created(what, paying)
    for _ in range(2):
        assert foreseen(life) == lived(life)
    life.now = later(life.now, days=days / 2)
    life.when(c.ChangeSubscription(now=life.now, sold=to, mode=mode, payment_id=life.payment()))

    for _ in range(2):
        assert foreseen(life) == lived(life)


def test_a_bill_that_is_open_counts_as_paid():
    incomplete = Life().created(PRO, ACCOUNT)

    assert incomplete.state.status.value == "incomplete"
    assert foreseen(incomplete).starts_at == on(2, 28)


def test_nothing_is_foreseen_once_it_will_end_or_nobody_goes_on():
    for command in (
        c.CancelSubscription(now=BEGUN, at=None, reason="enough"),
        c.CancelSubscription(now=BEGUN, at=BEGUN, reason="enough"),
        c.PauseSubscription(now=BEGUN, reason="holidays"),
    ):
        life = Life().created().paid(1)
        life.when(command)

        assert next_period(life.state, BEGUN) is None


def test_a_pause_that_ends_by_itself_is_seen_through():
    life = Life().created().paid(1)
    life.when(c.PauseSubscription(now=BEGUN, reason="holidays", resume_at=on(3, 10)))

    period = foreseen(life)

    assert (period.reason, period.starts_at) == ("reactivation", on(3, 10))

"""Pausing, resuming, and beginning again."""

from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.changing import EffectiveDatePast
from ledger.subscriptions.life import Status
from support.subscription_facts import (
    ACCOUNT,
    JUNE,
    MAX,
    NEW_CARD,
    PRO,
    Life,
    june,
    on,
    sold,
)
from support.subscription_lives import active, dunned_to_the_end

S = Status


def test_a_pause_within_the_paid_time_changes_nothing_of_it():
    life = june().paused(on(6, 11)).resumed(on(6, 21))

    life.story.then(e.SubscriptionResumed)
    assert life.told(e.SubscriptionResumed).anchor is None
    assert (life.state.status, life.state.look_at) == (S.ACTIVE, on(7, 1))


def test_nothing_is_billed_in_a_pause_and_there_is_no_access():
    life = june().paused(on(6, 11))

    assert (life.state.look_at, life.state.has_access) == (None, False)
    life.when(c.Advance(now=on(9, 1), payment_id="pay_x")).then_nothing()


def test_after_the_paid_time_a_period_begins_when_it_is_resumed():
    life = june().paused(on(6, 11)).resumed(on(7, 20))

    life.story.then(e.SubscriptionResumed, e.PeriodOpened, e.CollectionOrdered)
    period = life.told(e.PeriodOpened)
    assert (period.number, period.starts_at, period.ends_at) == (2, on(7, 20), on(8, 20))
    assert (period.reason, life.state.status) == ("reactivation", S.ACTIVE)
    assert life.paid(2).state.look_at == on(8, 20)


def test_whoever_resumes_by_account_is_not_overdue_at_once():
    life = june(PRO, ACCOUNT).paused(on(6, 11)).resumed(on(7, 20))

    assert life.told(e.PeriodOpened).due_at == on(7, 23)
    assert life.state.status is S.ACTIVE


def test_it_resumes_by_itself_as_of_the_hour_that_was_said():
    life = june().paused(on(6, 11), on(7, 20))
    assert life.state.look_at == on(7, 20)

    life.advanced(on(7, 20, hour=8))
    assert life.told(e.SubscriptionResumed).why == "schedule"
    assert life.told(e.PeriodOpened).starts_at == on(7, 20)


def test_after_a_downtime_it_resumes_when_somebody_looks():
    life = june().paused(on(6, 11), on(7, 20)).advanced(on(8, 29))

    assert life.told(e.PeriodOpened).starts_at == on(8, 29)


def test_a_pause_may_not_end_before_it_begins():
    wanted = c.PauseSubscription(now=on(6, 11), reason="", resume_at=on(6, 11))

    june().when(wanted).then_refused(EffectiveDatePast)


def test_a_bill_issued_ahead_is_withdrawn_by_a_pause():
    life = june(PRO, ACCOUNT).advanced().paused(on(6, 29))

    life.story.then(e.PeriodWithdrawn, e.SubscriptionPaused)


def test_a_trial_that_was_paused_goes_on_as_a_trial():
    life = Life().created(sold(trial_days=14), at=JUNE)
    life.paused(on(6, 3)).resumed(on(6, 10))

    assert (life.state.status, life.state.trial_ends_at) == (S.TRIALING, on(6, 15))
    life.advanced().advanced()
    assert life.told(e.PeriodOpened).starts_at == on(6, 15)


def test_a_trial_that_ended_in_the_pause_is_over():
    life = Life().created(sold(trial_days=14), at=JUNE)
    life.paused(on(6, 3)).resumed(on(6, 20))

    assert life.told(e.PeriodOpened).starts_at == on(6, 20)
    assert life.state.status is S.ACTIVE


def test_an_unpaid_bill_is_dunned_again_after_the_pause():
    """July's card payment failed in the pause."""
    life = june().advanced().paused(on(7, 2)).refused(2, at=on(7, 3))
    life.story.then(e.CollectionFailed)
    assert life.state.look_at is None

    life.resumed(on(7, 20))
    assert life.state.look_at == on(7, 1)
    life.advanced(on(7, 20))
    started = life.told(e.DunningStarted)
    assert (started.overdue_since, started.step_at) == (on(7, 1), on(7, 20))


def test_a_scheduled_change_comes_with_the_period_after_the_pause():
    life = june().changed(MAX, on(6, 2), at=on(6, 20)).paused(on(6, 11))
    life.resumed(on(7, 20))

    life.story.then(
        *(e.SubscriptionResumed, e.SubscriptionChanged, e.PeriodOpened, e.CollectionOrdered)
    )
    assert life.to_pay(2) == 199_000


# ── beginning again ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cancellation_is_withdrawn():
    life = june().cancelled(on(6, 11)).reactivated(on(6, 12))

    life.story.then(e.CancellationWithdrawn)
    assert (life.state.status, life.state.look_at) == (S.ACTIVE, on(7, 1))


def test_a_trial_whose_cancellation_is_withdrawn_is_a_trial():
    life = Life().created(sold(trial_days=14)).cancelled(on(2, 1)).reactivated(on(2, 2))

    assert (life.state.status, life.state.look_at) == (S.TRIALING, on(2, 11))


def test_one_that_was_cancelled_begins_a_period_now_and_waits_for_its_money():
    life = june().cancelled(on(6, 11), on(6, 11)).reactivated(on(7, 20), NEW_CARD)

    life.story.then(e.SubscriptionReactivated, e.PeriodOpened, e.CollectionOrdered)
    assert life.told(e.PeriodOpened).starts_at == on(7, 20)
    assert life.told(e.CollectionOrdered).saved_method == "pm_2"
    assert (life.state.status, life.state.look_at) == (S.INCOMPLETE, on(7, 21))
    assert life.paid(2).state.look_at == on(8, 20)


def test_credit_from_before_pays_the_new_period():
    life = june().cancelled(on(6, 11), on(6, 11), credit=True)

    assert life.reactivated(on(7, 20)).to_pay(2) == 33_000


def test_one_that_is_not_paid_after_all_is_cancelled_again():
    life = june().cancelled(on(6, 11), on(6, 11)).reactivated(on(7, 20)).advanced()

    life.story.then(e.BillDropped, e.SubscriptionCancelled)
    assert life.told(e.SubscriptionCancelled).by == "incomplete"


def test_one_that_never_began_may_expire_twice():
    life = Life().created().advanced()
    life.reactivated(on(2, 10)).advanced()

    assert life.state.status is S.EXPIRED


def test_one_that_was_given_up_begins_anew_and_owes_nothing():
    life = dunned_to_the_end("strict")
    life.reactivated(on(6, 2), NEW_CARD)

    life.story.then(
        *(e.BillDropped, e.SubscriptionReactivated, e.PeriodOpened, e.CollectionOrdered)
    )
    assert life.paid(3).state.status is S.ACTIVE


def test_what_was_to_change_meanwhile_has():
    life = active().changed(MAX, on(2, 1), at=on(3, 20)).advanced().refused(2)
    # Its policy is that of the plan as it was sold.
    life.cancelled(on(3, 1))
    life.reactivated(on(4, 1))

    assert life.state.what == PRO  # the cancellation took the change with it

"""An overdue bill, by policy: February 28 is the day on which the second bill failed."""

import pytest

from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.life import Status
from ledger.subscriptions.policies import POLICIES, policy
from support.subscription_facts import NEW_CARD, PRO, Life, later, on
from support.subscription_lives import collections, dunned_to_the_end, kinds, overdue, steps

S = Status
DUE = on(2, 28)
# ── each policy ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failed_card_is_in_grace_and_the_customer_hears_of_it_at_once():
    life = overdue()

    life.story.then(e.CollectionFailed, e.DunningStarted)
    started = life.told(e.DunningStarted)
    assert (started.policy, started.policy_version, started.why) == ("standard", 1, "51")
    assert (started.overdue_since, started.step_at) == (DUE, DUE)
    assert (life.state.status, life.state.has_access) == (S.IN_GRACE, True)


def test_standard_tries_falls_back_ends_grace_and_cancels_after_two_weeks():
    life = dunned_to_the_end("standard")

    assert steps(life) == [
        (0, "remind", "still_unpaid"),
        (1, "retry", "try_again"),
        (3, "retry", "try_again"),
        (3, "remind", "still_unpaid"),
        (5, "fallback", "another_method"),
        (5, "remind", "still_unpaid"),
        (7, "end_grace", "grace_ends"),
        (7, "retry", "instructions_valid"),
        (10, "remind", "still_unpaid"),
        (14, "cancel", "policy_ends"),
    ]
    assert collections(life) == [
        *(("due", "credit_card"), ("retry", "credit_card"), ("retry", "credit_card")),
        ("fallback", "bca_va"),
    ]
    life.story.then(e.DunningStepTaken, e.BillDropped, e.SubscriptionCancelled)
    assert life.told(e.SubscriptionCancelled).by == "policy"
    assert (life.state.status, life.state.look_at) == (S.CANCELLED, None)


def test_gentle_gives_two_weeks_of_grace_and_pauses_after_a_month():
    life = dunned_to_the_end("gentle")

    assert steps(life) == [
        (0, "remind", "still_unpaid"),
        (2, "retry", "try_again"),
        (5, "retry", "try_again"),
        (7, "fallback", "another_method"),
        (7, "remind", "still_unpaid"),
        (14, "retry", "instructions_valid"),
        (14, "end_grace", "grace_ends"),
        (21, "remind", "still_unpaid"),
        (30, "pause", "policy_ends"),
    ]
    assert (life.state.status, life.state.look_at) == (S.PAUSED, None)
    assert life.state.open_bills[0].written_off


def test_strict_has_no_grace_and_gives_up_after_a_week():
    life = overdue("strict")
    assert (life.state.status, life.state.has_access) == (S.PAST_DUE, False)

    life.idle_until(on(6, 1), "retry_later")
    assert steps(life) == [
        (0, "remind", "still_unpaid"),
        (1, "retry", "try_again"),
        (3, "fallback", "another_method"),
        (3, "remind", "still_unpaid"),
        (7, "mark_unpaid", "policy_ends"),
    ]
    assert (life.state.status, life.state.look_at) == (S.UNPAID, None)


@pytest.mark.parametrize("rules", POLICIES, ids=lambda rules: rules.name)
def test_a_policy_is_in_order_and_ends(rules):
    ends = {"cancel", "pause", "mark_unpaid"}
    after = [step.after for step in rules.steps]
    actions = [step.action for step in rules.steps]

    assert after == sorted(after)
    assert [action for action in actions if action in ends] == actions[-1:]
    assert ("end_grace" in actions) == rules.grace
    assert policy(rules.name, rules.version) is rules


# ── what may help ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("trouble", ["needs_customer", "never"])
def test_what_time_does_not_mend_is_not_tried_again_with_the_same_card(trouble: str):
    life = overdue().idle_until(on(3, 4), trouble)
    retries = [why for _, action, why in steps(life) if action == "retry"]
    assert retries == ["try_again", "not_by_this_method"]

    life = Life().created().paid(1).advanced().refused(2, trouble=trouble).idle_until(on(3, 4))
    assert [step[2] for step in steps(life) if step[1] == "retry"] == ["not_by_this_method"] * 2
    assert kinds(life) == ["method_needed", "method_needed"]


def test_another_card_is_tried_where_the_old_one_was_not():
    life = Life().created().paid(1).advanced().refused(2, trouble="needs_customer")
    life.paying(NEW_CARD, later(DUE, hours=2)).refused(2).idle_until(on(3, 1))

    assert steps(life)[1] == (1, "retry", "try_again")
    assert life.told(e.CollectionOrdered).saved_method == "pm_2"


def test_a_payment_under_way_is_not_tried_a_second_time():
    life = overdue().idle_until(on(3, 3))  # the retry of the first day never answers

    assert steps(life)[1:3] == [(1, "retry", "try_again"), (3, "retry", "under_way")]


def test_without_a_fallback_the_step_is_passed_over():
    life = Life().created(PRO, NEW_CARD).paid(1).advanced().refused(2)
    life.idle_until(on(3, 5), "retry_later")

    assert (5, "fallback", "no_fallback") in steps(life)


def test_instructions_that_ran_out_are_renewed_by_the_next_retry():
    """The QR code of February 25 was good until March 2."""
    life = Life().created(PRO, e.Paying(method="qris")).paid(1).idle_until(on(3, 2))
    assert steps(life)[1] == (1, "retry", "instructions_valid")

    life.refused(2, at=on(3, 2), trouble="needs_customer").idle_until(on(3, 3))
    assert steps(life)[2] == (3, "retry", "new_instructions")
    assert collections(life) == [("issued_ahead", "qris"), ("instructions_over", "qris")]


def test_a_fallback_that_ran_out_is_renewed_and_the_card_left_alone():
    life = overdue().idle_until(on(3, 5), "needs_customer")
    assert life.told(e.CollectionOrdered).why == "fallback"

    life.refused(2, at=on(3, 6), trouble="needs_customer").idle_until(on(3, 7))
    assert collections(life)[-1] == ("instructions_over", "bca_va")


def test_a_payment_that_cannot_be_asked_for_is_a_failed_try():
    refused = c.Refusal(code="payer_field_missing", words="Say an e-mail.")
    life = Life().created().paid(1).advanced(refused=refused)

    life.story.then(e.PeriodOpened, e.CollectionImpossible)
    assert life.state.look_at == DUE
    life.advanced()
    life.story.then(e.DunningStarted)
    life.idle_until(on(3, 1))
    assert steps(life)[1] == (1, "retry", "not_by_this_method")


def test_a_method_that_was_down_is_tried_again():
    refused = c.Refusal(code="no_method_available", words="All are down.")
    life = Life().created().paid(1).advanced(refused=refused).idle_until(on(3, 1))

    assert steps(life)[1] == (1, "retry", "try_again")


# ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_after_a_downtime_of_forty_days_the_steps_keep_their_distance():
    """Nobody looks from March 3 to April 12."""
    life = overdue().idle_until(on(3, 3), "retry_later")
    assert [day for day, _, _ in steps(life)] == [0, 1, 3, 3]

    life.now = on(4, 12)
    life.idle_until(on(6, 1), "retry_later")
    assert steps(life)[4:] == [
        (43, "fallback", "another_method"),
        (43, "remind", "still_unpaid"),
        (45, "end_grace", "grace_ends"),
        (45, "retry", "instructions_valid"),
        (48, "remind", "still_unpaid"),
        (52, "cancel", "policy_ends"),
    ]


def test_a_worker_who_is_an_hour_late_does_not_move_what_follows():
    life = overdue().advanced().advanced(on(3, 1, hour=4)).refused(2)

    assert life.state.look_at == on(3, 3)


def test_a_failure_that_is_known_days_later_begins_the_policy_then():
    """The card's answer was unknown until March 5."""
    life = Life().created().paid(1).advanced().refused(2, at=on(3, 5))

    started = life.told(e.DunningStarted)
    assert (started.overdue_since, started.step_at) == (DUE, on(3, 5))
    life.advanced()
    assert life.state.look_at == on(3, 6)


def test_no_step_is_taken_before_its_time_when_the_clock_is_set_back():
    life = overdue().advanced()

    life.when(c.Advance(now=later(DUE, hours=-2), payment_id="pay_x")).then_nothing()
    assert life.state.look_at == on(3, 1)


def test_nothing_is_billed_while_a_bill_is_overdue_and_after_it_the_missing_periods_are():
    """A gentle month: paid on March 29, March was never billed."""
    life = overdue("gentle").idle_until(on(3, 29), "retry_later")
    assert life.state.bills == 2

    life.paid(2).idle_until(on(4, 1))
    assert life.told(e.PeriodOpened).starts_at == on(3, 31)

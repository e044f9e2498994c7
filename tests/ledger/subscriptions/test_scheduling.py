"""Changes at a date, what is refused, quotes, and clocks: from June 1 to July 1, thirty days."""

from datetime import datetime

import pytest
from msgspec.structs import replace

from ledger.coupons.terms import CouponTerms
from ledger.money import Money
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.changing import (
    BillIsOpen,
    EffectiveDatePast,
    NothingChanges,
    PlanCurrencyDiffers,
    TaxModeDiffers,
)
from ledger.subscriptions.deciding import QuoteStale
from ledger.subscriptions.life import Status
from ledger.subscriptions.opening import QuantityInvalid
from ledger.subscriptions.policies import DunningPolicyUnknown
from ledger.subscriptions.subscription import SubscriptionStateForbids
from support.subscription_facts import JUNE, MAX, PRO, Life, june, later, on, sold

S = Status
IN_DOLLARS = replace(PRO, terms=replace(PRO.terms, price=Money(9, "USD")))
HALF = CouponTerms(code="HALF", percent=50, periods=1)


def charge(life: Life) -> int:
    return life.told(e.SubscriptionChanged).charge.total.minor


# ── at a date ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_at_a_date_is_made_as_of_that_date_however_late_the_worker():
    life = june().changed(MAX, on(6, 2), at=on(6, 11))
    life.story.then(e.ChangeScheduled)
    assert life.state.look_at == on(6, 11)

    life.advanced(on(6, 13))
    assert (life.told(e.SubscriptionChanged).at, charge(life)) == (on(6, 11), 66_667)


def test_a_date_that_passed_in_a_downtime_is_charged_before_the_renewal():
    life = june().changed(MAX, on(6, 2), at=on(6, 11)).advanced(on(7, 2))

    assert charge(life) == 66_667
    life.paid(2).advanced()
    assert life.told(e.PeriodOpened).starts_at == on(7, 1)
    assert life.to_pay(3) == 199_000


def test_a_date_in_a_later_period_waits_through_the_renewals():
    life = june().changed(MAX, on(6, 2), at=on(7, 11)).advanced()
    assert (life.now, life.to_pay(2)) == (on(7, 1), 99_000)

    life.paid(2).advanced()
    assert (life.now, charge(life)) == (on(7, 11), 67_742)  # 21 of 31 days


def test_the_bill_ahead_waits_for_a_change_just_before_the_period():
    """On June 30, when July's bill would have been issued on the 28th."""
    life = june(PRO, e.Paying(method="bni_va")).changed(MAX, on(6, 2), at=on(6, 30))
    assert life.state.look_at == on(6, 30)

    life.advanced()
    assert charge(life) == 3_333
    life.paid(2).advanced()
    assert (life.told(e.PeriodOpened).due_at, life.to_pay(3)) == (on(7, 3), 199_000)


def test_a_scheduled_change_waits_until_an_overdue_bill_is_paid_and_counts_from_its_date():
    """July's bill is paid on the 13th, two days after the change was to be made."""
    life = june().changed(MAX, on(6, 2), at=on(7, 11)).advanced().refused(2).idle_until(on(7, 13))
    assert life.state.status is S.PAST_DUE and life.state.scheduled

    life.paid(2).advanced()
    assert (life.told(e.SubscriptionChanged).at, charge(life)) == (on(7, 11), 67_742)


def test_a_newer_change_takes_the_place_of_a_scheduled_one_and_says_so():
    """More seats now, of what is in force now: the plan that was to come is not brought by accident."""
    life = june().changed(MAX, on(6, 2), mode="next_period").changed(sold(quantity=2), on(6, 16))

    life.story.then(e.ChangeWithdrawn, e.SubscriptionChanged, e.CollectionOrdered)
    assert life.told(e.ChangeWithdrawn).why == "replaced"
    assert (charge(life), life.state.scheduled) == (49_500, None)
    life.paid(2).advanced()
    assert life.to_pay(3) == 198_000


def test_a_scheduled_change_is_withdrawn():
    life = june().changed(MAX, on(6, 2), at=on(6, 11))
    life.when(c.WithdrawChange(now=on(6, 3), why="asked")).then(e.ChangeWithdrawn)

    assert life.advanced().to_pay(2) == 99_000


def test_there_must_be_a_change_to_withdraw():
    life = june()

    life.when(c.WithdrawChange(now=JUNE, why="asked")).then_refused(SubscriptionStateForbids)


# ── refused ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("to", "more", "refusal"),
    [
        (PRO, {}, NothingChanges),
        (MAX, {"at": on(6, 10)}, EffectiveDatePast),
        (sold(quantity=0), {}, QuantityInvalid),
        (sold(dunning_policy="none"), {}, DunningPolicyUnknown),
        (sold(tax_mode="exclusive"), {}, TaxModeDiffers),
        (sold(tax_mode="exclusive"), {"at": on(6, 20)}, TaxModeDiffers),
        (IN_DOLLARS, {}, PlanCurrencyDiffers),
        (MAX, {"facts": 3, "quote_id": "q"}, QuoteStale),
    ],
)
def test_what_cannot_be_is_refused_before_anything_happens(to, more, refusal):
    life = june()
    wanted = c.ChangeSubscription(now=on(6, 11), sold=to, payment_id="pay_9", **more)

    life.when(wanted).then_refused(refusal)


def test_another_tax_mode_begins_with_a_period():
    exclusive = sold(tax_mode="exclusive")
    life = june().changed(exclusive, on(6, 11), at=on(7, 1)).advanced()

    assert life.to_pay(2) == 99_000 + 10_890


def test_while_a_bill_is_open_nothing_is_prorated():
    life = june().changed(MAX, on(6, 11))
    again = c.ChangeSubscription(now=on(6, 12), sold=PRO, payment_id="pay_9")

    life.when(again).then_refused(BillIsOpen)


def test_while_the_next_period_waits_to_be_opened_nothing_is_changed():
    again = c.ChangeSubscription(now=on(7, 1, minute=1), sold=MAX, payment_id="pay_9")

    june().when(again).then_refused(SubscriptionStateForbids)


def test_a_bill_that_is_being_pulled_since_this_very_moment_is_not_withdrawn():
    again = c.ChangeSubscription(now=on(7, 1), sold=MAX, payment_id="pay_9")

    june().advanced().when(again).then_refused(BillIsOpen)


def test_for_the_next_period_after_its_end_is_for_the_one_after():
    life = june().changed(MAX, on(7, 1, minute=1), mode="next_period")

    assert life.told(e.ChangeScheduled).at == on(8, 1)


# ── quotes and clocks ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_quote_is_charged_as_of_its_own_moment():
    """Quoted a minute before the eleventh day begins."""
    life = june()
    quoted = on(6, 11)
    life.changed(MAX, later(quoted, minutes=5), quoted_at=quoted, quote_id="quote_1")

    assert (charge(life), life.told(e.SubscriptionChanged).quote_id) == (66_667, "quote_1")


def test_a_clock_that_is_set_back_does_not_bring_changes_out_of_their_order():
    life = june(MAX).changed(PRO, on(6, 11)).changed(MAX, on(6, 10, hour=20))

    assert charge(life) == 66_667
    assert changes_of(life) == sorted(changes_of(life))


def changes_of(life: Life) -> list[datetime]:
    assert life.state.newest is not None
    return [change.at for change in life.state.newest.changes]

"""Another product, or less, within what was paid for."""

from datetime import timedelta

from ledger.bills import events as e
from support.bill_facts import (
    NOTHING,
    begin,
    bill,
    change,
    disputed,
    end_of_day,
    open_bill,
    paid_bill,
    recognise,
)
from support.payment_facts import rp, share

NOON = timedelta(hours=12)
AFTER_TEN_DAYS = end_of_day(10) + NOON


def changed(scenario) -> e.BillChanged:
    fact = scenario.new[-1]
    assert isinstance(fact, e.BillChanged)
    return fact


def test_an_upgrade_earns_what_was_and_moves_the_rest():
    """Books.md P18: 29,729 were earned in ten days, 59,460 move."""
    upgrade = bill(*paid_bill()).when(change(at=AFTER_TEN_DAYS))

    *days, moved = upgrade.then(*[e.RevenueRecognised] * 10, e.BillChanged).new
    assert sum(day.amount.minor for day in days) == 29_729
    assert (moved.sold_as, moved.product, moved.moved) == ("Premium", "Pro", rp(59_460))
    assert (moved.from_deferred, moved.from_income) == (rp(0), rp(0))
    assert moved.recognise_at == end_of_day(11)


def test_what_was_moved_is_earned_as_the_new_product_over_the_days_that_are_left():
    scenario = bill(*paid_bill(), change(at=AFTER_TEN_DAYS)).when(recognise(end_of_day(11)))

    (earned,) = scenario.new
    assert (earned.product, earned.amount) == ("Pro", rp(2_973))
    scenario.when(recognise(end_of_day(30)))
    assert sum(one.amount.minor for one in scenario.facts if _is(one, "Pro")) == 59_460
    assert sum(one.amount.minor for one in scenario.facts if _is(one, "Premium")) == 29_729


def _is(fact, product: str) -> bool:
    return isinstance(fact, e.RevenueRecognised) and fact.product == product


def test_what_was_recognised_already_is_not_recognised_again():
    scenario = bill(*paid_bill(), recognise(end_of_day(10)))

    scenario.when(change(at=AFTER_TEN_DAYS)).then(e.BillChanged)


def test_credit_comes_from_what_is_not_earned_first():
    less = bill(*paid_bill()).when(change("Premium", share(40_000, 4_400), at=AFTER_TEN_DAYS))

    fact = changed(less)
    assert (fact.from_deferred, fact.from_income, fact.moved) == (rp(40_000), rp(0), rp(0))
    assert less.state.unearned == rp(19_460)


def test_credit_beyond_what_is_not_earned_comes_from_income():
    fact = changed(bill(*paid_bill()).when(change("Pro", share(60_000, 6_600), at=AFTER_TEN_DAYS)))

    assert (fact.from_deferred, fact.from_income, fact.moved) == (rp(59_460), rp(540), rp(0))
    assert fact.recognise_at is None


def test_credit_and_another_product_at_once():
    fact = changed(bill(*paid_bill()).when(change("Pro", share(9_460, 1_041), at=AFTER_TEN_DAYS)))

    assert (fact.from_deferred, fact.moved) == (rp(9_460), rp(50_000))


def test_a_second_change_moves_from_the_product_in_force():
    scenario = bill(*paid_bill(), change("Pro", at=AFTER_TEN_DAYS))

    fact = changed(scenario.when(change("Team", at=end_of_day(20) + NOON)))
    assert (fact.sold_as, fact.product) == ("Pro", "Team")
    assert fact.moved == rp(59_460 - 29_730)


def test_a_change_dated_back_leaves_what_was_earned_meanwhile():
    scenario = bill(*paid_bill(), recognise(end_of_day(12)))

    fact = changed(scenario.when(change(at=end_of_day(10), now=end_of_day(12) + NOON)))
    assert fact.moved == rp(89_189 - 89_189 * 12 // 30)
    assert fact.recognise_at == end_of_day(13)


def test_a_change_after_the_end_moves_nothing():
    fact = changed(bill(*paid_bill()).when(change(at=end_of_day(31))))

    assert (fact.moved, fact.recognise_at) == (rp(0), None)


def test_a_bill_that_is_not_paid_has_nothing_to_change():
    bill(open_bill(), begin()).when(change("Pro", share(1_000, 110))).then_nothing()


def test_no_credit_and_the_same_product_change_nothing():
    bill(*paid_bill()).when(change("Premium", NOTHING, at=AFTER_TEN_DAYS)).then_nothing()


def test_while_it_is_disputed_nothing_is_earned_by_a_change():
    scenario = bill(*paid_bill(), disputed()).when(change(at=AFTER_TEN_DAYS))

    scenario.then(e.BillChanged)
    assert changed(scenario).moved == rp(89_189)
    assert changed(scenario).recognise_at is None

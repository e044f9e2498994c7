"""Revenue, day by day in Jakarta (books.md 2, rule 3)."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.bills import events as e
from ledger.bills.bill import Bill, Schedule
from ledger.bills.deciding import BILL
from ledger.bills.earning import days, earned_by
from support.bill_facts import (
    ENDS,
    NOTHING,
    begin,
    bill,
    end_of_day,
    open_bill,
    opened,
    paid,
    paid_bill,
    recognise,
)
from support.payment_facts import AT, rp, share

HOUR = timedelta(hours=1)


def earned(scenario) -> list[int]:
    return [f.amount.minor for f in scenario.facts if isinstance(f, e.RevenueRecognised)]


def test_a_month_is_one_day_of_2_972_and_29_of_2_973():
    days = [recognise(end_of_day(number)) for number in range(1, 31)]

    amounts = earned(bill(*paid_bill(), *days))

    assert amounts[0] == 2_972
    assert Counter(amounts) == {2_972: 1, 2_973: 29}
    assert sum(amounts) == 89_189


def test_nothing_is_earned_before_the_first_day_has_ended():
    bill(*paid_bill()).when(recognise(end_of_day(1) - timedelta(seconds=1))).then_nothing()


def test_a_day_is_earned_at_its_end_and_says_when_the_next_is():
    bill(*paid_bill()).when(recognise(end_of_day(1) + HOUR)).then(
        e.RevenueRecognised(
            occurred_at=end_of_day(1) - timedelta(microseconds=1),
            through=end_of_day(1),
            amount=rp(2_972),
            product="Premium",
            recognise_at=end_of_day(2),
        )
    )


def test_the_last_day_is_the_last():
    last = bill(*paid_bill(), recognise(end_of_day(29))).when(recognise(end_of_day(30)))

    assert [(day.amount, day.recognise_at) for day in last.new] == [(rp(2_973), None)]
    bill(*paid_bill(), recognise(end_of_day(30))).when(recognise(end_of_day(99))).then_nothing()


def test_days_at_which_nobody_came_are_recognised_as_those_days():
    each = bill(*paid_bill(), *[recognise(end_of_day(number)) for number in range(1, 31)])

    late = bill(*paid_bill(), recognise(end_of_day(3))).when(recognise(end_of_day(99)))

    assert [as_of(day) for day in late.facts] == [as_of(day) for day in each.facts]
    assert len(late.new) == 27


def as_of(fact):
    """Of a day's revenue, all but when somebody is to look again."""
    return replace(fact, recognise_at=None) if isinstance(fact, e.RevenueRecognised) else fact


def test_what_had_passed_when_it_was_paid_is_caught_up_by_the_first_recognition():
    late = bill(open_bill(), begin()).when(paid(at=end_of_day(10) + HOUR))
    assert late.fact(e.BillPaid).recognise_at == end_of_day(11)

    late.when(recognise(end_of_day(11)))
    assert earned(late) == [89_189 * 11 // 30]


def test_caught_up_on_the_day_of_the_payment_it_is_not_earned_before_it_was_paid():
    at = end_of_day(10) + HOUR
    caught = bill(open_bill(), begin(), paid(at=at)).when(recognise(at + HOUR))

    assert caught.fact(e.RevenueRecognised).occurred_at == at


def test_what_is_paid_ahead_is_earned_from_its_beginning_on():
    ahead = opened(starts_at=end_of_day(5) + HOUR, ends_at=end_of_day(35))

    paid_ahead = bill(open_bill(ahead), begin()).when(paid())

    assert paid_ahead.fact(e.BillPaid).recognise_at == end_of_day(6)
    paid_ahead.when(recognise(end_of_day(5))).then_nothing()


def test_nobody_looks_on_days_that_earn_nothing():
    """A rupiah a week and more: three over thirty days are earned on the tenth, twentieth and thirtieth."""
    small = bill(open_bill(opened(share(3, 0))), begin()).when(paid(of=share(3, 0)))
    assert small.fact(e.BillPaid).recognise_at == end_of_day(10)

    small.when(recognise(end_of_day(10)))
    assert [f.recognise_at for f in small.new] == [end_of_day(20)]


def test_what_begins_and_ends_within_a_day_is_earned_at_its_end():
    short = opened(ends_at=AT + HOUR)

    scenario = bill(open_bill(short), begin(), paid()).when(recognise(end_of_day(1)))

    assert earned(scenario) == [89_189]


def test_days_begin_at_midnight_in_jakarta():
    midnight = datetime(2026, 11, 30, 17, tzinfo=UTC)
    month = Schedule(
        product="P",
        net=rp(31),
        starts_at=midnight,
        ends_at=datetime(2026, 12, 31, 17, tzinfo=UTC),
        earned=rp(0),
    )

    assert days(month) == 31
    assert earned_by(month, midnight + timedelta(hours=23)) == rp(0)
    assert earned_by(month, midnight + timedelta(hours=24)) == rp(1)


def lasting(net: int, length: int) -> Bill:
    """Paid, and earned over so many days."""
    whole = share(net, 0)
    terms = opened(whole, ends_at=AT + timedelta(days=length))
    return bill(open_bill(terms), begin(), paid(of=whole)).state


def recognised(state: Bill, at: datetime) -> tuple[Bill, list[int]]:
    facts = BILL.decide(state, recognise(at))
    return BILL.fold(facts, state), [fact.amount.minor for fact in facts]


lengths = st.integers(0, 800)
seconds = st.integers(0, 900 * 24 * 3600)


@settings(deadline=None)
@given(st.integers(1, 10**9), lengths, st.lists(seconds, max_size=12))
def test_recognised_at_whatever_moments_the_parts_sum_to_the_whole(net, length, moments):
    state, amounts = lasting(net, length), []
    for passed in [*sorted(moments), 1_000 * 24 * 3600]:
        state, more = recognised(state, AT + timedelta(seconds=passed))
        amounts += more

    assert sum(amounts) == net
    assert all(amount > 0 for amount in amounts)
    assert state.recognise_at is None


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 10**6), lengths)
def test_looked_at_when_it_says_something_is_earned_each_time(net, length):
    state, amounts = lasting(net, length), []
    while at := state.recognise_at:
        state, (amount,) = recognised(state, at)
        amounts.append(amount)

    assert sum(amounts) == net
    assert len(amounts) <= max(length, 1)


def test_of_nothing_nothing_is_earned():
    bill(open_bill(opened(NOTHING))).when(recognise(ENDS)).then_nothing()

"""What a part of a period costs: nothing is lost, and nobody gains by going up and down."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import Money
from ledger.subscriptions.periods import Calendar, Interval, Unit, Zone
from ledger.subscriptions.proration import By, Change, due, still_due, stretches

BASIC, PRO = Money(99_000), Money(249_000)
NOVEMBER = Calendar(
    anchor=datetime(2026, 10, 31, 17, tzinfo=UTC), interval=Interval("month"), zone="WIB"
)

CALENDARS = st.builds(
    Calendar,
    anchor=st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC)),
    interval=st.builds(Interval, st.sampled_from(get_args(Unit)), st.integers(1, 3)),
    zone=st.sampled_from(get_args(Zone)),
)
PRICES = st.integers(0, 5_000_000).map(Money)
SHARES = st.lists(st.floats(0, 1), max_size=8).map(sorted)


def on(day: int) -> datetime:
    """Midnight in Jakarta in November 2026: thirty days."""
    return datetime(2026, 11, day, tzinfo=UTC) - timedelta(hours=7)


def charged(calendar: Calendar, number: int, changes: Sequence[Change], by: By) -> list[Money]:
    """What was charged, or credited, at the beginning and with each change."""
    period = calendar.period(number)
    so_far, told = Money(0), []
    for upto in range(1, len(changes) + 1):
        told.append(still_due(stretches(period, changes[:upto], by), so_far))
        so_far += told[-1]
    return told


def test_an_upgrade_after_ten_of_thirty_days_costs_two_thirds_of_the_difference() -> None:
    changes = [Change(on(1), BASIC), Change(on(11), PRO)]

    assert charged(NOVEMBER, 0, changes, "day") == [BASIC, Money(100_000)]


def test_a_cancellation_with_credit_gives_back_what_was_not_used() -> None:
    changes = [Change(on(1), BASIC), Change(on(11), Money(0))]

    assert charged(NOVEMBER, 0, changes, "day") == [BASIC, Money(-66_000)]


def test_a_day_that_was_begun_is_a_day() -> None:
    changes = [Change(on(1), BASIC), Change(on(11) + timedelta(hours=9), Money(0))]

    assert charged(NOVEMBER, 0, changes, "day") == [BASIC, Money(-62_700)]
    assert charged(NOVEMBER, 0, changes, "second") == [BASIC, Money(-64_762)]


def test_seats_one_by_one_cost_what_they_cost_at_once() -> None:
    """Thirty seats, each a third of a rupiah off: only the whole is rounded."""
    seat = 10_001
    at_once = [Change(on(1), Money(seat)), Change(on(11), Money(31 * seat))]
    one_by_one = [Change(on(1), Money(seat))]
    one_by_one += [Change(on(11), Money(seats * seat)) for seats in range(2, 32)]

    first, second = (charged(NOVEMBER, 0, each, "day") for each in (at_once, one_by_one))

    assert sum(first, Money(0)) == sum(second, Money(0))


@st.composite
def lives(draw: st.DrawFn) -> tuple[Calendar, int, list[Change], By]:
    """A period, and changes anywhere in it, in order."""
    calendar, number = draw(CALENDARS), draw(st.integers(0, 40))
    period = calendar.period(number)
    length = period.ends_at - period.starts_at
    moments = [period.starts_at, *(period.starts_at + share * length for share in draw(SHARES))]
    return (
        calendar,
        number,
        [Change(at, draw(PRICES)) for at in moments],
        draw(st.sampled_from(get_args(By))),
    )


@given(lives())
def test_the_slices_sum_to_the_whole(life: tuple[Calendar, int, list[Change], By]) -> None:
    calendar, number, changes, by = life
    parts = stretches(calendar.period(number), changes, by)

    assert sum(charged(*life), Money(0)) == due(parts)
    assert min(part.units for part in parts) >= 0
    lowest, highest = (pick(each.price for each in changes) for pick in (min, max))
    assert lowest <= due(parts) <= highest


@given(lives())
def test_nothing_is_given_back_that_was_not_paid(
    life: tuple[Calendar, int, list[Change], By],
) -> None:
    assert min(accumulate(charged(*life), initial=Money(0))) >= Money(0)


@given(lives(), PRICES)
def test_up_and_down_again_at_once_costs_nothing(
    life: tuple[Calendar, int, list[Change], By], other: Money
) -> None:
    calendar, number, changes, by = life
    last = changes[-1]
    detour = [*changes, Change(last.at, other), last]

    assert sum(charged(calendar, number, detour, by), Money(0)) == sum(charged(*life), Money(0))


@given(lives(), PRICES)
def test_up_and_down_later_never_gains(
    life: tuple[Calendar, int, list[Change], By], more: Money
) -> None:
    calendar, number, changes, by = life
    last = changes[-1]
    period = calendar.period(number)
    later = last.at + (period.ends_at - last.at) / 3
    detour = [*changes, Change(last.at, last.price + more), Change(later, last.price)]

    assert sum(charged(calendar, number, detour, by), Money(0)) >= sum(charged(*life), Money(0))


@pytest.mark.parametrize("by", get_args(By))
def test_without_a_change_it_costs_its_price(by: By) -> None:
    for number in range(24):
        assert charged(NOVEMBER, number, [Change(NOVEMBER.boundary(number), BASIC)], by) == [BASIC]

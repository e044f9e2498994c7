"""Periods follow from their anchor, by the subscriber's calendar."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.subscriptions.periods import ZONES, Calendar, Interval, Unit, Zone

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
CALENDARS = st.builds(
    Calendar,
    anchor=MOMENTS,
    interval=st.builds(Interval, st.sampled_from(get_args(Unit)), st.integers(1, 12)),
    zone=st.sampled_from(get_args(Zone)),
)


def at(text: str, zone: Zone = "WIB") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONES[zone])


def days(anchor: str, unit: Unit, numbers: range, zone: Zone = "WIB") -> list[str]:
    calendar = Calendar(anchor=at(anchor, zone), interval=Interval(unit), zone=zone)
    return [str(calendar.local_date(calendar.boundary(number))) for number in numbers]


def test_the_end_of_a_month_comes_back_after_a_short_one() -> None:
    assert days("2027-01-31 10:00", "month", range(5)) == [
        "2027-01-31",
        "2027-02-28",
        "2027-03-31",
        "2027-04-30",
        "2027-05-31",
    ]


def test_a_leap_day_comes_back_after_four_years() -> None:
    assert days("2028-02-29 00:00", "year", range(5)) == [
        "2028-02-29",
        "2029-02-28",
        "2030-02-28",
        "2031-02-28",
        "2032-02-29",
    ]


def test_quarters_weeks_and_days() -> None:
    assert days("2026-11-30 09:00", "quarter", range(3)) == [
        "2026-11-30",
        "2027-02-28",
        "2027-05-30",
    ]
    assert days("2026-12-28 09:00", "week", range(3)) == ["2026-12-28", "2027-01-04", "2027-01-11"]
    assert days("2026-12-31 09:00", "day", range(3)) == ["2026-12-31", "2027-01-01", "2027-01-02"]


@pytest.mark.parametrize(
    ("zone", "second"), [("WIB", "2027-02-28 16:30"), ("WIT", "2027-02-28 15:30")]
)
def test_the_day_is_the_subscribers_own(zone: Zone, second: str) -> None:
    """Half past midnight in the east is another day than half past eleven in the west."""
    begins = {"WIB": "2027-01-31 23:30", "WIT": "2027-02-01 00:30"}[zone]
    calendar = Calendar(anchor=at(begins, zone), interval=Interval("month"), zone=zone)

    assert calendar.boundary(0) == calendar.anchor
    assert calendar.boundary(1) == datetime.fromisoformat(second).replace(tzinfo=UTC)


@given(CALENDARS, st.integers(-50, 200))
def test_periods_follow_each_other_without_a_gap(calendar: Calendar, number: int) -> None:
    first, second = calendar.period(number), calendar.period(number + 1)

    assert first.starts_at < first.ends_at == second.starts_at


@given(CALENDARS, MOMENTS)
def test_every_moment_is_in_one_period(calendar: Calendar, moment: datetime) -> None:
    period = calendar.period_at(moment)

    assert period.starts_at <= moment < period.ends_at
    assert period == calendar.period(period.number)


@given(CALENDARS, st.integers(0, 200))
def test_a_boundary_belongs_to_the_period_that_it_begins(calendar: Calendar, number: int) -> None:
    boundary = calendar.boundary(number)

    assert calendar.period_at(boundary).number == number
    assert calendar.period_at(boundary - timedelta(microseconds=1)).number == number - 1

"""Closing a month: once, when it is over; and which day an entry counts for then."""

from datetime import UTC, date, datetime

import pytest

from ledger.journal.events import PeriodClosed
from ledger.journal.period import (
    PERIOD,
    ClosePeriod,
    OpenDays,
    PeriodAlreadyClosed,
    PeriodMalformed,
    PeriodNotOver,
    last_day,
    stream_of,
)
from support.scenario import Scenario

OVER = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)  # midnight in Jakarta
CLOSED = PeriodClosed(
    occurred_at=OVER, period="2026-11", until=date(2026, 11, 30), by="ana", reason="final"
)


def close(period: str = "2026-11", now: datetime = OVER) -> ClosePeriod:
    return ClosePeriod(now=now, period=period, by="ana", reason="final")


def test_a_month_that_is_over_is_closed() -> None:
    Scenario(PERIOD).given().when(close()).then(CLOSED)


def test_a_month_is_over_when_it_is_over_in_jakarta() -> None:
    before = OVER.replace(hour=16, minute=59)

    refused = Scenario(PERIOD).given().when(close(now=before)).then_refused(PeriodNotOver)

    assert refused.context == {"last_day": "2026-11-30"}


def test_a_month_is_closed_once() -> None:
    Scenario(PERIOD).given(CLOSED).when(close()).then_refused(PeriodAlreadyClosed)


@pytest.mark.parametrize("period", ["2026", "2026-13", "2026-1", "11-2026", "2026-11-30", ""])
def test_what_is_no_month_is_refused(period: str) -> None:
    Scenario(PERIOD).given().when(close(period)).then_refused(PeriodMalformed)
    with pytest.raises(PeriodMalformed):
        stream_of(period)


def test_months_end_on_their_last_day() -> None:
    months = ("2026-12", "2027-02", "2028-02", "2026-11")

    assert [last_day(month).day for month in months] == [31, 28, 29, 30]


def test_an_entry_of_a_closed_day_counts_for_the_first_open_one() -> None:
    days = OpenDays()
    assert days.day(date(2026, 11, 30)) == date(2026, 11, 30)

    days.close(CLOSED)

    assert days.day(date(2026, 11, 30)) == date(2026, 12, 1)
    assert days.day(date(2020, 1, 1)) == date(2026, 12, 1)
    assert days.day(date(2026, 12, 5)) == date(2026, 12, 5)


def test_an_earlier_month_closed_later_opens_nothing() -> None:
    days = OpenDays()
    days.close(CLOSED)
    days.close(
        PeriodClosed(
            occurred_at=OVER, period="2026-10", until=date(2026, 10, 31), by="ana", reason="late"
        )
    )

    assert days.day(date(2026, 11, 3)) == date(2026, 12, 1)

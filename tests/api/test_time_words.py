"""Moments and durations as people type them; what is neither is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from api import time_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("31d", timedelta(days=31)),
        ("2h", timedelta(hours=2)),
        ("1w1d12h30m5s", timedelta(days=8, hours=12, minutes=30, seconds=5)),
        ("0s", timedelta()),
    ],
)
def test_a_duration_is_counts_with_their_units(text: str, expected: timedelta) -> None:
    assert time_words.duration(text) == expected


@pytest.mark.parametrize("text", ["", "31", "d", "-2h", "2h ", "1.5d", "2 h", "1y"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError):
        time_words.duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-01-31", datetime(2027, 1, 30, 17, tzinfo=UTC)),
        ("2027-01-31 09:00", datetime(2027, 1, 31, 2, tzinfo=UTC)),
        ("2027-01-31T09:00:00+00:00", datetime(2027, 1, 31, 9, tzinfo=UTC)),
    ],
)
def test_a_moment_is_in_jakarta_unless_it_says_where(text: str, expected: datetime) -> None:
    assert time_words.moment(text) == expected

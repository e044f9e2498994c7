"""How a lag is counted from looks at the log and at a read model."""

import pytest

from benchmarks.feed import Look, lags


def test_a_lag_is_never_less_than_it_was_whenever_the_commit_came_between_two_looks() -> None:
    looks = [
        Look(0.00, 0.01, {"head": 5, "money": 5}),
        Look(0.10, 0.11, {"head": 5, "money": 5}),
        Look(0.20, 0.21, {"head": 7, "money": 5}),
        Look(0.30, 0.31, {"head": 8, "money": 6}),
        Look(0.40, 0.41, {"head": 8, "money": 8}),
    ]

    assert lags(looks, "money") == pytest.approx([0.21, 0.31, 0.21])


def test_what_is_applied_at_the_look_that_first_shows_it_was_behind_for_that_long_at_most() -> None:
    looks = [
        Look(0.00, 0.01, {"head": 5, "money": 5}),
        Look(0.10, 0.11, {"head": 6, "money": 6}),
    ]

    assert lags(looks, "money") == pytest.approx([0.11])

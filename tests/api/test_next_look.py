"""The rungs of a ladder."""

from datetime import timedelta

import pytest

from api.inbox import LADDER, pause_after
from api.next_look import ladder, rung

SECONDS = ladder(5, 30, 120)


@pytest.mark.parametrize(("tries", "seconds"), [(1, 5), (2, 30), (3, 120), (4, 120), (9_999, 120)])
def test_the_last_rung_repeats(tries: int, seconds: int):
    assert rung(SECONDS, tries) == timedelta(seconds=seconds)


def test_nothing_waits_longer_than_it_may():
    longest = timedelta(seconds=20)

    assert [rung(SECONDS, tries, longest).seconds for tries in (1, 2, 3)] == [5, 20, 20]


def test_notices_have_a_ladder_of_their_own():
    assert [pause_after(tries) for tries in range(1, len(LADDER) + 2)] == [*LADDER, LADDER[-1]]

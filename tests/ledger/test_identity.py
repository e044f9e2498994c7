"""Ids: sorted by the time they were made, and never the same twice."""

from concurrent.futures import ThreadPoolExecutor

from ledger import clock
from ledger.identity import PIECES, new_id


def test_no_id_is_made_twice_whatever_thread_asks():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_id("pay"), range(20 * PIECES)))

    assert len(set(made)) == len(made)


def test_ids_sort_by_the_moment_they_were_made():
    earlier = new_id("pay")
    until = clock.epoch_milliseconds() + 1
    while clock.epoch_milliseconds() <= until:
        pass

    assert earlier < new_id("pay")

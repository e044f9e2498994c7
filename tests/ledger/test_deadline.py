"""A deadline is passed down to every wait, and counts only the time that is ours."""

import asyncio
import math
import time

from api.background import Background
from ledger import deadline


def test_without_a_caller_there_is_no_deadline_and_each_wait_has_its_own_limit():
    assert deadline.latest() == math.inf
    assert deadline.left(4.0) == 4.0


def test_waits_share_what_is_left():
    with deadline.answering_within(0.05):
        time.sleep(0.03)
        assert deadline.left(4.0) <= 0.02
        time.sleep(0.03)
        assert deadline.left(4.0) == 0.0
    assert deadline.latest() == math.inf


def test_time_that_is_somebody_elses_does_not_count():
    with deadline.answering_within(0.05):
        with deadline.stopped():
            time.sleep(0.1)
        assert deadline.left(4.0) > 0.02


async def test_a_task_has_the_deadline_of_who_began_it():
    async def work() -> float:
        with deadline.stopped():
            await asyncio.sleep(0.1)
        return deadline.left(4.0)

    with deadline.answering_within(0.05):
        assert 0.0 < (await Background().within(1, work()) or 0.0) <= 0.05
        assert deadline.left(4.0) > 0.0


async def test_work_that_outlives_its_request_has_none_and_the_request_can_still_answer():
    async def work() -> float:
        await asyncio.sleep(0.1)
        return deadline.latest()

    background = Background()
    with deadline.answering_within(0.05):
        going_on = asyncio.ensure_future(work())
        assert await background.within(0.06, _waiting_for(going_on)) is None
        assert 0.0 < deadline.left(4.0) <= 0.05

    assert await going_on == math.inf


async def _waiting_for(task: "asyncio.Future[float]") -> float:
    return await task

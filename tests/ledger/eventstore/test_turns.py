"""Turns on a stream: one at a time, in the order of asking, and none is lost with who gives up."""

import asyncio

import pytest

from ledger import deadline
from ledger.eventstore.group_call import StoreUnavailable
from ledger.eventstore.turns import Turns


async def test_turns_come_in_the_order_of_asking_and_never_two_at_once():
    turns, order, inside = Turns(), [], 0

    async def one(number: int) -> None:
        nonlocal inside
        await turns.take("pay_1")
        inside += 1
        assert inside == 1
        await asyncio.sleep(0)
        order.append(number)
        inside -= 1
        turns.leave("pay_1")

    await asyncio.gather(*map(one, range(20)))

    assert order == list(range(20))


async def test_streams_do_not_wait_for_one_another():
    turns = Turns()

    await turns.take("pay_1")
    await asyncio.wait_for(turns.take("pay_2"), 0.1)


async def test_who_waits_too_long_is_told_and_the_next_still_has_its_turn():
    turns = Turns()
    await turns.take("pay_1")

    with pytest.raises(StoreUnavailable), deadline.answering_within(0.01):
        await turns.take("pay_1")

    next_one = asyncio.create_task(turns.take("pay_1"))
    await asyncio.sleep(0)
    turns.leave("pay_1")
    await asyncio.wait_for(next_one, 0.1)


@pytest.mark.parametrize("called_off_first", [True, False])
async def test_a_turn_that_comes_to_somebody_called_off_is_passed_on(called_off_first):
    turns = Turns()
    await turns.take("pay_1")
    second, third = (asyncio.create_task(turns.take("pay_1")) for _ in range(2))
    await asyncio.sleep(0)

    for step in (second.cancel, lambda: turns.leave("pay_1"))[:: 1 if called_off_first else -1]:
        step()

    await asyncio.wait_for(third, 0.1)
    assert second.cancelled()
    turns.leave("pay_1")
    await asyncio.wait_for(turns.take("pay_1"), 0.1)

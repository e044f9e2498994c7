"""Whoever waits for a call is told, also when the code around it fails."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from ledger.eventstore.connections import connect_for_calls
from ledger.eventstore.group_call import GroupCall, StoreRefused, StoreUnavailable
from ledger.eventstore.reading import CommandCall
from support.stores import SCHEMA


class BrokenCall(CommandCall):
    """Fails at one item: before it is sent, or after its answer has come."""

    def __init__(self, before: str = "", after: str = "") -> None:
        self.before, self.after = before, after

    def parameters(self, items: Sequence[str]) -> Sequence[bytes]:
        if self.before in items:
            raise KeyError(self.before)
        return super().parameters(items)

    def outcomes(self, items, result):
        if self.after in items:
            raise KeyError(self.after)
        return super().outcomes(items, result)


@pytest.fixture
async def open_calls(ledger_database: str):
    opened: list[GroupCall] = []

    def calls(statement: CommandCall) -> GroupCall:
        opened.append(GroupCall(partial(connect_for_calls, ledger_database, SCHEMA), statement))
        return opened[-1]

    yield calls
    for one in opened:
        await one.close()


async def test_what_cannot_be_sent_is_refused_alone(open_calls: Callable[..., GroupCall]):
    calls = open_calls(BrokenCall(before="bad"))

    said = await asyncio.gather(*map(calls.submit, ("one", "bad", "two")), return_exceptions=True)

    assert [type(one) for one in said] == [type(None), StoreRefused, type(None)]


async def test_an_answer_that_nobody_understands_leaves_nobody_waiting(
    open_calls: Callable[..., GroupCall],
):
    calls = open_calls(BrokenCall(after="bad"))
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # it is told to the log

    said = await asyncio.gather(*map(calls.submit, ("one", "bad")), return_exceptions=True)

    assert {type(one) for one in said} == {StoreUnavailable}
    assert await calls.submit("two") is None

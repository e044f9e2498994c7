"""The clock leaps, forward by forty days and back by two hours, under a running system: nothing is lost and nothing is
done twice.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from api import simulated_clock
from api.simulated_clock import Hands
from api.wiring import MIGRATIONS
from ledger import clock
from ledger.eventstore.migrate import migrate
from support.customer import ACCEPTED_CARD, Caller, Fields, Gateway
from support.running import SCHEMA, Running, running

FORTY_DAYS, TWO_HOURS = timedelta(days=40), timedelta(hours=-2)
METHODS = ("bca_va", "qris", "credit_card", "gopay", "alfamart")


@pytest.fixture
async def leaping(ledger_database: str, gateway: Gateway) -> AsyncIterator[Running]:
    migrate(ledger_database, SCHEMA, (*MIGRATIONS, simulated_clock.MIGRATION))
    async with running(ledger_database, gateway, workers=2, simulated_clock=True) as started:
        yield started


async def leap(system: Running, by: timedelta) -> None:
    assert system.wired.simulated_clock is not None
    hands = Hands.at(clock.now() + by, frozen=False)
    await system.wired.simulated_clock.set(hands, by="test")


async def bought(shop: Caller, gateway: Gateway) -> list[Fields]:
    """One by each method, under way at the same time."""

    async def one(method: str) -> Fields:
        card = {"cardToken": await gateway.card_token(ACCEPTED_CARD)}
        answer = await shop.ask(method, **(card if method == "credit_card" else {}))
        assert answer.status_code in (201, 202), answer.text
        return dict(answer.json())

    return list(await asyncio.gather(*map(one, METHODS)))


@pytest.mark.parametrize("leaps", [(FORTY_DAYS, TWO_HOURS), (TWO_HOURS, FORTY_DAYS, TWO_HOURS)])
async def test_nothing_is_lost_and_nothing_is_done_twice(
    leaping: Running, gateway: Gateway, leaps: tuple[timedelta, ...]
) -> None:
    shop = await leaping.caller()
    payments = await bought(shop, gateway)
    for by in leaps:
        under_way = asyncio.create_task(bought(shop, gateway))
        await asyncio.sleep(0.05)
        await leap(leaping, by)
        payments += await under_way
    payments = [await shop.until(one, "pending", "captured") for one in payments]
    for one in payments:
        await (gateway.settle if one["status"] == "captured" else gateway.pay)(one)

    settled = [await shop.until(one, "settled") for one in payments]

    assert [len(await gateway.charges(one)) for one in settled] == [1] * len(payments)
    assert await leaping.books()

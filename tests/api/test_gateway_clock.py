"""The gateway's time goes first; what happened there on the way is told when ours has come along."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import pytest

from api.gateway_clock import HOLD, GatewayClock, gateway_clock
from support.running import SERVER_KEY, simulator

DAY = timedelta(days=1)


@dataclass
class Outside:
    clock: GatewayClock
    http: httpx2.AsyncClient

    async def charge(self) -> None:
        details = {"order_id": "order-1", "gross_amount": 99_000}
        asked = {"payment_type": "bank_transfer", "bank_transfer": {"bank": "bca"}}
        body = {**asked, "transaction_details": details}
        answer = await self.http.post("/v2/charge", json=body, auth=(SERVER_KEY, ""))
        assert answer.json()["status_code"] == "201", answer.text

    async def states(self) -> list[str]:
        answer = await self.http.get("/_control/notices", params={"order_id": "order-1"})
        return [notice["state"] for notice in answer.json()["notices"]]


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    with simulator() as (url, _):
        async with (
            gateway_clock(url) as clock,
            httpx2.AsyncClient(base_url=url, trust_env=False) as http,
        ):
            assert clock is not None
            yield Outside(clock, http)


async def test_what_happens_on_the_way_is_told_when_we_have_come_along(outside: Outside) -> None:
    await outside.charge()
    begun = (await outside.clock.set((await outside.clock.read()).now, frozen=True)).now

    async with outside.clock.ahead(begun + 2 * DAY, frozen=True):
        there = await outside.clock.read()
        held = await outside.states()

    assert (there.now, there.frozen) == (begun + 2 * DAY, True)
    assert held[-1] == "held"
    async with asyncio.timeout(5):  # one after the other
        while "held" in await outside.states():
            await asyncio.sleep(0.02)


async def test_notices_that_somebody_holds_stay_held(outside: Outside) -> None:
    await outside.charge()
    await outside.http.post(HOLD, json={"hold": True})

    async with outside.clock.ahead((await outside.clock.read()).now + 2 * DAY, frozen=True):
        pass

    assert (await outside.clock.read()).holding_notices
    assert "held" in await outside.states()

"""PostgreSQL stops, or is killed: every request is answered in time, and nothing acknowledged is lost."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import httpx2
import pytest

from api.app import create_app
from api.embedded import EmbeddedPostgres
from api.worker import Worker
from support.customer import Caller, Gateway, eventually, order_id
from support.every_route import (
    RECOVERED_WITHIN_SECONDS,
    Busy,
    EveryRoute,
    routes_of,
    worker_goes_on,
)
from support.own_postgres import kill, stop_at_once
from support.running import Process, Running


@pytest.fixture
def system(on_own_server: Running) -> Running:
    return on_own_server


async def repeated(system: Running, shop: Caller, key: str) -> httpx2.Response:
    """409 only while whoever sent the charge, and could not record what became of it, has a lease."""

    async def served() -> httpx2.Response:
        answer = await shop.ask("bca_va", 50_000, key=key)
        if answer.status_code == 409:
            system.later(31)
        assert answer.is_success, answer.text
        return answer

    return await eventually(served)


def test_every_route_is_asked_during_each_fault(system: Running, shop: Caller) -> None:
    every = EveryRoute(shop, *[{"paymentId": "", "attempts": [{"orderId": ""}]}] * 2)

    assert set(every.requests()) == routes_of(create_app(system.settings))


async def test_stopped_every_request_is_answered_in_time_and_all_go_on_by_themselves(
    system: Running, own_server: EmbeddedPostgres, shop: Caller, work: Process
) -> None:
    every = await EveryRoute.of(shop)
    busy = Busy(shop)
    await busy.have(10)

    await asyncio.to_thread(stop_at_once, own_server)
    wrong = await every.wrong_without_database()
    wrong += [f"later, {line}" for line in await every.wrong_without_database()]
    await busy.stop()
    await asyncio.to_thread(own_server.start)
    over = time.monotonic()

    await every.recover()
    await worker_goes_on(system, shop)
    assert time.monotonic() - over < RECOVERED_WITHIN_SECONDS
    assert wrong == []
    assert busy.wrong() == []
    assert await busy.lost() == []
    assert work.process.poll() is None


async def test_a_worker_whose_loop_ends_at_the_first_fault_is_caught(
    system: Running, own_server: EmbeddedPostgres, shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process lives on, and nobody does its work: M11 of reliability.md 5.5."""

    async def repeat(
        self: Worker, step: Callable[[], Awaitable[bool]], stop: asyncio.Event, idle_seconds: float
    ) -> None:
        try:
            while not stop.is_set():
                await step()
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), idle_seconds)
        except Exception:
            await stop.wait()

    every = await EveryRoute.of(shop)
    monkeypatch.setattr(Worker, "_repeat", repeat)
    await system.start_worker()
    await worker_goes_on(system, shop)
    await asyncio.to_thread(stop_at_once, own_server)
    await every.wrong_without_database()
    await asyncio.to_thread(own_server.start)
    await every.recover()

    with pytest.raises(AssertionError, match="pending"):
        await worker_goes_on(system, shop)


async def test_killed_it_has_what_was_acknowledged_and_a_repeat_is_done_once(
    system: Running, own_server: EmbeddedPostgres, shop: Caller, gateway: Gateway
) -> None:
    await system.start_worker()
    busy = Busy(shop)
    await busy.have(10)

    await asyncio.to_thread(kill, own_server)
    await busy.refused(4)
    await busy.stop()
    await asyncio.to_thread(own_server.start)

    assert busy.wrong() == []
    for key, told in busy.answers.items():
        again = await repeated(system, shop, key)
        if told.answer.is_success:
            assert again.json()["paymentId"] == told.answer.json()["paymentId"]
        assert len(await gateway.charges(again.json())) <= 1
    await worker_goes_on(system, shop)


async def test_a_genuine_notice_that_cannot_be_stored_is_asked_for_again(
    system: Running, own_server: EmbeddedPostgres, shop: Caller, gateway: Gateway
) -> None:
    await system.start_worker()
    payment = await shop.request("bca_va", 50_000)
    await asyncio.to_thread(own_server.stop)
    await gateway.pay(payment)

    async def told_so() -> None:
        (_, paid) = await gateway.notices(payment)
        assert paid["response_status"] == 502, paid

    await eventually(told_so)
    await asyncio.to_thread(own_server.start)

    await shop.until(payment, "settled", within=30)


async def test_work_that_was_begun_is_finished_as_soon_as_there_is_a_database(
    system: Running, own_server: EmbeddedPostgres, shop: Caller, gateway: Gateway
) -> None:
    """Its lease would be over only after half a minute."""
    await system.start_worker()
    payment = await shop.request("bca_va", 50_000)
    await gateway.fault("hang", order_id(payment), path="/status", seconds=2)
    await gateway.pay(payment)

    async def taken_up() -> None:
        async with system.wired.readers.connection() as conn:
            cursor = await conn.execute("select 1 from inbox where tries > 0 and done_at is null")
            assert await cursor.fetchall()

    await eventually(taken_up)
    await asyncio.to_thread(stop_at_once, own_server)
    await asyncio.sleep(5)  # its question to the gateway has been answered by now
    await asyncio.to_thread(own_server.start)

    await shop.until(payment, "settled", within=RECOVERED_WITHIN_SECONDS)

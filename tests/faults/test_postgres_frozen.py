"""PostgreSQL stands still and never answers: nobody waits for it longer than promised."""

import asyncio
import time

import pytest

from api.embedded import EmbeddedPostgres
from support.customer import Caller, new_key
from support.every_route import (
    ANSWERED_WITHIN_SECONDS,
    RECOVERED_WITHIN_SECONDS,
    Busy,
    EveryRoute,
    refused,
    timed,
    worker_goes_on,
)
from support.own_postgres import frozen
from support.running import Process, Running


@pytest.fixture
def system(on_own_server: Running) -> Running:
    return on_own_server


async def test_every_request_is_answered_in_time_and_all_go_on_by_themselves(
    system: Running, own_server: EmbeddedPostgres, shop: Caller, work: Process
) -> None:
    every = await EveryRoute.of(shop)
    # Idle connections are what hangs: as many as the process may have.
    await asyncio.gather(*(shop.payment(every.payment) for _ in range(50)))
    busy = Busy(shop)
    await busy.have(10)

    with frozen(own_server):
        wrong = await every.wrong_without_database()
        wrong += [f"later, {line}" for line in await every.wrong_without_database()]
    over = time.monotonic()

    await every.recover()
    await worker_goes_on(system, shop)
    assert time.monotonic() - over < RECOVERED_WITHIN_SECONDS
    await busy.stop()
    assert wrong == []
    assert busy.wrong() == []
    assert await busy.lost() == []
    assert work.process.poll() is None


async def test_waits_one_after_the_other_do_not_add_up(
    system: Running, own_server: EmbeddedPostgres, shop: Caller
) -> None:
    """Commands on one payment have their turns, and a twin waits for the first under its key."""
    payment = await shop.request("bca_va", 50_000)
    key = new_key()

    with frozen(own_server):
        answers = await asyncio.gather(
            *(timed(lambda: shop.cancel(payment)) for _ in range(5)),
            *(timed(lambda: shop.ask("bca_va", 50_000, key=key)) for _ in range(3)),
        )

    late = [str(one) for one in answers if one.seconds > ANSWERED_WITHIN_SECONDS]
    assert late == []
    assert {one.answer.status_code for one in answers} <= {503, 409}
    assert all(refused(one.answer) for one in answers[:5])
    assert (await shop.request("bca_va", 50_000))["status"] == "pending"


async def test_a_database_that_keeps_freezing_makes_nobody_wait_for_each_time(
    system: Running, own_server: EmbeddedPostgres, shop: Caller
) -> None:
    """Each wait ends before its own limit; a request has several of them."""
    over = asyncio.Event()

    async def freeze_again_and_again() -> None:
        while not over.is_set():
            with frozen(own_server):
                await asyncio.sleep(2.5)
            await asyncio.sleep(0.02)

    freezing = asyncio.create_task(freeze_again_and_again())
    await asyncio.sleep(0.1)
    answers = await asyncio.gather(*(timed(lambda: shop.ask("bca_va", 50_000)) for _ in range(8)))
    over.set()
    await freezing

    assert [str(one) for one in answers if one.seconds > ANSWERED_WITHIN_SECONDS] == []
    assert all(one.answer.is_success or refused(one.answer) for one in answers)
    assert (await shop.request("bca_va", 50_000))["status"] == "pending"

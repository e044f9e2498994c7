"""PostgreSQL has no connection left: what has one goes on, everything else is told to come back."""

import asyncio
import time

import pytest

from api.embedded import EmbeddedPostgres
from support.customer import Caller
from support.every_route import RECOVERED_WITHIN_SECONDS, Busy, EveryRoute, worker_goes_on
from support.own_postgres import no_slots, take_ours
from support.running import Process, Running


@pytest.fixture
def system(on_own_server: Running) -> Running:
    return on_own_server


async def test_eaten_by_somebody_else_it_is_refused_in_time_and_all_go_on_by_themselves(
    system: Running, own_server: EmbeddedPostgres, shop: Caller, work: Process
) -> None:
    every = await EveryRoute.of(shop)
    busy = Busy(shop, callers=2)
    await busy.have(5)

    with no_slots(own_server.dsn) as taken:
        assert len(taken) > 100
        wrong = await every.wrong_where_served_or_refused()
        await asyncio.to_thread(take_ours, own_server.dsn, taken)
        wrong += [f"without any, {line}" for line in await every.wrong_without_database()]
        await busy.stop()
    over = time.monotonic()

    await every.recover()
    await worker_goes_on(system, shop)
    assert time.monotonic() - over < RECOVERED_WITHIN_SECONDS
    assert wrong == []
    assert busy.wrong() == []
    assert await busy.lost() == []
    assert work.process.poll() is None


async def test_with_fewer_than_we_would_like_everything_is_served_or_refused_in_time(
    system: Running, own_server: EmbeddedPostgres, shop: Caller
) -> None:
    every = await EveryRoute.of(shop)
    own_server.stop()
    with EmbeddedPostgres(own_server.data_dir, settings={"max_connections": "8"}):
        await system.start_worker()
        wrong = await every.wrong_where_served_or_refused()
        wrong += [f"again, {line}" for line in await every.wrong_where_served_or_refused()]
    await asyncio.to_thread(own_server.start)

    await every.recover()
    await worker_goes_on(system, shop)
    assert wrong == []

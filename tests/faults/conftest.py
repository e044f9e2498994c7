"""Faults are done to the same running system; see support/running.py."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from api.embedded import EmbeddedPostgres
from api.wiring import prepare
from support.customer import Gateway, new_key
from support.every_route import worker_goes_on
from support.running import (
    STARTS_WITHIN_SECONDS,
    Process,
    Running,
    gateway,
    process,
    running,
    settings_for,
    shop,
    simulated,
    system,
)

__all__ = ["gateway", "shop", "simulated", "system"]


@pytest.fixture
def own_server(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that nobody else needs. As durable as in production, or ours would refuse it."""
    with EmbeddedPostgres(open_folder / f"own-{new_key()}") as postgres:
        yield postgres


@pytest.fixture
async def on_own_server(own_server: EmbeddedPostgres, gateway: Gateway) -> AsyncIterator[Running]:
    """Without a worker: `work` is one, in a process of its own."""
    await asyncio.to_thread(prepare, settings_for(own_server.dsn, gateway))
    async with running(own_server.dsn, gateway, workers=0) as started:
        yield started


@pytest.fixture
async def work(on_own_server: Running) -> AsyncIterator[Process]:
    """At work already: one that starts while the database is away ends, to be started again."""
    with process("work", on_own_server.settings) as started:
        await worker_goes_on(on_own_server, await on_own_server.caller(), STARTS_WITHIN_SECONDS)
        yield started

"""PostgreSQL's disk is full: nothing is written, what can be read is read, and it passes by itself.

The disk is a file system in memory that holds 64 MiB: a write beyond it fails as on any other, with ENOSPC. That is
the error PostgreSQL has to deal with; a limit on the size of files, which needs no rights, would give it another one.
"""

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.embedded import EmbeddedPostgres
from api.wiring import prepare
from support.customer import Caller, Gateway, eventually
from support.every_route import RECOVERED_WITHIN_SECONDS, EveryRoute, refused, worker_goes_on
from support.own_postgres import cluster, folder_of_the_server, full, small_disk
from support.running import Running, running, settings_for

READS = (
    "GET /api/v1/payments",
    "GET /api/v1/payments/{payment_id}",
    "GET /api/v1/payments/{payment_id}/events",
    "GET /api/v1/payment-methods",
    "GET /api/v1/accounts",
    "GET /api/v1/accounts/{account}/entries",
    "GET /api/v1/trial-balance",
    "GET /health",
    "GET /ready",
)


@pytest.fixture
def disk() -> Iterator[Path]:
    with small_disk(64) as place:
        yield place


def on_disk(own_server: EmbeddedPostgres, disk: Path) -> str:
    """A database whose tables lie there; the write-ahead log does not."""
    place = folder_of_the_server(disk / "tables")
    with psycopg.connect(own_server.dsn, autocommit=True) as conn:
        conn.execute(f"create tablespace small location '{place}'")
        conn.execute("create database small tablespace small")
    return make_conninfo(own_server.dsn, dbname="small")


async def test_where_the_tables_are_reads_go_on_and_writes_are_refused(
    disk: Path, own_server: EmbeddedPostgres, gateway: Gateway
) -> None:
    dsn = on_disk(own_server, disk)
    await asyncio.to_thread(prepare, settings_for(dsn, gateway))
    try:
        async with running(dsn, gateway) as system:
            shop = await system.caller()
            every = await EveryRoute.of(shop)
            told = []
            with full(disk):
                while not told or told[-1].is_success:  # what lies half empty is filled first
                    told.append(await shop.ask("bca_va", 50_000))
                wrong = await every.wrong_where_served_or_refused()
                found = await every.statuses()
            over = time.monotonic()

            await every.recover()
            await worker_goes_on(system, shop)
            assert time.monotonic() - over < RECOVERED_WITHIN_SECONDS
            assert wrong == []
            assert refused(told[-1])
            assert [name for name in READS if found[name] != every.normal[name]] == []
            for answer in told[:-1]:
                await shop.payment(answer.json())
    finally:
        own_server.stop()  # before its disk goes

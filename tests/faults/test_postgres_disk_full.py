"""PostgreSQL's disk is full: nothing is written, what can be read is read, and it passes by itself.

The disk is a file system in memory that holds 64 MiB: a write beyond it fails as on any other, with ENOSPC. That is
the error PostgreSQL has to deal with; a limit on the size of files, which needs no rights, would give it another one.
"""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.embedded import EmbeddedPostgres
from api.postgres_binaries import server_account
from api.wiring import prepare
from support.customer import Gateway
from support.every_route import RECOVERED_WITHIN_SECONDS, Busy, EveryRoute, refused, worker_goes_on
from support.own_postgres import cluster, folder_of_the_server, full, small_disk
from support.running import running, settings_for

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


async def test_where_the_log_is_the_server_falls_and_comes_back_with_what_it_had(
    disk: Path, own_server: EmbeddedPostgres, gateway: Gateway
) -> None:
    """A full disk there is a PANIC for PostgreSQL: all its processes end, and it starts again or does not."""
    await asyncio.to_thread(move_log, own_server, disk)
    await asyncio.to_thread(prepare, settings_for(own_server.dsn, gateway))
    try:
        async with running(own_server.dsn, gateway) as system:
            shop = await system.caller()
            every = await EveryRoute.of(shop)
            busy = Busy(shop, callers=2)
            await busy.have(5)
            with full(disk):
                await asyncio.to_thread(use_up_log, own_server.dsn)
                wrong = await every.wrong_where_served_or_refused()
                wrong += [f"later, {line}" for line in await every.wrong_where_served_or_refused()]
                await busy.refused(4)
                await busy.stop()
            await asyncio.to_thread(own_server.start)  # as whoever supervises it does
            over = time.monotonic()

            await every.recover()
            await worker_goes_on(system, shop)
            assert time.monotonic() - over < RECOVERED_WITHIN_SECONDS
            assert wrong == []
            assert busy.wrong() == []
            assert await busy.lost() == []
    finally:
        own_server.stop()


def move_log(own_server: EmbeddedPostgres, disk: Path) -> None:
    own_server.stop()
    log = cluster(own_server) / "pg_wal"
    place = folder_of_the_server(disk / "log")
    for part in log.iterdir():
        shutil.move(part, place)
    for part in place.rglob("*"):
        server_account().take(part)
    log.rmdir()
    log.symlink_to(place)
    own_server.start()


def use_up_log(dsn: str) -> None:
    """Segments that are there already are written first."""
    with suppress(psycopg.OperationalError), psycopg.connect(dsn, autocommit=True) as conn:
        while True:
            conn.execute("select txid_current(), pg_switch_wal()")

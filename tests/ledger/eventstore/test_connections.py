"""Connections for reading: bounded in time, and back as soon as the server is."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.embedded import EmbeddedPostgres
from ledger import deadline
from ledger.eventstore.connections import Readers, connect, connect_for_calls, conninfo_for
from ledger.eventstore.group_call import StoreUnavailable
from ledger.eventstore.migrate import migrate
from projections.engine import connections as projectors
from support.own_postgres import kill
from support.stores import SCHEMA

SIZE = 6


@pytest.fixture
def own_server(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(open_folder / "readers", tcp_port=0, settings={"fsync": "off"}) as server:
        migrate(server.dsn, SCHEMA)
        yield server


@pytest.fixture
async def readers(own_server: EmbeddedPostgres) -> AsyncIterator[Readers]:
    opened = Readers(own_server.dsn, SCHEMA, SIZE)
    await opened.open()
    yield opened
    await opened.close()


async def asked(readers: Readers, seconds: float = 0.0) -> None:
    async with readers.connection() as conn:
        await conn.execute("select pg_sleep(%s)", [seconds])


async def test_after_a_night_without_anybody_the_first_who_ask_are_served(
    readers: Readers, own_server: EmbeddedPostgres
):
    await asyncio.gather(*(asked(readers, 0.3) for _ in range(SIZE)))
    await asyncio.to_thread(kill, own_server)
    await asyncio.to_thread(own_server.start)

    await asyncio.gather(*(asked(readers) for _ in range(2 * SIZE)))


async def test_after_a_long_outage_it_does_not_wait_as_long_again(
    readers: Readers, own_server: EmbeddedPostgres
):
    await asked(readers)
    await asyncio.to_thread(kill, own_server)
    until = time.monotonic() + 8
    while time.monotonic() < until:
        with pytest.raises(StoreUnavailable):
            await asked(readers)
    await asyncio.to_thread(own_server.start)

    back = time.monotonic()
    while time.monotonic() - back < 10:
        try:
            await asked(readers)
            break
        except StoreUnavailable:
            continue
    assert time.monotonic() - back < 3


async def test_waiting_for_a_connection_and_reading_have_one_limit_together(readers: Readers):
    began = time.monotonic()
    with deadline.answering_within(1.5):
        outcomes = await asyncio.gather(
            *(asked(readers, 1.0) for _ in range(2 * SIZE)), return_exceptions=True
        )

    assert time.monotonic() - began < 2.5
    assert [type(one) for one in outcomes].count(StoreUnavailable) >= 1
    await asked(readers)


@pytest.mark.parametrize("role", ["app", "projector", "auditor"])
def test_each_role_has_its_limits_in_the_server_from_the_first_statement(
    own_server: EmbeddedPostgres, role
):
    with connect(own_server.dsn, SCHEMA, role) as conn:
        shown = {
            name: conn.execute(f"show {name}").fetchone()[0]
            for name in (
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
            )
        }

    limits = ("3s", "1500ms", "5s") if role == "app" else ("0", "1500ms", "1min")
    assert tuple(shown.values()) == limits


async def test_every_kind_of_connection_notices_a_machine_that_is_gone(
    own_server: EmbeddedPostgres,
):
    """What a partition does cannot be shown on one machine; that the kernel was told can."""
    over_tcp = make_conninfo(own_server.dsn, host="127.0.0.1", port=own_server.port)
    calls = await connect_for_calls(over_tcp, SCHEMA)
    projector = projectors.connect(over_tcp, SCHEMA)
    try:
        for conn in (calls, projector):
            with socket.socket(fileno=os.dup(conn.fileno())) as line:
                assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 3_000
                assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
    finally:
        await calls.close()
        projector.close()


def test_a_server_that_takes_connections_and_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(conninfo_for(dsn, SCHEMA, "app"))
    assert time.monotonic() - began < 4

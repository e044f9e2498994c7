"""No acknowledged append is lost when PostgreSQL is killed under a dense writer; and the writer notices when it is."""

import asyncio
from pathlib import Path

import psycopg

from api.embedded import EmbeddedPostgres
from faults.chaos.dense_writer import DATABASE, fresh, kill_under
from faults.chaos.programs import Database
from support.customer import Gateway
from support.running import settings_for


async def test_nothing_acknowledged_is_lost(
    own_server: EmbeddedPostgres, gateway: Gateway, tmp_path: Path
) -> None:
    conninfo = await asyncio.to_thread(fresh, settings_for(own_server.dsn, gateway))

    found = await kill_under(Database(own_server), conninfo, tmp_path, kills=2, seed=1)

    assert (found.kills, found.lost, found.chain) == (2, 0, "")
    assert found.acknowledged > 500


async def test_a_server_that_acknowledges_before_it_has_written_is_caught(
    own_server: EmbeddedPostgres, gateway: Gateway, tmp_path: Path
) -> None:
    conninfo = await asyncio.to_thread(fresh, settings_for(own_server.dsn, gateway))
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(f'alter database "{DATABASE}" set synchronous_commit = off'.encode())

    found = await kill_under(Database(own_server), conninfo, tmp_path, kills=4, seed=1)

    assert found.lost > 0

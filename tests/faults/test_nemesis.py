"""What the nemesis has killed is up again once it has settled: nobody else starts PostgreSQL."""

import asyncio
import random
from pathlib import Path

import httpx2
import psycopg
import pytest

from api.embedded import EmbeddedPostgres
from faults.chaos import nemesis
from faults.chaos.gateway_faults import GatewayFaults
from faults.chaos.programs import Database
from faults.chaos.system import System
from support.customer import Gateway
from support.running import settings_for


@pytest.mark.parametrize("after_seconds", [0.0, 0.005, 0.05])
async def test_settling_right_after_a_kill_leaves_postgres_running(
    after_seconds: float,
    own_server: EmbeddedPostgres,
    gateway: Gateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nemesis, "KILLED", (("postgres", 1),))
    settings = settings_for(own_server.dsn, gateway)
    async with httpx2.AsyncClient() as http:
        system = System(tmp_path, settings, Database(own_server), gateway, "", http)
        killing = nemesis.Nemesis(system, GatewayFaults(gateway, random.Random(1)), seed=1)
        await killing._kill()
        await asyncio.sleep(after_seconds)
        await killing.settle()

    assert killing.kills == {"postgres": 1}
    assert system.postgres.is_running
    with psycopg.connect(own_server.dsn) as conn:
        assert conn.execute("select 1").fetchone() == (1,)

"""What is looked at while it runs: the trial balance each second, and what the processes hold."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2
import psycopg

from faults.chaos.system import System
from support.running import SCHEMA

READ_SCHEMA: Final = f"{SCHEMA}_read"
EVERY_SECONDS: Final = 1.0


@dataclass
class BalanceSamples:
    by_api: int = 0
    by_database: int = 0
    unanswered: int = 0
    uneven: list[str] = field(default_factory=list)

    def take(self, totals: Mapping[str, int], place: str) -> None:
        if uneven := {name: total for name, total in totals.items() if total}:
            self.uneven.append(f"trial balance by {place}: {uneven}")


async def sample_balance(system: System, samples: BalanceSamples) -> None:
    """For ever; each currency's total has to be zero at every moment, also in the middle of chaos."""
    chance = random.Random(0)
    while True:
        began = time.monotonic()
        try:
            totals = await asyncio.to_thread(_totals, system.conninfo)
            samples.take(totals, "the database")
            samples.by_database += 1
        except psycopg.Error:
            samples.unanswered += 1
        await _ask_api(system, samples, chance.randrange(len(system.urls)))
        await asyncio.sleep(max(0.0, began + EVERY_SECONDS - time.monotonic()))


async def _ask_api(system: System, samples: BalanceSamples, number: int) -> None:
    try:
        answer = await system.shop(number).get("/api/v1/trial-balance")
    except httpx2.TransportError:
        return
    if answer.status_code == 200:
        samples.by_api += 1
        samples.take(answer.json()["totals"], "the API")


def _totals(conninfo: str) -> dict[str, int]:
    with psycopg.connect(conninfo, connect_timeout=2) as conn:
        conn.execute(f'set search_path = "{READ_SCHEMA}"'.encode())
        query = "select currency, sum(balance_minor)::bigint from balances group by 1"
        return dict(conn.execute(query).fetchall())


@dataclass(frozen=True)
class Held:
    """By one process; memory in MiB."""

    threads: int
    descriptors: int
    memory: float


def held_by(pid: int) -> Held:
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return Held(
        threads=int(status["Threads"]),
        descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        memory=round(int(status["VmRSS"].split()[0]) / 1024, 1),
    )


def held(system: System) -> dict[str, Held]:
    return {one.name: held_by(one.pid) for one in system.programs if one.is_running}


def connections(conninfo: str) -> Counter[str]:
    """Of our processes to PostgreSQL, by the name they give."""
    query = (
        "select application_name, count(*) from pg_stat_activity"
        " where backend_type = 'client backend' and pid <> pg_backend_pid() group by 1"
    )
    with psycopg.connect(conninfo) as conn:
        return Counter(dict(conn.execute(query).fetchall()))

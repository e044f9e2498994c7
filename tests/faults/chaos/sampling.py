"""What is looked at while it runs: the trial balance each second, and what the processes hold."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2
import psycopg

from faults.chaos.system import System

EVERY_SECONDS: Final = 1.0


@dataclass
class BalanceSamples:
    taken: int = 0
    unanswered: int = 0
    uneven: list[str] = field(default_factory=list)


async def sample_balance(system: System, samples: BalanceSamples) -> None:
    """For ever; each currency's total has to be zero at every moment, also in the middle of chaos."""
    chance = random.Random(0)
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        shop = system.shop(chance.randrange(len(system.urls)))
        try:
            answer = await shop.get("/api/v1/trial-balance")
        except httpx2.TransportError:
            samples.unanswered += 1
            continue
        if answer.status_code != 200:
            samples.unanswered += 1
            continue
        samples.taken += 1
        if uneven := {name: total for name, total in answer.json()["totals"].items() if total}:
            samples.uneven.append(f"sample {samples.taken}: {uneven}")


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

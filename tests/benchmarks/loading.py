"""Loading an aggregate with ten thousand events behind it, against one with ten.

`load` is what a command or a GET pays in a running process; `cold` is the first look after a start.
"""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from benchmarks.measuring import Figure, Sample, sample
from benchmarks.processes import closed_loop, loader
from benchmarks.stage import SCHEMA, Stage
from ledger.events import DomainEvent
from ledger.eventstore.store import EventStore
from ledger.payments.deciding import BOOKED_PAYMENT
from support import payment_facts
from support.facts import begun, dispatched, unknown
from support.log_rows import LogRows
from support.stores import open_store

SHORT: Final = 10
LONG: Final = 10_000
BAR: Final = 0.5  # at most twice the cost is at least half the speed
COLD_LOADS: Final = 20


@asynccontextmanager
async def store(conninfo: str) -> AsyncIterator[EventStore]:
    async with open_store(conninfo) as opened:
        yield opened.store


async def warm(
    opened: EventStore, stream: str, events: int, callers: int, seconds: float
) -> Sample:
    async def once(_: int) -> float:
        asked = time.perf_counter()
        if (await opened.load(BOOKED_PAYMENT, stream)).version != events:
            raise RuntimeError(f"{stream} has not {events} events")
        return time.perf_counter() - asked

    return sample(*await closed_loop(once, callers, seconds))


async def cold(opened: EventStore, stream: str) -> Sample:
    """As a process does that has just started: nothing is remembered."""
    waited = []
    for _ in range(COLD_LOADS):
        opened._cache.clear()
        asked = time.perf_counter()
        await opened.load(BOOKED_PAYMENT, stream)
        waited.append(time.perf_counter() - asked)
    return sample(waited, sum(waited))


def measure(stage: Stage, rounds: int, seconds: float) -> list[Figure]:
    rows = LogRows(stage.conninfo, SCHEMA)
    rows.copy_all([("short", list(history(SHORT))), ("long", list(history(LONG)))])
    found: dict[str, list[Sample]] = {}
    with loader(store, stage.conninfo) as callers:
        for _ in range(rounds):
            for stream, events in (("short", SHORT), ("long", LONG)):
                once = callers.run(cold, stream)
                found.setdefault(f"cold {stream}", []).append(once)
                running = callers.run(warm, stream, events, 8, min(seconds, 1.0))
                found.setdefault(stream, []).append(running)
    return [
        _figure(found, "load 10,000 events against 10, running process", "", 8),
        _figure(found, "load 10,000 events against 10, after a start", "cold ", 1),
    ]


def _figure(found: dict[str, list[Sample]], name: str, kind: str, clients: int) -> Figure:
    return Figure(
        name=name,
        clients=clients,
        kind="ratio",
        ours=found[f"{kind}long"],
        floor=found[f"{kind}short"],
        floor_name="a stream of 10",
        bar=BAR,
    )


def history(events: int) -> Iterator[DomainEvent]:
    """A charge whose sender never learns what became of it and sends again, as often as needed."""
    facts: Sequence[DomainEvent] = begun("qris")
    yield from facts
    for number in range(events - len(facts)):
        at = payment_facts.AT + timedelta(seconds=number)
        yield dispatched(sending=number // 2 + 1, at=at) if number % 2 == 0 else unknown()

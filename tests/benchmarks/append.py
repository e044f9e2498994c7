"""Appending: our committer against pgbench and the library's own recorder.

Every append is one command with an id and a fingerprint, one event of 300 bytes, and an expected
version; the log chains it, and its NOTIFY is sent.
"""

import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Final

from benchmarks.floors import STATE, PgBench, stock_append, stock_recorder
from benchmarks.measuring import Figure, Rounds, Sample, Slot, interleaved, sample, together
from benchmarks.processes import Loader, closed_loop, loader
from benchmarks.stage import SCHEMA, Stage, assert_safe
from ledger.eventstore.committer import Appended, Committer, NewEvent, VersionConflict
from ledger.eventstore.connections import connect_for_calls
from ledger.identity import new_id

BARS: Final = {1: 0.60, 8: 0.80, 32: 1.20}
CONFLICTING: Final = 0.01
STREAM_LENGTH: Final = 10  # then the caller begins another one, as payments come and go
FINGERPRINT: Final = b"f" * 32
TOPIC: Final = "payment.settled.v1"
PGBENCH: Final = "pgbench insert"


class Caller:
    """Appends to streams of its own, and knows which version comes next."""

    def __init__(self, committer: Committer, conflicting: float) -> None:
        self._committer = committer
        self._conflicting = conflicting
        self._stream, self._version = new_id("pay"), 0

    async def append(self) -> None:
        """Some of them, on purpose, as if somebody else had been first."""
        loses = self._version > 0 and random.random() < self._conflicting
        version = self._version if loses else self._version + 1
        event = NewEvent(self._stream, version, TOPIC, STATE)
        outcome = await self._committer.append(new_id("cmd"), FINGERPRINT, [event])
        if not isinstance(outcome, VersionConflict if loses else Appended):
            raise RuntimeError(f"{outcome} for version {version}")
        self._version = version
        if version >= STREAM_LENGTH:
            self._stream, self._version = new_id("pay"), 0


@asynccontextmanager
async def committer(conninfo: str) -> AsyncIterator[Committer]:
    opened = Committer(partial(connect_for_calls, conninfo, SCHEMA))
    try:
        yield opened
    finally:
        await opened.close()


async def append(
    opened: Committer, callers: int, seconds: float, conflicting: float = 0.0
) -> Sample:
    everyone = [Caller(opened, conflicting) for _ in range(callers)]

    async def once(number: int) -> float:
        asked = time.perf_counter()
        await everyone[number].append()
        return time.perf_counter() - asked

    return sample(*await closed_loop(once, callers, seconds))


def measure(stage: Stage, rounds: int, seconds: float) -> list[Figure]:
    pgbench = PgBench(stage)
    with loaders(stage) as (first, second, stock):
        slots = _slots(pgbench, first, second, stock, seconds)
        for slot in slots.values():  # connections, plans and caches are warm afterwards
            slot()
        found = interleaved(slots, rounds)
    assert_safe(stage.conninfo)
    plain = [
        _against(found, f"append, {callers} callers", f"ours {callers}", callers, bar)
        for callers, bar in BARS.items()
    ]
    conflicts = Figure(
        name="append, 1 % conflicting, against none",
        clients=32,
        kind="ratio",
        ours=found["conflicts"],
        floor=found["ours 32"],
        floor_name="ours without conflicts",
        bar=0.90,
    )
    return [
        *plain,
        _against(found, "append, 2 processes x 16", "two processes", 32, 1.00),
        conflicts,
        _against(found, "peer: eventsourcing's own recorder", "stock", 32, None),
        _against(found, "peer: pgbench, row without keys of a log", "bare", 32, None),
    ]


@contextmanager
def loaders(stage: Stage) -> Iterator[Sequence[Loader]]:
    with (
        loader(committer, stage.conninfo) as first,
        loader(committer, stage.conninfo) as second,
        loader(stock_recorder, stage.conninfo) as stock,
    ):
        yield first, second, stock


def _slots(
    pgbench: PgBench, first: Loader, second: Loader, stock: Loader, seconds: float
) -> dict[str, Slot]:
    def side_by_side() -> Sample:
        for one in (first, second):
            one.start(append, 16, seconds)
        return together([first.result(), second.result()])

    return {
        "pgbench 1": lambda: pgbench.insert(1, seconds),
        "ours 1": lambda: first.run(append, 1, seconds),
        "pgbench 8": lambda: pgbench.insert(8, seconds),
        "ours 8": lambda: first.run(append, 8, seconds),
        "pgbench 32": lambda: pgbench.insert(32, seconds),
        "ours 32": lambda: first.run(append, 32, seconds),
        "conflicts": lambda: first.run(append, 32, seconds, CONFLICTING),
        "two processes": side_by_side,
        "stock": lambda: stock.run(stock_append, 32, seconds),
        "bare": lambda: pgbench.insert(32, seconds, "bare"),
    }


def _against(found: Rounds, name: str, ours: str, clients: int, bar: float | None) -> Figure:

    return Figure(
        name=name,
        clients=clients,
        kind="ratio",
        ours=found[ours],
        floor=found[f"pgbench {clients}"],
        floor_name=PGBENCH,
        bar=bar,
    )

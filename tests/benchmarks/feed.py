"""How far the read models are behind the log while payments come in at 70 % of the peak, and what
it costs to keep them there.

Lag is measured position by position, from outside: from the last look that did not show a position
in the log to the first that showed it applied. So it is never less than it was.
"""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from statistics import median
from typing import Any, Final, NamedTuple

import psycopg

from benchmarks.callers import at_rate, peak
from benchmarks.http import (
    CALLERS,
    LOAD,
    all_answered,
    calling,
    cpu_seconds,
    key_of,
    settings_with,
    stub_gateway,
    wait_for,
)
from benchmarks.measuring import Figure, Sample, sample
from benchmarks.processes import Loader
from benchmarks.stage import SCHEMA, NotSafe, Stage, assert_safe
from projections import GROUPS
from support.running import process

PEAKS: Final = 3
SLOTS: Final = 30  # one minute by default
COUNTED: Final = 20  # of them; then the worker begins to ask after payments, which is another cost
LOOK_EVERY_SECONDS: Final = 0.006
CATCHES_UP_WITHIN_SECONDS: Final = 30.0
LAG_BAR_MS: Final = 250
WORKER_BAR_MS: Final = 0.25
POSTGRES_BAR_MS: Final = 0.2

POSITIONS: Final = f"""
select application_name, notification_id from "{SCHEMA}_read".tracking where application_name = any(%s)
union all select 'head', coalesce(max(notification_id), 0) from "{SCHEMA}".events
"""  # noqa: S608
FOLLOWERS: Final = "select pid from pg_stat_activity where application_name = 'bukubesar projector'"
PAYMENTS: Final = f"""select count(*) from "{SCHEMA}".events where topic = 'payment.requested.v1'"""  # noqa: S608
WHOLE: Final = (
    f'select count(*) = max(notification_id) and min(notification_id) = 1 from "{SCHEMA}".events'  # noqa: S608
)

Connection = psycopg.Connection[Any]


class Look(NamedTuple):
    began: float
    ended: float
    reached: Mapping[str, int]  # the head of the log, and the position of each group


def measure(stage: Stage, rounds: int, seconds: float) -> list[Figure]:
    key = asyncio.run(key_of(stage.settings))
    with stub_gateway(0.0) as gateway:
        settings = settings_with(stage, gateway)
        with process("serve", settings), calling(settings, 0, key) as callers:
            wait_for(settings.port, "/ready")
            with process("work", settings) as worker:
                figures = _follow(stage, callers, worker.process.pid, seconds)
    assert_safe(stage.conninfo)
    return figures


def _follow(stage: Stage, callers: Loader, worker: int, seconds: float) -> list[Figure]:
    peaks = [
        all_answered(callers.run(peak, "payment", "", CALLERS, seconds), 201) for _ in range(PEAKS)
    ]
    rate = LOAD * median(one.per_s for one in peaks)
    with psycopg.connect(stage.conninfo, autocommit=True) as conn:
        _caught_up(conn)
        before = _spent(conn, worker)
        with _looking(stage.conninfo) as looks:
            callers.start(at_rate, "payment", "", rate, seconds * SLOTS)
            time.sleep(seconds * COUNTED)
            after = _spent(conn, worker)
            asked = all_answered(callers.result(), 201)
            _caught_up(conn)
        _assert_whole(conn)
    spent = {name: after[name] - before[name] for name in after}
    return [*_lag_figures(looks, asked), *_cost_figures(spent)]


def _lag_figures(looks: Sequence[Look], asked: Sample) -> list[Figure]:
    found = {group: lags(looks, group) for group in GROUPS}
    return [
        Figure(
            name=f"from commit to the read models of {group}, 70 % of the peak",
            clients=CALLERS,
            kind="p99",
            ours=[sample(waited, looks[-1].ended - looks[0].began)],
            bar=LAG_BAR_MS,
            notes={"payments_per_s": asked.per_s, "longest_ms": max(waited) * 1_000},
        )
        for group, waited in found.items()
    ]


def _cost_figures(spent: Mapping[str, float]) -> list[Figure]:
    bars = {"worker": WORKER_BAR_MS, "PostgreSQL for the followers": POSTGRES_BAR_MS}
    return [
        Figure(
            name=f"CPU of {name}, a payment at 70 %",
            clients=CALLERS,
            kind="amount",
            ours=(),
            value=spent[name] * 1_000 / spent["payments"],
            bar=bar,
            unit="ms",
        )
        for name, bar in bars.items()
    ]


def lags(looks: Sequence[Look], group: str) -> list[float]:
    """Of every position that came into the log between the first look and the last, in seconds."""
    waited: list[float] = []
    applied = iter(looks)
    now = next(applied)
    for earlier, later in pairwise(looks):
        for position in range(earlier.reached["head"] + 1, later.reached["head"] + 1):
            while now.reached[group] < position:
                now = next(applied)
            waited.append(now.ended - earlier.began)
    return waited


@contextmanager
def _looking(conninfo: str) -> Iterator[list[Look]]:
    """Looks until the block ends, and once more."""
    looks: list[Look] = []
    stop = threading.Event()

    def look() -> None:
        with psycopg.connect(conninfo, autocommit=True) as conn:
            while not stop.wait(LOOK_EVERY_SECONDS):
                looks.append(_look(conn))
            looks.append(_look(conn))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield looks
    finally:
        stop.set()
        thread.join()


def _look(conn: Connection) -> Look:
    began = time.perf_counter()
    rows = conn.execute(POSITIONS.encode(), [list(GROUPS)]).fetchall()
    return Look(began, time.perf_counter(), dict(rows))


def _caught_up(conn: Connection) -> None:
    give_up_at = time.monotonic() + CATCHES_UP_WITHIN_SECONDS
    while len(set(_look(conn).reached.values())) > 1:
        if time.monotonic() > give_up_at:
            raise RuntimeError("the read models do not catch up")
        time.sleep(LOOK_EVERY_SECONDS)


def _spent(conn: Connection, worker: int) -> dict[str, float]:
    """CPU seconds so far, and the payments that they were spent on."""
    pids = [pid for (pid,) in conn.execute(FOLLOWERS).fetchall()]
    row = conn.execute(PAYMENTS.encode()).fetchone()
    return {
        "payments": row[0] if row else 0,
        "worker": cpu_seconds(worker),
        "PostgreSQL for the followers": sum(map(cpu_seconds, pids)),
    }


def _assert_whole(conn: Connection) -> None:
    row = conn.execute(WHOLE.encode()).fetchone()
    if row != (True,):
        raise NotSafe("positions are not free of gaps")

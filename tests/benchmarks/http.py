"""The whole service over HTTP: real API and worker processes, PostgreSQL, and a gateway that answers
at once.

Payments are counted per core: by the CPU seconds of API, worker and PostgreSQL together, until the
read models have caught up with what was asked. Callers and gateway are not ours, and not counted.
"""

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx2
import msgspec
import psycopg
from pydantic import SecretStr

from api.wiring import open_wiring
from benchmarks.callers import SERVER_KEY, at_rate, client, one, peak
from benchmarks.measuring import Figure, Kind, Rounds, Sample, interleaved
from benchmarks.processes import Loader, loader
from benchmarks.stage import SCHEMA, Stage, assert_safe
from ledger.settings import MidtransSettings, Settings
from projections import GROUPS
from projections.engine import connections, log
from projections.engine.positions import Positions
from support.running import Process, free_port, process

CALLERS: Final = 32
LOAD: Final = 0.7  # of the peak, for the waits
IN_FLIGHT: Final = 2_000
SLOW_GATEWAY_SECONDS: Final = 2.0
READY_WITHIN_SECONDS: Final = 30.0
TICKS: Final = os.sysconf("SC_CLK_TCK")
TESTS: Final = Path(__file__).parents[1]


def measure(stage: Stage, rounds: int, seconds: float) -> list[Figure]:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    key = asyncio.run(key_of(stage.settings))
    with stub_gateway(0.0) as gateway, _noop() as noop:
        settings = settings_with(stage, gateway)
        with process("serve", settings) as api, calling(settings, noop, key) as callers:
            wait_for(settings.port, "/ready")
            quick = _quick(callers, rounds, seconds)
            _forget_notices(stage)
            with process("work", settings) as worker:
                paid = _Paid(stage, [api, worker], callers)
                figures = [*quick, *paid.measure(rounds, seconds)]
    figures += _in_flight(stage, key)
    assert_safe(stage.conninfo)
    return figures


def _quick(callers: Loader, rounds: int, seconds: float) -> list[Figure]:
    """Without a worker, which would ask the gateway about every notice on the same two cores."""
    payment_id = msgspec.json.decode(callers.run(one, "payment", ""))["paymentId"]
    slots = {
        kind: lambda kind=kind: all_answered(
            callers.run(peak, kind, payment_id, CALLERS, seconds), 200
        )
        for kind in ("noop", "read", "notice")
    }
    for slot in slots.values():
        slot()
    found: Rounds = interleaved(slots, rounds)
    names = {"read": "GET one payment", "notice": "notice intake"}
    return [
        Figure(
            name=name,
            clients=CALLERS,
            kind="ratio",
            ours=found[kind],
            floor=found["noop"],
            floor_name="bare FastAPI route",
            bar=0.5,
        )
        for kind, name in names.items()
    ]


class _Paid:
    """POST /api/v1/payments, and what it costs in CPU."""

    def __init__(self, stage: Stage, ours: Sequence[Process], callers: Loader) -> None:
        self._stage, self._callers = stage, callers
        self._pids = {"api": ours[0].process.pid, "worker": ours[1].process.pid}
        self._costs: list[dict[str, float]] = []
        self._peaks: list[float] = []

    def measure(self, rounds: int, seconds: float) -> list[Figure]:
        slots = {
            "peak": lambda: self._peak(seconds),
            "loaded": lambda: self._loaded(seconds * 2),
        }
        self._peak(seconds)
        self._costs.clear()
        found = interleaved(slots, rounds)
        costs = {name: median(cost[name] for cost in self._costs) for name in self._costs[0]}
        per_core = [Sample(1 / sum(cost.values())) for cost in self._costs]
        notes = {f"cpu_ms_{name}": seconds * 1_000 for name, seconds in costs.items()}
        return [
            Figure(
                name="payments per core, all processes",
                clients=CALLERS,
                kind="rate",
                ours=per_core,
                bar=500,
                notes=notes,
            ),
            *(
                _alone(f"CPU of {name}, a payment", "amount", cost * 1_000, CALLERS, unit="ms")
                for name, cost in costs.items()
            ),
            Figure(name="payments at the peak", clients=CALLERS, kind="rate", ours=found["peak"]),
            Figure(
                name="payments at 70 % of the peak, wait",
                clients=CALLERS,
                kind="p99",
                ours=found["loaded"],
                bar=250,
            ),
        ]

    def _peak(self, seconds: float) -> Sample:
        before = self._spent()
        answered = self._callers.run(peak, "payment", "", CALLERS, seconds)
        measured, count = all_answered(answered, 201), answered[1].total()
        self._caught_up()
        after = self._spent()
        self._costs.append({name: (after[name] - before[name]) / count for name in after})
        self._peaks.append(measured.per_s)
        return measured

    def _loaded(self, seconds: float) -> Sample:
        rate = LOAD * median(self._peaks)
        measured = all_answered(self._callers.run(at_rate, "payment", "", rate, seconds), 201)
        self._caught_up()
        return measured

    def _spent(self) -> dict[str, float]:
        """CPU seconds so far, by whose; PostgreSQL's with the servers of closed connections."""
        spent = {name: cpu_seconds(pid) for name, pid in self._pids.items()}
        children = _children(self._stage.postgres_pid)
        total = cpu_seconds(self._stage.postgres_pid, waited_for=True)
        return spent | {"postgres": total + sum(map(cpu_seconds, children))}

    def _caught_up(self) -> None:
        """Until the read models show everything: what they cost belongs to the payments."""
        positions = Positions(self._stage.conninfo, SCHEMA, f"{SCHEMA}_read")
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        with connections.connect(self._stage.conninfo, SCHEMA) as conn, conn.cursor() as cursor:
            while time.monotonic() < deadline:
                reached = min(positions.read(cursor, group) for group in GROUPS)
                if reached >= log.head(cursor):
                    return
                time.sleep(0.1)
        raise RuntimeError("the read models do not catch up")


def _in_flight(stage: Stage, key: str) -> list[Figure]:
    """As many charges open at once as there are callers, with a gateway that takes its time."""
    with stub_gateway(SLOW_GATEWAY_SECONDS) as gateway:
        settings = settings_with(stage, gateway)
        with process("serve", settings) as api, calling(settings, 0, key) as callers:
            wait_for(settings.port, "/ready")
            answers: Counter[int]
            _, answers = callers.run(peak, "payment", "", IN_FLIGHT, 3 * SLOW_GATEWAY_SECONDS)
            most = httpx2.get(f"http://127.0.0.1:{gateway}/_peak", trust_env=False).json()
            held = _resident_mb(api.process.pid)
    refused = sum(count for status, count in answers.items() if status not in (201, 202))
    told = {f"answers_{status}": count for status, count in answers.items()}
    words = f"gateway of {SLOW_GATEWAY_SECONDS:g} s"
    return [
        _alone(f"charges in flight at once, {words}", "least", most, bar=IN_FLIGHT, notes=told),
        _alone(f"requests refused meanwhile, {words}", "amount", refused, bar=0),
        _alone(f"memory of the API meanwhile, {words}", "amount", held, unit="MB"),
    ]


def _alone(name: str, kind: Kind, value: float, clients: int = IN_FLIGHT, **more: Any) -> Figure:
    return Figure(name=name, clients=clients, kind=kind, ours=(), value=float(value), **more)


def cpu_seconds(pid: int, *, waited_for: bool = False) -> float:
    """User and system time; with that of its dead children when asked."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15] if waited_for else fields[11:13])) / TICKS


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _resident_mb(pid: int) -> float:
    """The most it ever held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def all_answered(answered: tuple[Sample, Counter[int]], status: int) -> Sample:
    measured, answers = answered
    if set(answers) != {status}:
        raise RuntimeError(f"answers by status: {dict(answers)}")
    return measured


async def key_of(settings: Settings) -> str:
    async with open_wiring(settings, "tool") as wired:
        return (await wired.api_keys.issue("admin", "bench", "bench", by="bench"))[0]


def settings_with(stage: Stage, gateway: int) -> Settings:
    """As in production, logs included; only the addresses are ours."""
    address = f"http://127.0.0.1:{gateway}"
    account = MidtransSettings(server_key=SecretStr(SERVER_KEY), core_url=address, snap_url=address)
    changes: dict[str, Any] = {"port": free_port(), "midtrans": account, "log_level": "info"}
    return stage.settings.model_copy(update=changes)


@contextmanager
def calling(settings: Settings, noop: int, key: str) -> Iterator[Loader]:
    with loader(client, {"api": settings.port, "noop": noop}, key) as started:
        yield started


@contextmanager
def stub_gateway(delay: float) -> Iterator[int]:
    with _module("benchmarks.gateway", str(delay)) as port:
        wait_for(port, "/_peak")
        yield port


@contextmanager
def _noop() -> Iterator[int]:
    with _module("benchmarks.noop") as port:
        wait_for(port, "/noop")
        yield port


@contextmanager
def _module(name: str, *words: str) -> Iterator[int]:
    port = free_port()
    with ExitStack() as stack:
        started = subprocess.Popen([sys.executable, "-m", name, str(port), *words], cwd=TESTS)
        stack.callback(started.wait)
        stack.callback(started.terminate)
        yield port


def wait_for(port: int, path: str) -> None:
    give_up_at = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < give_up_at:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}{path}", trust_env=False).is_success:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"nobody answers on {path}")


def _forget_notices(stage: Stage) -> None:
    with psycopg.connect(stage.conninfo, autocommit=True) as conn:
        conn.execute(f'truncate "{SCHEMA}".inbox'.encode())

"""Very many subscriptions fall due at once: how fast a worker on each core renews them, read models and
all, with a gateway that answers at once.

`make bench ONLY=renewals ARGS="--size 100000"` does the bar's own number, in a few minutes more.
"""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from typing import Any, Final

import psycopg

from api import seals
from api.time_machine import time_machine
from api.wiring import Wiring, open_wiring
from api.worker import Worker
from benchmarks.measuring import Figure, Sample
from benchmarks.processes import loader
from benchmarks.stage import Stage, assert_safe
from ledger import clock
from ledger.customers.details import Details
from ledger.customers.service import Token
from ledger.eventstore.connections import connect
from ledger.eventstore.store import Context
from ledger.identity import new_id
from ledger.money import Money
from ledger.plans.terms import PlanTerms
from ledger.settings import Settings
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.periods import Interval
from support.gateway_at_once import GatewayAtOnce

SIZE: Final = 5_000
BAR: Final = 500.0  # a second: 100,000 in 200 s
WORKERS: Final = 2
BEGIN: Final = datetime(2026, 1, 10, 3, tzinfo=UTC)
DAY: Final = timedelta(days=1)  # of a longer period, each day would be recognised beforehand
DUE: Final = BEGIN + DAY
AT_ONCE: Final = 256
LOOK_SECONDS: Final = 0.1
LOOK_SHARE: Final = 0.05  # of the time, spent on looking: it counts through all bills

RENEWED: Final = "select count(*) from bills where number = 2 and status = 'paid'"


def measure(stage: Stage, rounds: int, seconds: float, size: int = SIZE) -> list[Figure]:
    """Once: all of them renew, whatever `rounds` and `seconds` say."""
    asyncio.run(_sell(stage, size))
    sample = _renew(stage, size)
    assert_safe(stage.conninfo)
    name = f"renewals of {size:,} subscriptions that are due at once, {WORKERS} workers"
    return [Figure(name=name, clients=WORKERS, kind="rate", ours=[sample], bar=BAR)]


async def _sell(stage: Stage, size: int) -> None:
    """All that workers would have done by an hour before they are due."""
    async with (
        open_wiring(stage.settings, "worker", gateway=GatewayAtOnce()) as wired,
        time_machine(wired, BEGIN) as machine,
    ):
        await _subscribe(wired, size)
        machine.now = DUE - timedelta(hours=1)
        await machine.run_until_idle()  # what was earned so far is recognised
    sealer = seals.sealer(stage.settings)
    with connect(stage.conninfo, stage.settings.database_schema, "app") as connection:
        while sealer.step(connection):
            pass


def _renew(stage: Stage, size: int) -> Sample:
    over = multiprocessing.get_context("spawn").Event()
    with ExitStack() as stack:
        workers = [
            stack.enter_context(loader(_worker, stage.settings, over)) for _ in range(WORKERS)
        ]
        for worker in workers:
            worker.run(_ready)
        with connect(stage.conninfo, stage.settings.database_schema, "app") as connection:
            began = time.perf_counter()
            for worker in workers:
                worker.start(_work)
            try:
                took = _until(connection, size, began)
            finally:
                over.set()
        for worker in workers:
            worker.result()
    return Sample(size / took)


def _until(connection: psycopg.Connection[Any], size: int, began: float) -> float:
    """Seconds until whoever lists bills sees all of them paid."""
    while True:
        looked = time.perf_counter()
        row = connection.execute(RENEWED).fetchone()
        now = time.perf_counter()
        if row == (size,):
            return now - began
        time.sleep(max(LOOK_SECONDS, (now - looked) / LOOK_SHARE))


@asynccontextmanager
async def _worker(settings: Settings, over: Event) -> AsyncIterator[tuple[Worker, Event]]:
    """A process of its own, at the moment at which they are due."""
    with clock.using(lambda: DUE):
        async with open_wiring(settings, "worker", gateway=GatewayAtOnce()) as wired:
            yield Worker(wired), over


async def _ready(_: tuple[Worker, Event]) -> None:
    return None


async def _work(opened: tuple[Worker, Event]) -> None:
    worker, over = opened
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    await asyncio.to_thread(over.wait)
    stop.set()
    await working


async def _subscribe(wired: Wiring, size: int) -> None:
    """Of one customer with one card: what is measured is not how customers are made."""
    owner = await wired.customers.register("", Details(name="Sri"), "id", _context())
    customer_id = owner.state.customer_id
    method_id, _ = await wired.customers.attach(
        customer_id,
        "card",
        Token("token"),
        _context(),
        masked="48111111-1114",
        expires_on="2099-12",
    )
    terms = PlanTerms(
        version=1, name="Pro", product="pro", price=Money(99_000), interval=Interval("day")
    )

    def command() -> c.CreateSubscription:
        return c.CreateSubscription(
            now=clock.now(),
            subscription_id=new_id("sub"),
            customer_id=customer_id,
            sold=e.Sold(plan_id="pro", terms=terms),
            paying=e.Paying(method="credit_card", saved_method=method_id),
        )

    await _all(wired.subscriptions.create(command(), _context()) for _ in range(size))


async def _all(works: Iterable[Awaitable[Any]]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(work: Awaitable[Any]) -> None:
        async with places:
            await work

    await asyncio.gather(*map(one, works))


def _context() -> Context:
    return Context(command_id=new_id("cmd"), actor="bench")

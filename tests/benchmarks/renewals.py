"""Very many subscriptions fall due at once: how fast one worker renews them, read models and all, with
a gateway that answers at once.

`make bench ONLY=renewals ARGS="--size 100000"` does the bar's own number, in a few minutes more.
"""

import asyncio
import time
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from api.time_machine import TimeMachine, time_machine
from api.wiring import Wiring, open_wiring
from api.worker import Worker
from benchmarks.measuring import Figure, Sample
from benchmarks.stage import Stage, assert_safe
from ledger import clock
from ledger.customers.details import Details
from ledger.customers.service import Token
from ledger.eventstore.store import Context
from ledger.identity import new_id
from ledger.money import Money
from ledger.plans.terms import PlanTerms
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.periods import Interval
from support.gateway_at_once import GatewayAtOnce

SIZE: Final = 5_000
BAR: Final = 500.0  # a second: 100,000 in 200 s
BEGIN: Final = datetime(2026, 1, 10, 3, tzinfo=UTC)
DAY: Final = timedelta(days=1)  # of a longer period, each day would be recognised beforehand
AT_ONCE: Final = 256
LOOK_SECONDS: Final = 0.1


def measure(stage: Stage, rounds: int, seconds: float, size: int = SIZE) -> list[Figure]:
    """Once: all of them renew, whatever `rounds` and `seconds` say."""
    sample = asyncio.run(_measured(stage, size))
    assert_safe(stage.conninfo)
    name = f"renewals of {size:,} subscriptions that are due at once"
    return [Figure(name=name, clients=1, kind="rate", ours=[sample], bar=BAR)]


async def _measured(stage: Stage, size: int) -> Sample:
    async with (
        open_wiring(stage.settings, "worker", gateway=GatewayAtOnce()) as wired,
        time_machine(wired, BEGIN) as machine,
    ):
        await _subscribe(wired, size)
        machine.now = BEGIN + DAY - timedelta(hours=1)
        await machine.run_until_idle()  # what was earned so far is recognised
        return await _renew(wired, machine, size)


async def _renew(wired: Wiring, machine: TimeMachine, size: int) -> Sample:
    machine.now = BEGIN + DAY
    stop, began = asyncio.Event(), time.perf_counter()
    working = asyncio.create_task(Worker(wired).run(stop))
    try:
        while await _renewed(wired) < size:
            await asyncio.sleep(LOOK_SECONDS)
        took = time.perf_counter() - began
    finally:
        stop.set()
        with suppress(asyncio.CancelledError):
            await working
    return Sample(size / took)


async def _renewed(wired: Wiring) -> int:
    """As whoever lists bills sees it."""
    async with wired.readers.connection() as conn:
        cursor = await conn.execute(
            "select count(*) as paid from bills where number = 2 and status = 'paid'"
        )
        row = await cursor.fetchone()
    return int(row["paid"]) if row else 0


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

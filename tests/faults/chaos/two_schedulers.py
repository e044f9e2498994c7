"""Two schedulers at the same subscriptions, their connections killed at random: every period is
opened once, billed once and paid once, and none is left out.
"""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg

from api.embedded import EmbeddedPostgres
from api.wiring import MIGRATIONS
from ledger.errors import Conflict, Unavailable
from ledger.eventstore.migrate import migrate
from support.stores import SCHEMA, OpenStore, open_store
from support.subscription_shop import Shop

BETWEEN_KILLS_SECONDS = (0.005, 0.04)  # a renewal takes some milliseconds
LOST = timedelta(seconds=150)  # until what was never sent may be sent again
TRIES = 40

KILL = """
select pg_terminate_backend(pid) from pg_stat_activity
where application_name like 'bukubesar%' and pid <> pg_backend_pid()
order by random() limit 1
"""
MONTH = timedelta(days=31)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Renewals:
    """What the log and the gateway say in the end. `wrong` has a line for every fault found."""

    subscriptions: int
    periods: int
    kills: int
    seconds: float
    twice: int
    gaps: int
    wrong: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not (self.twice or self.gaps or self.wrong) and self.kills > 0


async def renewals(
    conninfo: str,
    *,
    subscriptions: int = 50,
    periods: int = 20,
    seed: int = 1,
    say: Say = print,
    spoil: Callable[[OpenStore], None] = lambda store: None,
) -> Renewals:
    """`spoil` breaks the second one's store, to show that it would be noticed."""
    began = time.monotonic()
    chance = random.Random(seed)
    async with _shops(conninfo, spoil) as (one, other):
        streams = [(await one.create()).subscription_id for _ in range(subscriptions)]
        killing = asyncio.create_task(_kill(conninfo, chance))
        try:
            for month in range(1, periods):
                await _renew(one, other, streams, chance)
                if month % 5 == 0:
                    say(f"period {month + 1} of {periods} of {subscriptions} subscriptions")
        finally:
            killing.cancel()
            with suppress(asyncio.CancelledError):
                await killing
        return _judged(one, streams, periods, _kills[conninfo], time.monotonic() - began)


_kills: Counter[str] = Counter()


@asynccontextmanager
async def _shops(
    conninfo: str, spoil: Callable[[OpenStore], None]
) -> AsyncIterator[tuple[Shop, Shop]]:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(conninfo)) for _ in range(2)]
        spoil(stores[1])
        one = Shop(stores[0], conninfo)
        yield one, Shop(stores[1], conninfo, one)


async def _kill(conninfo: str, chance: random.Random) -> None:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as conn:
        while True:
            await asyncio.sleep(chance.uniform(*BETWEEN_KILLS_SECONDS))
            cursor = await conn.execute(KILL)
            _kills[conninfo] += cursor.rowcount


async def _renew(one: Shop, other: Shop, streams: list[str], chance: random.Random) -> None:
    """Both do all that is due; what a killed connection left in doubt is asked after a while later."""
    due = [(await _kept(lambda s=s: one.subscriptions.get(s))).look_at for s in streams]
    one.moment = max(moment for moment in due if moment)
    orders = [chance.sample(streams, len(streams)) for _ in range(2)]
    await asyncio.gather(
        *(_advance(shop, order) for shop, order in zip((one, other), orders, strict=True))
    )
    one.moment += LOST
    while open_ := await _open_payments(one, streams):
        for payment_id in open_:
            await _kept(lambda p=payment_id: one.payments.inquire(p))
        one.moment += LOST


async def _advance(shop: Shop, streams: list[str]) -> None:
    places = asyncio.Semaphore(8)

    async def one(stream: str) -> None:
        async with places:
            await _kept(lambda: shop.scheduler.do(stream, "advance", ""))

    await asyncio.gather(*map(one, streams))


async def _open_payments(shop: Shop, streams: list[str]) -> list[str]:
    states = [await _kept(lambda s=s: shop.subscriptions.get(s)) for s in streams]
    return [live for state in states for bill in state.open_bills for live in bill.live]


async def _kept(work: Callable[[], object]) -> object:  # type: ignore[type-arg]
    """As a worker keeps at it while its connections are away."""
    for _ in range(TRIES):
        try:
            return await work()  # type: ignore[misc]
        except (Unavailable, Conflict):
            await asyncio.sleep(0.05)
    raise AssertionError("it never got through")


def _judged(shop: Shop, streams: list[str], periods: int, kills: int, seconds: float) -> Renewals:
    opened = Counter[tuple[str, int]]()
    for state in shop.log("bill.opened.v1"):
        opened[state["d"]["subscription_id"], state["d"]["period"]] += 1
    paid = Counter(state["d"]["bill_id"] for state in shop.log("subscription.bill_settled.v1"))
    wanted = {(stream, number) for stream in streams for number in range(1, periods + 1)}
    charges = Counter(order.rpartition("-")[0] for order in shop.gateway.charged)
    wrong = [f"bill {bill} was settled {n} times" for bill, n in paid.items() if n > 1]
    wrong += [f"payment {one} was charged {n} times" for one, n in charges.items() if n > 1]
    if len(charges) != len(wanted):
        wrong.append(f"{len(charges)} charges for {len(wanted)} periods")
    if len(paid) != len(wanted):
        wrong.append(f"{len(paid)} bills paid of {len(wanted)}")
    shop.balances()  # they come to zero
    return Renewals(
        subscriptions=len(streams),
        periods=len(opened),
        kills=kills,
        seconds=round(seconds, 1),
        twice=sum(n - 1 for n in opened.values()) + len(opened.keys() - wanted),
        gaps=len(wanted - opened.keys()),
        wrong=tuple(wrong),
    )


@asynccontextmanager
async def own_log() -> AsyncIterator[str]:
    """A server of its own, so that killing touches nobody else."""
    with tempfile.TemporaryDirectory(prefix="bukubesar-schedulers-") as folder:
        Path(folder).chmod(0o755)  # the server's own account has to pass
        with EmbeddedPostgres(Path(folder) / "pg") as server:
            await asyncio.to_thread(migrate, server.dsn, SCHEMA, MIGRATIONS)
            yield server.dsn

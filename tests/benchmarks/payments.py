"""The payment path: loaded, decided, booked, appended and folded by EventStore.execute with the real
decider.

What has the bar is the settlement of a captured payment: one fact, its entry of four legs through
the shared accounts of the gateway, its fee and its tax, and the command's id in one commit. The
payments are captured before the clock runs, and so are the gateway's words made.

A whole life is three commands: the request, the dispatch, and the answer of a gateway that charged
and settled at once, which brings two facts of money and their two entries.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.floors import PgBench
from benchmarks.measuring import Figure, Rounds, Sample, interleaved, sample
from benchmarks.processes import closed_loop, loader
from benchmarks.stage import Stage, assert_safe
from ledger import clock
from ledger.eventstore.store import Context, EventStore, Executed
from ledger.identity import PAYMENT, new_id, order_id
from ledger.journal.events import EntryPosted
from ledger.money import Money
from ledger.payments import commands as c
from ledger.payments.deciding import BOOKED_PAYMENT
from ledger.payments.events import Evidence, PaymentRequested, Sale
from ledger.payments.life import Status
from ledger.payments.payment import Payment
from ledger.providers.port import ChargeStatus, Did, Observation
from support.stores import open_store

CALLERS: Final = 32
EACH: Final = 400  # payments that a caller settles in a slot; all states fit in the cache
AMOUNT: Final = Money.rupiah(99_000)
SAID: Final = {
    "status_code": "200",
    "transaction_status": "settlement",
    "gross_amount": "99000.00",
    "transaction_time": "2026-11-24 10:00:00",
}


@asynccontextmanager
async def shop(conninfo: str) -> AsyncIterator[EventStore]:
    async with open_store(conninfo) as opened:
        yield opened.store


async def live(
    store: EventStore, callers: int, seconds: float, separate: bool
) -> dict[str, Sample]:
    """Whole lives; `separate` gives every caller a product, and so revenue accounts, of its own.

    The waits of "commands" are those of single commands.
    """
    commands: list[float] = []

    async def once(caller: int) -> float:
        life = Life(store, f"P{caller}" if separate else "Report")
        began = time.perf_counter()
        for step in (life.request, life.dispatch, life.settle):
            asked = time.perf_counter()
            await step()
            commands.append(time.perf_counter() - asked)
        return time.perf_counter() - began

    waited, took = await closed_loop(once, callers, seconds)
    return {
        "lives": sample(waited, took),
        "commands": sample(commands, took),
    }


class Life:
    """One payment, from nothing to settled."""

    def __init__(self, store: EventStore, product: str, method: str = "qris") -> None:
        self._store, self._product, self._method = store, product, method
        self._id = new_id(PAYMENT)
        self._answer = Did(_observed(self._id, ChargeStatus.SETTLED, method))
        self._first_answer = Did(_observed(self._id, ChargeStatus.CAPTURED, method))

    async def request(self) -> None:
        asked = PaymentRequested(
            occurred_at=clock.now(),
            payment_id=self._id,
            amount=AMOUNT,
            requested_method=self._method,
            sale=Sale(kind="delivered", product=self._product),
            taxed=True,
        )
        command = c.RequestPayment(now=asked.occurred_at, request=asked, country="ID", health={})
        await self._store.execute(
            BOOKED_PAYMENT, self._id, command, _context(b"f" * 32), is_new=True
        )

    async def dispatch(self) -> None:
        command = c.DispatchCharge(now=clock.now(), attempt=1, sent_by="bench")
        await self._store.execute(BOOKED_PAYMENT, self._id, command, _context())

    async def settle(self) -> None:
        done = await self._record(self._answer)
        if done.state.status is not Status.SETTLED or len(done.events) != 4:
            raise RuntimeError(f"{done.state.status} after {len(done.events)} events")

    async def capture(self) -> None:
        await self._record(self._first_answer)

    async def _record(self, outcome: Did) -> Executed[Payment]:
        command = c.RecordCharge(
            now=clock.now(), attempt=1, outcome=outcome, retry_after_seconds=1.0, health={}
        )
        return await self._store.execute(BOOKED_PAYMENT, self._id, command, _context())

    async def settle_captured(self) -> None:
        command = c.RecordInquiry(
            now=clock.now(),
            attempt=1,
            lease_seconds=30.0,
            lost_after_seconds=120.0,
            outcome=self._answer,
            health={},
            available=AMOUNT,
        )
        done = await self._store.execute(BOOKED_PAYMENT, self._id, command, _context())
        _, entry = [recorded.event for recorded in done.events]
        if not isinstance(entry, EntryPosted) or len(entry.legs) != 4:
            raise RuntimeError(f"{done.state.status} after {len(done.events)} events")


async def settle_captured(store: EventStore, callers: int) -> Sample:
    """Captured payments, `EACH` for every caller, settled one after the other by each."""
    lives = [[Life(store, "Report", "gopay") for _ in range(EACH)] for _ in range(callers)]
    await asyncio.gather(*(_captured(own) for own in lives))
    waited: list[float] = []

    async def settle(own: Sequence[Life]) -> None:
        for life in own:
            asked = time.perf_counter()
            await life.settle_captured()
            waited.append(time.perf_counter() - asked)

    began = time.perf_counter()
    await asyncio.gather(*map(settle, lives))
    return sample(waited, time.perf_counter() - began)


async def _captured(lives: Sequence[Life]) -> None:
    for life in lives:
        for step in (life.request, life.dispatch, life.capture):
            await step()


def measure(stage: Stage, rounds: int, seconds: float) -> list[Figure]:
    pgbench = PgBench(stage)
    with loader(shop, stage.conninfo) as callers:
        whole: dict[str, list[dict[str, Sample]]] = {"shared": [], "separate": []}

        def lives(name: str) -> Sample:
            measured = callers.run(live, CALLERS, seconds, name == "separate")
            whole[name].append(measured)
            return measured["commands"]

        slots = {
            "pgbench": lambda: pgbench.insert(CALLERS, seconds),
            "settled": lambda: callers.run(settle_captured, CALLERS),
            "shared": lambda: lives("shared"),
            "separate": lambda: lives("separate"),
        }
        for slot in slots.values():
            slot()
        whole["shared"].clear()
        found = interleaved(slots, rounds)
    assert_safe(stage.conninfo)
    return _figures(found, whole["shared"])


def _figures(found: Rounds, shared: list[dict[str, Sample]]) -> list[Figure]:
    return [
        Figure(
            name="payment path: event + 4 legs + id",
            clients=CALLERS,
            kind="ratio",
            ours=found["settled"],
            floor=found["pgbench"],
            floor_name="pgbench insert",
            bar=0.75,
        ),
        Figure(
            name="payment path, wait",
            clients=CALLERS,
            kind="p99",
            ours=found["settled"],
            bar=40.0,
        ),
        Figure(
            name="commands of whole payments",
            clients=CALLERS,
            kind="ratio",
            ours=found["shared"],
            floor=found["pgbench"],
            floor_name="pgbench insert",
        ),
        Figure(
            name="payment path, shared accounts against own",
            clients=CALLERS,
            kind="ratio",
            ours=found["shared"],
            floor=found["separate"],
            floor_name="ours with separate accounts",
            bar=0.80,
        ),
        Figure(
            name="whole payments, 3 commands and 7 events each",
            clients=CALLERS,
            kind="ratio",
            ours=[one["lives"] for one in shared],
            floor=found["pgbench"],
            floor_name="pgbench insert",
        ),
    ]


def _observed(payment_id: str, status: ChargeStatus, method: str) -> Observation:
    order = order_id(payment_id, 1)
    return Observation(
        order_id=order,
        transaction_id=f"t-{order}",
        status=status,
        amount=AMOUNT,
        evidence=Evidence(
            source="charge",
            digest="0" * 64,
            said=SAID | {"order_id": order, "payment_type": method},
        ),
        occurred_at=clock.now(),
    )


def _context(fingerprint: bytes = b"") -> Context:
    return Context(command_id=new_id("cmd"), actor="bench", fingerprint=fingerprint)

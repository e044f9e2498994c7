"""The payment path: loaded, decided, booked, appended and folded by EventStore.execute with the real
decider.

One life is three commands: the request, the dispatch, and the answer of a gateway that charged and
settled at once, which brings two facts of money and their two entries. The gateway's words are made
before the clock runs, so that nothing but our own path is timed.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.floors import PgBench
from benchmarks.measuring import Figure, Rounds, Sample, interleaved, sample
from benchmarks.processes import closed_loop, loader
from benchmarks.stage import Stage, assert_safe
from ledger import clock
from ledger.eventstore.store import Context, EventStore
from ledger.identity import PAYMENT, new_id, order_id
from ledger.money import Money
from ledger.payments import commands as c
from ledger.payments.deciding import BOOKED_PAYMENT
from ledger.payments.events import Evidence, PaymentRequested, Sale
from ledger.payments.life import Status
from ledger.providers.port import ChargeStatus, Did, Observation
from support.stores import open_store

CALLERS: Final = 32
AMOUNT: Final = Money.rupiah(99_000)
SAID: Final = {
    "status_code": "200",
    "transaction_status": "settlement",
    "gross_amount": "99000.00",
    "payment_type": "qris",
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

    The waits of "commands" are those of single commands, of "entries" those of the booked ones.
    """
    commands: list[float] = []
    entries: list[float] = []

    async def once(caller: int) -> float:
        life = Life(store, f"P{caller}" if separate else "Report")
        began = time.perf_counter()
        for step in (life.request, life.dispatch, life.settle):
            asked = time.perf_counter()
            await step()
            commands.append(time.perf_counter() - asked)
        entries.append(commands[-1])
        return time.perf_counter() - began

    waited, took = await closed_loop(once, callers, seconds)
    return {
        "lives": sample(waited, took),
        "commands": sample(commands, took),
        "entries": sample(entries, took),
    }


class Life:
    """One payment by QRIS, from nothing to settled."""

    def __init__(self, store: EventStore, product: str) -> None:
        self._store, self._product = store, product
        self._id = new_id(PAYMENT)
        self._answer = Did(_observed(self._id))

    async def request(self) -> None:
        asked = PaymentRequested(
            occurred_at=clock.now(),
            payment_id=self._id,
            amount=AMOUNT,
            requested_method="qris",
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
        command = c.RecordCharge(
            now=clock.now(), attempt=1, outcome=self._answer, retry_after_seconds=1.0, health={}
        )
        done = await self._store.execute(BOOKED_PAYMENT, self._id, command, _context())
        if done.state.status is not Status.SETTLED or len(done.events) != 4:
            raise RuntimeError(f"{done.state.status} after {len(done.events)} events")


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
    entries = [one["entries"] for one in shared]
    return [
        Figure(
            name="payment path, commands",
            clients=CALLERS,
            kind="ratio",
            ours=found["shared"],
            floor=found["pgbench"],
            floor_name="pgbench insert",
            bar=0.75,
        ),
        Figure(
            name="payment path, wait for event + entries + id",
            clients=CALLERS,
            kind="p99",
            ours=entries,
            bar=40.0,
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


def _observed(payment_id: str) -> Observation:
    order = order_id(payment_id, 1)
    return Observation(
        order_id=order,
        transaction_id=f"t-{order}",
        status=ChargeStatus.SETTLED,
        amount=AMOUNT,
        evidence=Evidence(source="charge", digest="0" * 64, said=SAID | {"order_id": order}),
        occurred_at=clock.now(),
    )


def _context(fingerprint: bytes = b"") -> Context:
    return Context(command_id=new_id("cmd"), actor="bench", fingerprint=fingerprint)

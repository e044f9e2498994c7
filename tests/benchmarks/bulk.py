"""Bulk: payments that another system took, ten thousand a call, posted with their entries; from Python
and over HTTP.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Final

import httpx2

from api.wiring import open_wiring
from benchmarks.http import key_of, settings_with, wait_for
from benchmarks.measuring import Figure, Sample, interleaved
from benchmarks.processes import loader
from benchmarks.stage import Stage, assert_safe
from ledger import clock
from ledger.eventstore.store import Begun
from ledger.money import Money
from ledger.payments.imported_item import ImportedItem
from ledger.payments.service import PaymentService
from ledger.settings import Settings
from support.running import process

ITEMS: Final = 10_000
BAR: Final = 10_000.0
_calls = count(1)


@asynccontextmanager
async def importing(settings: Settings) -> AsyncIterator[PaymentService]:
    async with open_wiring(settings, "tool") as wired:
        yield wired.payments


async def import_all(payments: PaymentService, account: str) -> Sample:
    settled_at = clock.now() - timedelta(days=1)
    items = [
        ImportedItem(
            reference=f"{account}-{number}",
            amount=Money.rupiah(99_000),
            method="bca_va",
            settled_at=settled_at + timedelta(seconds=number),
            order_id=f"old-{number}",
            metadata={"orderId": f"order_{number}"},
        )
        for number in range(ITEMS)
    ]
    began = time.perf_counter()
    outcomes = await payments.import_settled(items, account=account, actor="bench")
    took = time.perf_counter() - began
    if any(not isinstance(one, Begun) or one.replayed for one in outcomes):
        raise RuntimeError("not every item was recorded")
    return Sample(len(items) / took)


def measure(stage: Stage, rounds: int, seconds: float) -> list[Figure]:
    """`seconds` does not matter here: a call takes as long as it takes."""
    key = asyncio.run(key_of(stage.settings))
    settings = settings_with(stage, gateway=9)  # which nobody asks
    with (
        process("serve", settings),
        loader(importing, stage.settings) as ours,
        httpx2.Client(
            trust_env=False, timeout=60, headers={"Authorization": f"Bearer {key}"}
        ) as web,
    ):
        wait_for(settings.port, "/ready")
        url = f"http://127.0.0.1:{settings.port}"
        slots = {
            "python": lambda: ours.run(import_all, f"bench{next(_calls)}"),
            "http": lambda: _posted(web, url),
        }
        for slot in slots.values():
            slot()
        found = interleaved(slots, rounds)
    assert_safe(stage.conninfo)
    return [
        _figure("bulk import, payments from Python", found["python"], BAR),
        _figure("bulk import, payments over HTTP", found["http"], None),
    ]


def _posted(web: httpx2.Client, url: str) -> Sample:
    call = next(_calls)
    items = [
        {
            "reference": f"http{call}-{number}",
            "amount": 99_000,
            "paymentMethod": "bca_va",
            "settledAt": "2026-11-20T10:00:00Z",
            "metadata": {"orderId": f"order_{number}"},
        }
        for number in range(ITEMS)
    ]
    began = time.perf_counter()
    answer = web.post(f"{url}/api/v1/payments/bulk", json={"items": items})
    took = time.perf_counter() - began
    if answer.status_code != 200 or answer.json()["recorded"] != ITEMS:
        raise RuntimeError(f"{answer.status_code}: {answer.text[:300]}")
    return Sample(ITEMS / took)


def _figure(name: str, ours: Sequence[Sample], bar: float | None) -> Figure:
    return Figure(name=name, clients=1, kind="rate", ours=ours, bar=bar)

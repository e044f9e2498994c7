"""What the brief asks of a system without faults, measured on this one after it was healed: right answers, how soon
a payer is told how to pay while the gateway takes half a second, and whether notices are dealt with.
"""

import asyncio
import time
from typing import Final

import httpx2
import msgspec

from faults.chaos.seen import Seen
from faults.chaos.system import System
from support.customer import Caller

GATEWAY_SECONDS: Final = 0.5
AT_ONCE: Final = 16
METHODS: Final = ("bca_va", "gopay", "qris", "permata_va", "mandiri_bill", "alfamart")
RIGHT_AT_LEAST: Final = 0.999
TOLD_WITHIN_SECONDS: Final = 2.0


class Calm(msgspec.Struct, kw_only=True):
    requests: int = 0
    right: int = 0
    wrong: list[str] = []
    told_mean_seconds: float = 0.0
    told_p99_seconds: float = 0.0

    @property
    def share_right(self) -> float:
        return self.right / self.requests if self.requests else 0.0

    @property
    def holds(self) -> bool:
        quick = self.told_mean_seconds < TOLD_WITHIN_SECONDS
        return self.share_right >= RIGHT_AT_LEAST and quick


async def measure(system: System, payments: int) -> Calm:
    """Each payment is asked for, looked at three times, and asked for again with the same key: five requests."""
    await system.gateway.fault("do_late", path="/charge", times=100_000, seconds=GATEWAY_SECONDS)
    calm, waits, places = Calm(), list[float](), asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with places:
            waits.append(await _payment(system.shop(number), number, calm))

    await asyncio.gather(*(one(number) for number in range(payments)))
    await system.gateway.heal_requests()
    waits.sort()
    calm.told_mean_seconds = round(sum(waits) / len(waits), 3)
    calm.told_p99_seconds = round(waits[int(len(waits) * 0.99)], 3)
    return calm


async def _payment(shop: Caller, number: int, calm: Calm) -> float:
    key, method = f"calm-{number:08d}", METHODS[number % len(METHODS)]
    began = time.monotonic()
    answer = await shop.ask(method, 60_000 + number, key=key)
    waited = time.monotonic() - began
    body = answer.json()
    told = answer.status_code == 201 and body["nextAction"] is not None
    _count(calm, told, f"{method} was answered {answer.status_code} {body.get('type', '')}")
    path = f"/api/v1/payments/{body.get('paymentId')}"
    for _ in range(3):
        found = await shop.get(path)
        same = found.status_code == 200 and found.json()["amount"] == 60_000 + number
        _count(calm, same, f"GET was answered {found.status_code}")
    again = await shop.ask(method, 60_000 + number, key=key)
    _count(calm, _is_same(answer, again), f"the repeat was answered {again.status_code}")
    return waited


def _is_same(first: httpx2.Response, again: httpx2.Response) -> bool:
    replayed = again.headers.get("Idempotent-Replayed") == "true"
    return replayed and (first.status_code, first.content) == (again.status_code, again.content)


def _count(calm: Calm, right: bool, otherwise: str) -> None:
    calm.requests += 1
    calm.right += right
    if not right and len(calm.wrong) < 20:
        calm.wrong.append(otherwise)


class NoticesTaken(msgspec.Struct, kw_only=True):
    """Genuine notices that we had answered with 200: each different one was asked after."""

    delivered: int
    different: int
    processed: int

    @property
    def share(self) -> float:
        return self.processed / self.different if self.different else 1.0


def notices_taken(seen: Seen) -> NoticesTaken:
    delivered = [
        one for one in seen.notices if one["state"] == "delivered" and one["response_status"] == 200
    ]
    rows = seen.rows["inbox"]
    return NoticesTaken(
        delivered=len(delivered),
        different=len(rows),
        processed=sum(row["done_at"] is not None for row in rows),
    )

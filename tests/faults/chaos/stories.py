"""What merchants and payers do with each other: one story a payment, drawn by seed.

A payment is asked for, the payer pays, is denied, or lets it expire, the merchant captures, cancels, refunds.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import httpx2

from faults.chaos.clients import Merchant, until
from faults.chaos.outside import Outside
from ledger.payments.methods import METHODS
from support.customer import (
    ACCEPTED_CARD,
    DENIED_CARD,
    SECURE_CARD,
    Fields,
    Refused,
)

# Planted where personal data and secrets go in, and looked for wherever they must not come out.
CANARY_NAME: Final = "Kenari Kuning"
CANARY_MAIL: Final = "kenari.kuning"
CANARY_PHONE: Final = "+628129990"
CANARY_CARD: Final = "4000 0566 5566 5556"

A_DAY_SECONDS: Final = 86_400
PATIENCE_SECONDS: Final = 150.0  # a lease of thirty, twice, and what faults add
UNDECIDED: Final = ("requested", "dispatched", "unknown")
OVER: Final = ("denied", "failed", "cancelled", "expired", "reversed", "refunded")


class Way(NamedTuple):
    """How a payment is asked for; the weight is how often."""

    weight: int
    method: str
    card: str = ""
    capture: str = "at_once"
    fallback: tuple[str, ...] = ()
    refunds: str = ""  # whole or parts


WAYS: Final = (
    Way(12, "bca_va"),
    Way(6, "permata_va"),
    Way(5, "mandiri_bill"),
    Way(14, "gopay", refunds="parts"),
    Way(12, "qris", refunds="parts"),
    Way(8, "shopeepay", refunds="whole"),
    Way(6, "alfamart"),
    Way(6, "indomaret"),
    Way(6, "dana", refunds="parts"),
    Way(4, "virtual_account"),
    Way(6, "gopay", fallback=("qris", "bni_va"), refunds="parts"),
    Way(8, "credit_card", ACCEPTED_CARD, refunds="parts"),
    Way(4, "credit_card", SECURE_CARD, refunds="parts"),
    Way(2, "credit_card", DENIED_CARD),
    Way(6, "credit_card", ACCEPTED_CARD, capture="later", refunds="parts"),
)


def _longest_seconds(way: Way) -> int:
    """How long it may wait to be paid, or most of what waits when a day passes would be over with it."""
    method = METHODS.get(way.method)
    return method.expiry_seconds_maximum if method and not way.card else 0


class Stories:
    def __init__(
        self,
        merchant: Merchant,
        gateway: Outside,
        chance: random.Random,
        ways: Sequence[Way] = WAYS,
        cancelled: float = 0.08,
    ) -> None:
        """`cancelled` is the share of what waits to be paid that the merchant cancels."""
        self._merchant, self._gateway, self._chance = merchant, gateway, chance
        self._ways, self._cancelled = ways, cancelled
        self.counts: Counter[str] = Counter()
        self.going: set[asyncio.Task[None]] = set()
        self.tokens: list[str] = []  # of cards: canaries of their own
        self._serial = 0
        self.hurried = asyncio.Event()  # payers still to act do so at once

    def begin(self) -> None:
        self._serial += 1
        task = asyncio.create_task(self._tell(self._serial))
        self.going.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self.going.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.counts[f"broke off: {type(error).__name__} {error}"[:120]] += 1

    async def _tell(self, serial: int) -> None:
        way = self._chance.choices(self._ways, [one.weight for one in self._ways])[0]
        if serial % 40 == 0:
            await self._card_number_by_mistake()
        try:
            body = await self._asked(way, serial)
        except httpx2.TransportError:
            self.counts["simulator busy"] += 1
            return
        status, payment = await self._merchant.command("payment", "/api/v1/payments", body)
        self.counts[f"requested {status}"] += 1
        if payment_id := payment.get("paymentId"):
            await self._follow(way, str(payment_id))

    async def _asked(self, way: Way, serial: int) -> Fields:
        amount = self._chance.randrange(20_000, 900_000)
        body: Fields = {"amount": amount, "currency": "IDR", "paymentMethod": way.method}
        body["payer"] = {
            "name": f"{CANARY_NAME} {serial}",
            "email": f"{CANARY_MAIL}+{serial}@example.test",
            "phone": f"{CANARY_PHONE}{serial % 1000:03d}",
        }
        body["metadata"] = {"orderId": f"order-{serial}"}
        if self._chance.random() < 0.3:
            body["customerId"] = f"customer-{self._chance.randrange(20)}"
        if way.fallback:
            body["fallbackMethods"] = list(way.fallback)
        elif (longest := _longest_seconds(way)) > A_DAY_SECONDS:
            body["expiresAfterSeconds"] = longest
        if way.card:
            body["cardToken"] = await self._gateway.card_token(way.card)
            self.tokens.append(body["cardToken"])
        if way.capture != "at_once":
            body["capture"] = way.capture
        return body

    async def _card_number_by_mistake(self) -> None:
        body = {
            "amount": 50_000,
            "currency": "IDR",
            "paymentMethod": "bca_va",
            "metadata": {"note": f"card {CANARY_CARD}"},
        }
        await self._merchant.command("card number", "/api/v1/payments", body)

    async def _follow(self, way: Way, payment_id: str) -> None:
        payment = await self._once(payment_id, lambda one: one["status"] not in UNDECIDED)
        if payment is None:
            return
        await self._wait(self._chance.uniform(0.0, 3.0))
        if payment["status"] == "authorised":
            await self._capture_or_cancel(payment)
        elif payment["status"] == "pending":
            if self._chance.random() < self._cancelled:
                await self._cancel(payment)
                return
            await self._payer(payment)
        paid = await self._once(payment_id, lambda one: one["status"] != "pending", seconds=70)
        if paid and paid["status"] == "captured" and self._chance.random() < 0.6:
            await self._outside(self._gateway.settle(paid))
        if way.refunds and self._chance.random() < 0.5:
            await self._refund(way, payment_id)

    async def _payer(self, payment: Fields) -> None:
        acts: tuple[Callable[..., Awaitable[object]], ...] = (
            self._gateway.pay,
            self._gateway.deny,
            self._gateway.expire,
        )
        act = self._chance.choices(acts, (85, 8, 7))[0]
        self.counts[act.__name__] += 1
        await self._outside(act(payment))
        if self._chance.random() < 0.1:
            await self._outside(self._gateway.repeat_notice(payment, self._chance.randint(1, 10)))

    async def _capture_or_cancel(self, payment: Fields) -> None:
        if self._chance.random() < 0.3:
            await self._cancel(payment)
            return
        part = self._chance.random() < 0.4
        amount = self._chance.randrange(10_000, payment["amount"]) if part else payment["amount"]
        path = f"/api/v1/payments/{payment['paymentId']}/capture"
        status, _ = await self._merchant.command("capture", path, {"amount": amount})
        self.counts[f"captured {status}"] += 1

    async def _cancel(self, payment: Fields) -> None:
        path = f"/api/v1/payments/{payment['paymentId']}/cancel"
        status, _ = await self._merchant.command("cancel", path, {"reason": "changed my mind"})
        self.counts[f"cancelled {status}"] += 1

    async def _refund(self, way: Way, payment_id: str) -> None:
        paid = await self._once(payment_id, lambda one: one["status"] == "settled", seconds=75)
        if paid is None:
            return
        path = f"/api/v1/payments/{payment_id}/refund"
        bodies: list[Fields] = [{"reason": "requested_by_customer"}]
        if way.refunds == "parts":
            parts = [self._chance.randrange(5_000, paid["amount"]) for _ in range(3)]
            bodies = [{"amount": part} for part in parts[: self._chance.randint(1, 3)]]
        commands = (self._merchant.command("refund", path, body) for body in bodies)
        for status, _ in await asyncio.gather(*commands):
            self.counts[f"refunded {status}"] += 1

    async def _once(
        self, payment_id: str, so: Callable[[Fields], bool], seconds: float = PATIENCE_SECONDS
    ) -> Fields | None:
        """The payment, once it is so; None when it never will be, or once the world has to close."""

        async def look() -> Fields | None:
            found = await self._merchant.get(f"/api/v1/payments/{payment_id}")
            over = found and (found["status"] in OVER or found.get("underReview"))
            hurried = self.hurried.is_set() and found and found["status"] not in UNDECIDED
            return found if found and (so(found) or over or hurried) else None

        found: Fields | None = await until(look, seconds)
        if found is None:
            self.counts["waited in vain"] += 1
        return found if found and so(found) else None

    async def _outside(self, act: Awaitable[object]) -> None:
        """What the world does may be too late: it has expired, say."""
        try:
            await act
        except Refused:
            self.counts["too late"] += 1
        except httpx2.TransportError:
            self.counts["simulator busy"] += 1

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.hurried.wait(), seconds)
        except TimeoutError:
            return

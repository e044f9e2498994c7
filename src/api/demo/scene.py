"""What the acts share: what was bought, and how to buy, pay, and wait for what becomes of it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from api.demo.answers import Accepted, Event, Json, Payment, TrialBalance
from api.demo.checks import Checks
from api.demo.client import Api, Gateway, Refused
from api.demo.waiting import WITHIN_SECONDS, until
from ledger import clock
from projections.replaying import Report

PRICE: Final = 99_000
AT_ONCE: Final = 4  # payers who stand at the till together
PAYER: Final = {"name": "Sri Wahyuni", "email": "sri@example.com", "phone": "081234567890"}


@dataclass(slots=True)
class Purchase:
    what: str
    payment: Payment
    http: int
    asked_at: datetime
    answered_in_seconds: float
    told: str
    instructed: bool  # the first answer said how to pay
    paid_at: datetime | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.payment.payment_id

    @property
    def order_id(self) -> str:
        return self.payment.attempt.order_id


@dataclass(slots=True)
class Scene:
    api: Api
    gateway: Gateway
    checks: Checks
    database: str  # where the inbox of notices can be looked into
    folder: str  # of the deployment
    subscriptions: dict[str, str] = field(default_factory=dict)  # by who subscribed
    purchases: list[Purchase] = field(default_factory=list)
    rush: list[Purchase] = field(default_factory=list)
    sold: int = 0
    transactions: list[Json] = field(default_factory=list)  # the gateway's own book, at the end
    books: TrialBalance | None = None
    replayed: Report | None = None

    async def buy(self, what: str, method: str, **more: Any) -> Purchase:
        """No two prices are the same, so that a mix-up of two payments would show."""
        self.sold += 1
        body = {"amount": PRICE + 1_000 * self.sold, "paymentMethod": method, "payer": PAYER} | more
        asked_at, began = clock.now(), clock.monotonic_seconds()
        done = await self.api.create(body)
        took = clock.monotonic_seconds() - began
        purchase = Purchase(
            what,
            done.payment,
            done.http,
            asked_at,
            took,
            _told(done.payment),
            done.payment.status == "pending",
        )
        if done.payment.captured_amount:
            purchase.paid_at = asked_at
        self.purchases.append(purchase)
        return purchase

    async def buy_by_card(self, what: str, number: str, **more: Any) -> Purchase:
        return await self.buy(
            what, "credit_card", cardToken=await self.gateway.card_token(number), **more
        )

    async def pay(self, purchase: Purchase, **how: Any) -> None:
        """The payer does as told; on a hosted page, that begins with choosing a method."""
        action = purchase.payment.next_action
        page = {"snap_token": action.session_token} if action and action.session_token else {}
        purchase.paid_at = clock.now()
        await self.gateway.act("pay", **(page or {"order_id": purchase.order_id}), **how)

    async def arrives(self, purchase: Purchase, status: str) -> None:
        """Waits for the status, and checks that it came."""
        await self.waits(purchase, lambda payment: payment.status == status)
        self.checks.equal(f"{purchase.what} becomes {status}", status, purchase.payment.status)

    async def waits(
        self,
        purchase: Purchase,
        accept: Callable[[Payment], bool],
        within_seconds: float = WITHIN_SECONDS,
    ) -> None:
        purchase.payment = await until(lambda: self.api.get(purchase.id), accept, within_seconds)

    async def buy_and_pay(self, what: str, method: str, **more: Any) -> Purchase:
        purchase = await self.buy(what, method, **more)
        await self.pay(purchase)
        await self.arrives(purchase, "settled")
        return purchase

    async def is_refused(self, what: str, expected: str, asked: Awaitable[Accepted]) -> None:
        """`expected` as `422 refund_exceeds_payment`."""
        try:
            found = f"{(await asked).http}, accepted"
        except Refused as refused:
            found = f"{refused.status} {refused.code}"
        self.checks.equal(f"{what} is refused", expected, found)

    async def try_to(self, what: str, work: Awaitable[object]) -> None:
        """A fault is a claim that failed; the story goes on."""
        try:
            await work
        except Exception as error:
            self.checks.fault(what, error)

    async def together(self, works: Iterable[tuple[str, Coroutine[Any, Any, object]]]) -> None:
        places, listed = asyncio.Semaphore(AT_ONCE), list(works)

        async def one(what: str, work: Coroutine[Any, Any, object]) -> None:
            async with places:
                await self.try_to(what, work)

        try:
            async with asyncio.TaskGroup() as group:
                for what, work in listed:
                    group.create_task(one(what, work))
        finally:
            for _, work in listed:
                work.close()  # those that a Ctrl-C left unbegun


def _told(payment: Payment) -> str:
    if payment.next_action:
        return payment.next_action.message.get("en", "")
    failure = payment.attempt.failure
    return failure.words if failure else f"({payment.status}: nothing left to do)"

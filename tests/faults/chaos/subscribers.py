"""What the merchant and its subscribers do with each other: one story a subscription, drawn by seed.

Somebody subscribes by a saved card, by a linked GoPay account or by transfers. Whenever a day has passed, just while
the worker renews, they take another plan, pay another way, pause, leave or come back; and they pay what they were sent.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import httpx2

from faults.chaos.clients import Merchant, until
from faults.chaos.outside import Outside
from support.customer import ACCEPTED_CARD, DENIED_CARD, Caller, Fields, Refused

# Planted as payers' are (stories.py).
CANARY_NAME: Final = "Cucak Rawa"
CANARY_MAIL: Final = "cucak.rawa"

ANSWERED_WITHIN_SECONDS: Final = 20.0
RACES_WITHIN_SECONDS: Final = 0.8  # after a day has passed, as the worker looks five times a second
PAYS_WITHIN_SECONDS: Final = 4.0
PAYS_SHARE: Final = 0.85
STATES: Final = "/api/v1/subscriptions"


class Plan(NamedTuple):
    """Below what a wallet asks a PIN for, and at least what a card takes."""

    plan_id: str
    price: int
    days: int
    issued_days_ahead: int
    dunning_policy: str


PLANS: Final = (
    Plan("daily", 60_000, 1, 0, "standard"),
    Plan("daily-ahead", 45_000, 1, 1, "strict"),
    Plan("daily-more", 95_000, 1, 1, "strict"),
    Plan("three-days", 90_000, 3, 1, "gentle"),
)


class By(NamedTuple):
    """How somebody pays; the weight is how many do."""

    weight: int
    method: str
    card: str = ""
    fallback: tuple[str, ...] = ()


WAYS: Final = (
    By(4, "auto_debit", ACCEPTED_CARD, fallback=("bca_va",)),
    By(1, "auto_debit", DENIED_CARD, fallback=("bni_va",)),
    By(3, "auto_debit"),  # a GoPay account
    By(3, "bca_va"),
)


class Subscriber(NamedTuple):
    customer_id: str
    by: By


class Act(NamedTuple):
    """What a merchant may ask while the subscription is in a state, and how likely it does on a day."""

    share: float
    kind: str
    method: str
    place: str  # behind the subscription's own address
    body: Callable[[random.Random, str], Fields]


def _another_plan(chance: random.Random, plan_id: str) -> Fields:
    others = [one.plan_id for one in PLANS if one.plan_id != plan_id]
    return {"planId": chance.choice(others)}


ACTS: Final[dict[str, tuple[Act, ...]]] = {
    "active": (
        Act(0.15, "change plan", "PUT", "", _another_plan),
        Act(0.06, "change quantity", "PUT", "", lambda c, _: {"quantity": c.randint(1, 2)}),
        Act(0.06, "pay by transfer", "PUT", "", lambda c, _: {"paymentMethod": "bca_va"}),
        Act(0.06, "pay by saved method", "PUT", "", lambda c, _: {"paymentMethod": "auto_debit"}),
        Act(0.05, "end", "DELETE", "", lambda c, _: {"reason": "too dear"}),
        Act(0.06, "end now", "DELETE", "",
            lambda c, _: {"reason": "moved", "effectiveDate": "now", "credit": c.random() < 0.5}),
        Act(0.04, "pause", "POST", "/pause", lambda c, _: {"reason": "on holiday"}),
    ),
    "in_grace": (Act(0.10, "end now", "DELETE", "", lambda c, _: {"reason": "moved"}),),
    "past_due": (Act(0.10, "end now", "DELETE", "", lambda c, _: {"reason": "moved"}),),
    "cancelling": (Act(0.30, "reactivate", "POST", "/reactivate", lambda c, _: {}),),
    "paused": (Act(0.50, "resume", "POST", "/resume", lambda c, _: {}),),
    "unpaid": (Act(0.30, "reactivate", "POST", "/reactivate", lambda c, _: {}),),
    "cancelled": (Act(0.30, "reactivate", "POST", "/reactivate", lambda c, _: {}),),
}  # fmt: skip


class Subscribers:
    def __init__(self, merchant: Merchant, gateway: Outside, chance: random.Random) -> None:
        self._merchant, self._gateway, self._chance = merchant, gateway, chance
        self._waiting: list[Subscriber] = []
        self._day = asyncio.Event()
        self.counts: Counter[str] = Counter()
        self.going: set[asyncio.Task[None]] = set()
        self.tokens: list[str] = []  # of cards and wallets: canaries of their own
        self.sold = 0
        self.hurried = False  # the world closes
        self.failures: list[BaseException] = []  # of stories: the harness itself is at fault

    async def set_up(self, shop: Caller, subscribers: int) -> None:
        """Plans and customers, while nothing fails yet."""
        for plan in PLANS:
            _done(await shop.post("/api/v1/plans", _terms(plan)))
        ways = self._chance.choices(WAYS, [one.weight for one in WAYS], k=subscribers)
        known = (self._customer(shop, number, by) for number, by in enumerate(ways))
        self._waiting += await asyncio.gather(*known)

    async def _customer(self, shop: Caller, number: int, by: By) -> Subscriber:
        customer_id = f"subscriber-{number}"
        known = {
            "name": f"{CANARY_NAME} {number}",
            "email": f"{CANARY_MAIL}+{number}@example.test",
        }
        _done(await shop.post("/api/v1/customers", {"customerId": customer_id, **known}))
        path = f"/api/v1/customers/{customer_id}/payment-methods"
        _done(await shop.post(path, await self._saved(by)))
        return Subscriber(customer_id, by)

    async def _saved(self, by: By) -> Fields:
        """Everybody has something that can be charged, also who pays by transfer until now."""
        if by.card:
            token = await self._gateway.saved_card(by.card)
            self.tokens.append(token)
            masked = f"{by.card[:8]}-{by.card[-4:]}"
            return {"kind": "card", "token": token, "masked": masked, "expiresOn": "2099-12"}
        account_id, token = await self._gateway.linked_wallet()
        self.tokens.append(token)
        return {"kind": "gopay", "accountId": account_id, "token": token}

    def begin(self) -> bool:
        """The next one's story; False when all have begun."""
        if not self._waiting:
            return False
        task = asyncio.create_task(self._story(self._waiting.pop()))
        self.going.add(task)
        task.add_done_callback(self._ended)
        return True

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self.going.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.failures.append(error)

    async def sell(self, subscriptions: int) -> None:
        """So many, and wait until they are."""
        for _ in range(subscriptions):
            self.begin()
        while self.sold < len(self.going) and not self.failures:
            await asyncio.sleep(0.05)

    def dawn(self) -> None:
        """A day has passed."""
        self._day.set()
        self._day = asyncio.Event()

    def hurry(self) -> None:
        self.hurried = True
        self.dawn()

    async def _story(self, one: Subscriber) -> None:
        body = {
            "planId": self._chance.choice(PLANS).plan_id,
            "customerId": one.customer_id,
            "paymentMethod": one.by.method,
            "fallbackMethods": list(one.by.fallback),
        }
        status, made = await self._command("subscribe", STATES, body, "POST")
        subscription_id = made.get("subscriptionId")
        self.sold += 1
        if status >= 300 or not subscription_id:
            return
        place = f"{STATES}/{subscription_id}"
        while not self.hurried:
            day = self._day
            await self._sleep(RACES_WITHIN_SECONDS)
            await self._act(place)
            await self._sleep(PAYS_WITHIN_SECONDS)
            await self._pay(place)
            await day.wait()

    async def _act(self, place: str) -> None:
        shown = await self._look(place)
        acts = ACTS.get(shown["status"], ()) if shown else ()
        drawn = self._chance.random()
        for act in acts:
            drawn -= act.share
            if drawn < 0 and shown and not self.hurried:
                body = act.body(self._chance, shown["planId"])
                await self._command(act.kind, f"{place}{act.place}", body, act.method)
                return

    async def _pay(self, place: str) -> None:
        """What was sent, by its newest instructions."""
        shown = await self._look(place)
        for bill in shown["openBills"] if shown else ():
            asked = bill["payment"]
            pushed = asked and asked["status"] == "pending" and not asked.get("savedMethod")
            if pushed and self._chance.random() < PAYS_SHARE:
                payment = await self._merchant.get(f"/api/v1/payments/{asked['paymentId']}")
                if payment and payment["status"] == "pending":
                    self.counts["paid"] += 1
                    await self._outside(self._gateway.pay(payment))

    async def _command(self, kind: str, path: str, body: Fields, method: str) -> tuple[int, Fields]:
        status, answer = await self._merchant.command(kind, path, body, method)
        self.counts[f"{kind} {status}"] += 1
        return status, answer

    async def _look(self, place: str) -> Fields | None:
        async def look() -> Fields | None:
            return await self._merchant.get(place)

        found: Fields | None = await until(look, ANSWERED_WITHIN_SECONDS)
        return found

    async def _outside(self, act: Awaitable[object]) -> None:
        try:
            await act
        except (Refused, httpx2.TransportError):
            self.counts["too late"] += 1

    async def _sleep(self, most: float) -> None:
        if not self.hurried:
            await asyncio.sleep(self._chance.uniform(0, most))


def _terms(plan: Plan) -> Fields:
    return {
        "planId": plan.plan_id,
        "name": plan.plan_id.title(),
        "price": plan.price,
        "interval": {"unit": "day", "count": plan.days},
        "dunningPolicy": plan.dunning_policy,
        "issuedDaysAhead": plan.issued_days_ahead,
        "prorationBy": "second",
    }


def _done(answer: httpx2.Response) -> None:
    if not answer.is_success:
        raise RuntimeError(f"{answer.request.url}: {answer.status_code} {answer.text}")

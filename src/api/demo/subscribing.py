"""Acts: customers subscribe, and a month passes in which a card renews, an invoice is paid, a card
fails and another way is found, one takes more and one leaves.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from api.demo import stage
from api.demo.answers import Json
from api.demo.scene import Scene
from api.demo.waiting import until

PLANS: Final = {"pro": 99_000, "max": 199_000}
TRIAL_DAYS: Final = 3
VISA: Final = "4411111111111118"  # as simulator/card_terms has them: accepted, and denied
BLOCKED: Final = "4711111111111115"


@dataclass(frozen=True, slots=True)
class Subscriber:
    name: str
    plan: str
    pays_by: str  # a card's number, or a method of the catalogue
    fallback: tuple[str, ...] = ()


ANI: Final = Subscriber("ani", "pro", VISA)  # renews by card
BUDI: Final = Subscriber("budi", "pro", "bca_va")  # is sent an invoice, and pays it
CITRA: Final = Subscriber("citra", "trial", BLOCKED, ("bni_va",))  # fails, and recovers
DEWI: Final = Subscriber("dewi", "pro", VISA)  # takes more in the middle of the month
EKA: Final = Subscriber("eka", "pro", VISA)  # leaves
EVERYBODY: Final = (ANI, BUDI, CITRA, DEWI, EKA)


async def subscribe(scene: Scene) -> None:
    for plan, price in PLANS.items():
        await scene.api.post("/api/v1/plans", _plan(plan, price))
    trial = _plan("trial", PLANS["pro"]) | {"trialDays": TRIAL_DAYS}
    await scene.api.post("/api/v1/plans", trial)
    await scene.together((f"{one.name} subscribes", _subscribe(scene, one)) for one in EVERYBODY)


def _plan(plan: str, price: int) -> Json:
    month = {"unit": "month", "count": 1}
    return {"planId": plan, "name": plan.title(), "price": price, "interval": month}


async def _subscribe(scene: Scene, one: Subscriber) -> None:
    person = {"customerId": one.name, "name": one.name.title(), "email": f"{one.name}@example.com"}
    await scene.api.post("/api/v1/customers", person)
    method = one.pays_by
    if method.isdecimal():
        card = await scene.gateway.saved_card(method)
        path = f"/api/v1/customers/{one.name}/payment-methods"
        await scene.api.post(path, {"kind": "card", **card})
        method = "auto_debit"
    body = {"planId": one.plan, "customerId": one.name, "paymentMethod": method}
    made = await scene.api.post(
        "/api/v1/subscriptions", body | {"fallbackMethods": list(one.fallback)}
    )
    scene.subscriptions[one.name] = made["subscriptionId"]
    if not one.pays_by.isdecimal():
        await _pay_open_bill(scene, one)
    status = "trialing" if one.plan == "trial" else "active"
    await _becomes(scene, one, status)


async def month(scene: Scene) -> None:
    """Let time pass as it would, and everybody do their part on the day."""
    await _pass(scene, days=TRIAL_DAYS + 1)
    failing = await _becomes(scene, CITRA, "in_grace")
    scene.checks.equal("citra keeps access while her card is tried again", True, failing["access"])
    await _pass(scene, days=5)
    await _pay_open_bill(scene, CITRA)
    await _becomes(scene, CITRA, "active")
    await _pass(scene, days=6)
    await _upgrade(scene)
    await _leave(scene)
    await _pass(scene, days=14)
    await _pay_open_bill(scene, BUDI)
    await _pass(scene, days=3)
    await _renewed(scene)


async def _pass(scene: Scene, days: int) -> None:
    """What falls due within half a day is done at its end."""
    done = await asyncio.to_thread(
        stage.run, "clock", "advance", f"{days}d", "--stride", "12h", "--data-dir", scene.folder
    )
    scene.checks.equal(f"{days} days pass", 0, done.returncode)


async def _upgrade(scene: Scene) -> None:
    path = f"/api/v1/subscriptions/{scene.subscriptions[DEWI.name]}"
    wish = {"planId": "max"}
    quote = await scene.api.post(f"{path}/preview", wish)
    changed = await scene.api.put(path, wish | {"quoteId": quote["quoteId"]})
    scene.checks.equal("dewi's plan", "max", changed["planId"])
    paid = await _payments(scene, DEWI)
    scene.checks.equal(
        "dewi's upgrade costs what the preview said", quote["charge"]["toPay"], paid[0]["amount"]
    )
    whole = PLANS["max"] - PLANS["pro"]
    scene.checks.holds(
        "it costs a part of the month",
        f"0 to {whole}",
        paid[0]["amount"],
        0 < paid[0]["amount"] < whole,
    )


async def _leave(scene: Scene) -> None:
    path = f"/api/v1/subscriptions/{scene.subscriptions[EKA.name]}"
    leaving = await scene.api.delete(path, {"reason": "too dear"})
    scene.checks.equal(
        "eka has cancelled, and has access until the end",
        ("cancelling", True),
        (leaving["status"], leaving["access"]),
    )


async def _renewed(scene: Scene) -> None:
    for one, status, payments in (
        (ANI, "active", 2),
        (BUDI, "active", 2),
        (DEWI, "active", 3),
        (EKA, "cancelled", 1),
    ):
        await _becomes(scene, one, status)
        paid = [row for row in await _payments(scene, one) if row["status"] in PAID]
        scene.checks.equal(f"{one.name}'s payments in the month", payments, len(paid))
    tries = [row["status"] for row in await _payments(scene, CITRA)]
    scene.checks.holds(
        "citra's card was tried again, then she paid another way",
        "2 or more denied, 1 paid",
        f"{tries.count('denied')} denied, {sum(one in PAID for one in tries)} paid",
        tries.count("denied") >= 2 and sum(one in PAID for one in tries) == 1,
    )
    await _schedules(scene)


PAID: Final = ("captured", "settled")


async def _schedules(scene: Scene) -> None:
    """What is deferred is what the bills still have to earn."""
    books = await scene.api.trial_balance()
    bills = await scene.api.all("/api/v1/bills", "bills")
    unearned = sum(bill["unearned"] for bill in bills)
    products = [*PLANS, "trial"]
    deferred = -sum(books.balance(f"Liabilities:DeferredRevenue:{one}") for one in products)
    scene.checks.equal(
        "deferred revenue of subscriptions, by the schedules and by the books", unearned, deferred
    )
    earned = -sum(books.balance(f"Income:Subscription:{one}") for one in products)
    scene.checks.holds("revenue was earned, day by day", "more than 0", earned, earned > 0)


async def _pay_open_bill(scene: Scene, one: Subscriber) -> None:
    """By its newest instructions, as the customer would."""
    shown = await _subscription(scene, one)
    payment_id = shown["openBills"][0]["payment"]["paymentId"]
    payment = await scene.api.get(payment_id)
    await scene.gateway.act("pay", order_id=payment.attempt.order_id)


async def _becomes(scene: Scene, one: Subscriber, status: str) -> Json:
    found = await until(lambda: _subscription(scene, one), lambda it: it["status"] == status)
    scene.checks.equal(f"{one.name}'s subscription", status, found["status"])
    return found


async def _subscription(scene: Scene, one: Subscriber) -> Json:
    return await scene.api.read(f"/api/v1/subscriptions/{scene.subscriptions[one.name]}")


async def _payments(scene: Scene, one: Subscriber) -> list[Any]:
    """Newest first."""
    subscription = scene.subscriptions[one.name]
    return await scene.api.all("/api/v1/payments", "payments", subscriptionId=subscription)

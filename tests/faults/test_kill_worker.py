"""Workers are killed at random moments while forty payments are charged, paid, denied and refunded.

In the end our log, the books and the gateway's own book agree, and nobody was charged or refunded twice.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest

from support.customer import (
    ACCEPTED_CARD,
    Caller,
    Fields,
    Gateway,
    eventually,
    new_key,
    order_id,
)
from support.running import Process, Running, process, running

PAYMENTS = 40
WORKERS = 3
KILLS = 12
SEED = 20_261_123
METHODS = (
    "bca_va",
    "gopay",
    "qris",
    "alfamart",
    "permata_va",
    "shopeepay",
    "mandiri_bill",
    "credit_card",
)
# In this order, so many times each: what the API sends is turned away, and the workers have to send it again.
CHARGE_FAULTS = {
    "rate_limit_429": PAYMENTS,
    "do_late": 16,
    "do_then_500": 4,
    "reset_before": 4,
    "do_then_reset": 4,
}
REFUND_FAULTS = {
    "rate_limit_429": 12,
    "do_late": 6,
    "do_then_500": 2,
    "do_then_reset": 2,
    "reset_before": 2,
}
REFUNDABLE = ("gopay", "qris", "shopeepay")

# What the gateway calls it, and what we do.
SAME = {
    "settlement": "settled",
    "partial_refund": "partially_refunded",
    "refund": "refunded",
    "deny": "denied",
    "expire": "expired",
    "capture": "captured",
}


@pytest.fixture
async def system(ledger_database: str, gateway: Gateway) -> AsyncIterator[Running]:
    """Without workers in this process: those that are killed have to do the work."""
    async with running(ledger_database, gateway, workers=0) as started:
        yield started


@asynccontextmanager
async def killing(system: Running, chance: random.Random, kills: int) -> AsyncIterator[None]:
    """What is asked inside is done by workers that die at it; afterwards all of them are dead."""
    began = await system.log_length()
    with ExitStack() as stack:
        workers = [stack.enter_context(process("work", system.settings)) for _ in range(WORKERS)]
        yield
        await eventually(lambda: _a_worker_sends(system, began))
        await _kill(workers, chance, kills)


async def _a_worker_sends(system: Running, after: int) -> None:
    query = 'select from events where notification_id > %s and position(\'"sent_by":"worker:\'::bytea in state) > 0'
    async with system.wired.readers.connection() as conn:
        cursor = await conn.execute(query, [after])
    assert cursor.rowcount > 0


async def _kill(workers: list[Process], chance: random.Random, kills: int) -> None:
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.05, 0.8))  # a killer keeps no appointment
        victim = chance.choice(workers)
        victim.kill()
        victim.restart()


async def healed(system: Running, check: object) -> None:
    """A worker that lives, and time for every lease to run out."""

    async def passes() -> None:
        system.later(31)
        await check()  # type: ignore[operator]

    await eventually(passes, within=40)


async def request(shop: Caller, gateway: Gateway, method: str, amount: int) -> Fields:
    more = {"cardToken": await gateway.card_token(ACCEPTED_CARD)} if method == "credit_card" else {}
    key = new_key()
    answer = await shop.ask(method, amount, key=key, **more)
    for _ in range(3):
        if answer.status_code != 503:
            break
        # On a machine that is all too busy we are told to come back, and do, with the same key.
        await asyncio.sleep(float(answer.headers["Retry-After"]))
        answer = await shop.ask(method, amount, key=key, **more)
    assert answer.status_code in (201, 202), answer.text
    return dict(answer.json())


async def act(shop: Caller, gateway: Gateway, payment: Fields, chance: random.Random) -> bool:
    """What the payer does, once told how; False while nothing can be done yet."""
    found = await shop.payment(payment)
    if found["status"] in ("requested", "dispatched", "unknown"):
        return False
    if found["status"] == "captured":
        await gateway.settle(found)
    elif found["status"] == "pending":
        doing = chance.choices((gateway.pay, gateway.deny, gateway.expire), (8, 1, 1))[0]
        await doing(found)
    return True


async def test_killed_workers_lose_nothing_and_do_nothing_twice(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    chance = random.Random(SEED)
    asked = [(METHODS[n % len(METHODS)], 50_000 + n) for n in range(PAYMENTS)]
    for fault, times in CHARGE_FAULTS.items():
        await gateway.fault(fault, path="/v2/charge", times=times, seconds=0.4)

    # given payments that are charged, and paid as soon as the payer knows how
    async with killing(system, chance, KILLS // 2):
        made = await asyncio.gather(*(request(shop, gateway, *one) for one in asked))
    waiting = list(made)
    await system.start_worker()

    async def all_acted() -> None:
        for payment in list(waiting):
            if await act(shop, gateway, payment, chance):
                waiting.remove(payment)
        assert waiting == []

    await healed(system, all_acted)
    await healed(system, lambda: agree(shop, gateway, made))

    # when some are refunded while workers die again
    paid = [one for one in await everything(shop, made) if one["status"] == "settled"]
    back = [one for one in paid if one["paymentMethod"] in REFUNDABLE]
    assert len(back) >= 5
    for fault, times in REFUND_FAULTS.items():
        await gateway.fault(fault, path="/refund", times=times, seconds=0.4)
    async with killing(system, chance, KILLS // 2):
        answers = await asyncio.gather(*(refund(shop, payment) for payment in back))
    assert set(answers) <= {201, 202}

    # then everybody agrees
    await healed(system, lambda: agree(shop, gateway, made))
    charged = Counter(one["order_id"] for one in await gateway.book())
    ours = [order_id(payment) for payment in made]
    assert {order: charged[order] for order in ours} == dict.fromkeys(ours, 1)
    books = await system.books()
    assert "Assets:Gateway:Midtrans:Pending" not in books
    assert "Liabilities:Refund:Payable" not in books


async def refund(shop: Caller, payment: Fields) -> int:
    amount = None if payment["paymentMethod"] == "shopeepay" else 20_000
    return (await shop.refund(payment, amount)).status_code


async def everything(shop: Caller, made: list[Fields]) -> list[Fields]:
    return await asyncio.gather(*(shop.payment(payment) for payment in made))


async def agree(shop: Caller, gateway: Gateway, made: list[Fields]) -> None:
    book = {one["order_id"]: one for one in await gateway.book()}
    differences = []
    for payment in await everything(shop, made):
        theirs = book[order_id(payment)]
        refunds = {(one["refundId"], one["amount"], "confirmed") for one in payment["refunds"]}
        differences += [
            f"{payment['paymentId']} {payment['paymentMethod']}: {ours} != {gateways}"
            for ours, gateways in (
                (payment["status"], SAME.get(theirs["status"], theirs["status"])),
                (payment["refundedAmount"], theirs["refunded_amount"]),
                (
                    refunds,
                    {(one["refund_key"], one["amount"], "confirmed") for one in theirs["refunds"]},
                ),
                ({one["status"] for one in payment["refunds"]} - {"confirmed"}, set()),
            )
            if ours != gateways
        ]
    assert differences == []

"""The API is killed while the gateway is slow to answer: the worker finishes, and a repeated key meets its payment."""

import asyncio
import random
from collections import Counter

import httpx2

from support.customer import Caller, Fields, Gateway, eventually, new_key
from support.running import Running, answering, api_process

ROUNDS = 3
CHARGES = 8
SEED = 20_261_124
METHODS = ("bca_va", "permata_va", "gopay", "indomaret")
SLOW = ("do_late", "do_then_hang", "hang", "do_late")


async def asked(caller: Caller, method: str, key: str) -> httpx2.Response | None:
    """None when the process died before it answered."""
    try:
        return await caller.ask(method, 50_000, key=key)
    except httpx2.TransportError:
        return None


async def repeated(system: Running, shop: Caller, method: str, key: str) -> Fields:
    """As a program does that got no answer: the same request, until there is one."""

    async def served() -> Fields:
        system.later(31)
        answer = await shop.ask(method, 50_000, key=key)
        assert answer.is_success, answer.text
        return dict(answer.json())

    return await eventually(served, within=40)


async def test_a_killed_api_leaves_no_charge_alone_and_no_key_without_its_payment(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    chance = random.Random(SEED)
    keys = [(METHODS[n % len(METHODS)], new_key()) for n in range(ROUNDS * CHARGES)]
    acknowledged: dict[str, str] = {}

    async with api_process(system) as (api, url):
        doomed = shop.at(url)
        for number in range(ROUNDS):
            for fault in SLOW:
                await gateway.fault(fault, path="/v2/charge", times=2, seconds=1)
            mine = keys[number * CHARGES : (number + 1) * CHARGES]
            asking = [asyncio.create_task(asked(doomed, method, key)) for method, key in mine]
            await asyncio.sleep(chance.uniform(0.05, 0.6))  # a killer keeps no appointment
            api.kill()
            for (_, key), answer in zip(mine, await asyncio.gather(*asking), strict=True):
                if answer is not None and answer.is_success:
                    acknowledged[key] = answer.json()["paymentId"]
            api.restart()
            await answering(system.http, url)
    await gateway.forget_faults()

    payments = {key: await repeated(system, shop, method, key) for method, key in keys}

    again = {
        key: (await shop.ask(method, 50_000, key=key)).json()["paymentId"] for method, key in keys
    }
    assert again == {key: payment["paymentId"] for key, payment in payments.items()}
    assert acknowledged.items() <= again.items()
    assert len(set(again.values())) == len(keys)
    for payment in payments.values():
        await shop.until(payment, "pending")

    async def one_charge_each() -> None:
        found = Counter([one["order_id"] for one in await gateway.book()])
        mine = {
            order: count
            for order, count in found.items()
            if order.partition("-")[0] in set(again.values())
        }
        assert mine == {f"{payment}-1": 1 for payment in again.values()}

    await eventually(one_charge_each)
    for payment in payments.values():
        await gateway.pay(await shop.payment(payment))
    for payment in payments.values():
        await shop.until(payment, "settled")
    await system.books()

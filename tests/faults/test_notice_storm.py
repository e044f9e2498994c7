"""Notices lost, ten times over, out of order and forged: the final state is that of a run in which each came once, in
order (reliability.md P8).
"""

import asyncio
from collections.abc import Awaitable, Callable

from support.customer import ACCEPTED_CARD, Caller, Fields, Gateway, eventually
from support.running import Running

STORM: Fields = {
    "seed": 7,
    "lost": 0.3,
    "repeat": [10, 10],
    "delay_seconds": [0, 3],
    "forged": 0.1,
    "fields_shuffled": True,
}
EACH = 4  # payments of a kind
REPEATS_END_SECONDS = 3.5
# When who waits to be paid is looked at, and, in the end, who waits to be settled.
RUNGS = (61, 301, 1_801, 21_601)

Act = Callable[[Gateway, Fields], Awaitable[object]]


async def _nothing(gateway: Gateway, payment: Fields) -> None:
    return


KINDS: dict[str, tuple[str, Act, str]] = {
    "paid at the bank": ("bca_va", Gateway.pay, "settled"),
    "paid by wallet": ("gopay", Gateway.pay, "settled"),
    "paid by code": ("qris", Gateway.pay, "settled"),
    "paid at the shop": ("alfamart", Gateway.pay, "settled"),
    "run out": ("bni_va", Gateway.expire, "expired"),
    "turned down": ("shopeepay", Gateway.deny, "denied"),
    "by card": ("credit_card", Gateway.settle, "settled"),
    "not paid": ("bri_va", _nothing, "pending"),
}


async def _lived(
    system: Running, shop: Caller, gateway: Gateway
) -> tuple[dict[str, list[list[str]]], list[Fields]]:
    """What the log says of each payment, by kind; and the notices that went out, or did not."""

    async def one(kind: str) -> tuple[str, Fields, str]:
        method, act, ends = KINDS[kind]
        card = {"cardToken": await gateway.card_token(ACCEPTED_CARD)} if kind == "by card" else {}
        payment = await shop.request(method, 60_000, **card)
        await act(gateway, payment)
        return kind, payment, ends

    lived = await asyncio.gather(*(one(kind) for kind in KINDS for _ in range(EACH)))
    await asyncio.sleep(REPEATS_END_SECONDS)
    for seconds in RUNGS:
        system.later(seconds)
        await asyncio.sleep(0.5)

    async def ended() -> None:
        found = [(await shop.payment(payment))["status"] for _, payment, _ in lived]
        assert found == [ends for _, _, ends in lived]

    await eventually(ended, within=30)
    topics: dict[str, list[list[str]]] = {kind: [] for kind in KINDS}
    notices: list[Fields] = []
    for kind, payment, _ in lived:
        topics[kind].append(await shop.topics(payment))
        notices += await gateway.notices(payment)
    return topics, notices


async def test_a_storm_of_notices_leaves_what_calm_leaves(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    calm, _ = await _lived(system, shop, gateway)
    books = await system.books()

    await gateway.garble_notices(**STORM)
    stormy, notices = await _lived(system, shop, gateway)

    assert stormy == calm
    assert await system.books() == {account: 2 * amount for account, amount in books.items()}
    kinds = [one["kind"] for one in notices]
    lost = sum(one["state"] == "lost" for one in notices)
    assert kinds.count("repeat") >= 100
    assert kinds.count("forged_status") and lost >= kinds.count("true") / 5

"""Fifty refunds of one payment at once: never more than was captured, in our books and in the gateway's."""

import asyncio
from collections import Counter

import httpx2
import pytest

from support.customer import Caller, Fields, Gateway, eventually
from support.running import Running, api_process

REFUNDS = 50
PAID = 100_000
PART = 7_000  # fourteen of them fit


@pytest.fixture
async def payment(shop: Caller, gateway: Gateway) -> Fields:
    asked = await shop.request("gopay", PAID)
    await gateway.pay(asked)
    return await shop.until(asked, "settled")


async def race(callers: list[Caller], payment: Fields) -> list[httpx2.Response]:
    return await asyncio.gather(
        *(callers[number % len(callers)].refund(payment, PART) for number in range(REFUNDS))
    )


async def check(
    answers: list[httpx2.Response], payment: Fields, system: Running, gateway: Gateway
) -> int:
    """How many got through."""
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) <= {201, 202, 409, 422}, codes
    refused = {answer.json()["type"] for answer in answers if not answer.is_success}
    assert refused <= {"/problems/refund_exceeds_payment", "/problems/stream_busy"}
    shop = await system.caller()

    async def confirmed() -> Fields:
        found = await shop.payment(payment)
        assert {refund["status"] for refund in found["refunds"]} == {"confirmed"}, found["refunds"]
        return found

    found = await eventually(confirmed)
    book = await gateway.charge(payment)
    assert found["refundedAmount"] == book["refunded_amount"] <= PAID
    assert {(one["refundId"], one["amount"]) for one in found["refunds"]} == {
        (one["refund_key"], one["amount"]) for one in book["refunds"]
    }
    assert "Liabilities:Refund:Payable" not in await system.books()
    assert len(found["refunds"]) == codes[201] + codes[202]
    return len(found["refunds"])


async def test_racing_refunds_stop_at_what_was_captured(
    system: Running, shop: Caller, gateway: Gateway, payment: Fields
) -> None:
    answers = await race([shop], payment)

    assert await check(answers, payment, system, gateway) == PAID // PART


async def test_racing_refunds_over_two_processes_stop_there_too(
    system: Running, shop: Caller, gateway: Gateway, payment: Fields
) -> None:
    async with api_process(system) as (_, url):
        answers = await race([shop, shop.at(url)], payment)

        assert 1 <= await check(answers, payment, system, gateway) <= PAID // PART

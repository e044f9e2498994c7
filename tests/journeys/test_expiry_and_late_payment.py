"""Nobody pays in time; and somebody pays after that."""

import asyncio
import json
import os
import sys
from typing import Any

import pytest

from support.customer import Caller, Fields, Gateway, eventually
from support.running import Running, environment

UNAPPLIED = "Liabilities:Customer:Unapplied"


async def test_an_account_that_nobody_pays_expires_without_an_entry(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("bca_va", 99_000)

    await gateway.expire(payment)

    expired = await shop.until(payment, "expired")
    assert "nextAction" not in expired
    assert await system.books() == {}


async def test_expiry_is_found_without_any_notice(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("bca_va", 99_000)
    await gateway.hold_notices()
    await gateway.expire(payment)
    assert await gateway.drop_notices() == 1

    system.later(61)

    await shop.until(payment, "expired")


async def test_money_that_comes_after_expiry_belongs_to_the_payer(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("bca_va", 99_000)
    await gateway.expire(payment)
    await shop.until(payment, "expired")

    await gateway.pay(payment, late=True)

    async def booked() -> dict[str, int]:
        books = await system.books()
        assert UNAPPLIED in books
        return books

    assert await eventually(booked) == {
        "Assets:Gateway:Midtrans:Available": 94_560,
        "Assets:Tax:PPN-Masukan": 440,
        "Expenses:Gateway:Fixed": 4_000,
        UNAPPLIED: -99_000,
    }
    assert (await shop.payment(payment))["status"] == "expired"


async def test_two_persons_say_that_late_money_went_back_by_transfer(
    system: Running, shop: Caller, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual account cannot be refunded through the gateway."""
    payment = await shop.request("bca_va", 99_000)
    await gateway.expire(payment)
    await shop.until(payment, "expired")
    await gateway.pay(payment, late=True)

    async def asked() -> None:
        assert (await review(system, "list", "--json"))["rule"] == "late_payment"

    await eventually(asked)
    answer = ("decide", payment["paymentId"], "returned", "--reason", "transfer 4711")
    for person in ("ana", "ana", "budi"):
        monkeypatch.setenv("USER", person)
        monkeypatch.delenv("SUDO_USER", raising=False)
        await review(system, *answer)

    async def returned() -> None:
        books = await system.books()
        assert (books.get(UNAPPLIED), books["Liabilities:Refund:Payable"]) == (None, -99_000)

    await eventually(returned)
    topics = await shop.topics(payment)
    assert topics.count("payment.review_proposed") == topics.count("payment.review_decided") == 1
    assert await review(system, "list", "--json") == {}


async def test_late_money_of_a_wallet_goes_back_by_itself(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("gopay", 99_000)
    await gateway.expire(payment)
    await shop.until(payment, "expired")

    await gateway.pay(payment, late=True)

    async def returned() -> None:
        system.later(61)
        assert "payment.late_payment_returned" in await shop.topics(payment)

    await eventually(returned)
    books = await system.books()
    assert not books.keys() & {UNAPPLIED, "Liabilities:Refund:Payable"}
    assert (await gateway.charge(payment))["refunded_amount"] == 99_000


async def test_a_late_payment_is_found_although_its_notice_was_lost(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("gopay", 99_000)
    await gateway.expire(payment)
    await shop.until(payment, "expired")
    await gateway.hold_notices()
    await gateway.pay(payment, late=True)
    assert await gateway.drop_notices() == 1

    system.later(86_401)

    async def found() -> None:
        assert "payment.late_payment_received" in await shop.topics(payment)

    await eventually(found)


async def review(system: Running, *words: str) -> Fields:
    """`bukubesar review …`: its first line as JSON, if it is that."""
    done = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api.cli", "review", *words),
        env={**os.environ, **environment(system.settings)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    told, _ = await done.communicate()
    return json.loads(told.splitlines()[0]) if told.startswith(b"{") else {}


async def test_late_money_is_booked_once_however_often_it_is_told(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("bca_va", 99_000)
    await gateway.expire(payment)
    await shop.until(payment, "expired")
    await gateway.pay(payment, late=True)

    await gateway.repeat_notice(payment, 5)

    async def all_delivered() -> list[dict[str, Any]]:
        sent = await gateway.notices(payment)
        assert {notice["state"] for notice in sent} == {"delivered"}
        return sent

    await eventually(all_delivered)

    async def attended() -> None:
        rows = await system.inbox(payment["attempts"][0]["orderId"])
        assert all(row["done_at"] for row in rows)

    await eventually(attended)
    assert (await shop.topics(payment)).count("payment.late_payment_received") == 1
    assert (await system.books())[UNAPPLIED] == -99_000

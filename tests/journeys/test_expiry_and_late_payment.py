"""Nobody pays in time; and somebody pays after that."""

from typing import Any

from support.customer import Caller, Gateway, eventually
from support.running import Running

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
        "Assets:Gateway:Midtrans:Pending": 99_000,
        UNAPPLIED: -99_000,
    }
    assert (await shop.topics(payment))[-1] == "payment.late_payment_received"
    assert (await shop.payment(payment))["status"] == "expired"


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

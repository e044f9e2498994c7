"""Wallets, QR codes, stores and the hosted page; and what comes next when the first choice fails."""

from typing import Any

import pytest

from support.customer import Caller, Gateway, eventually
from support.running import Running

PAYER = {"name": "Siti Rahayu", "email": "siti@example.id", "phone": "081234567890"}
# By method: what the payer is told to do.
METHODS = {
    "gopay": "open_app",
    "shopeepay": "open_app",
    "ovo": "approve_in_app",
    "qris": "scan_qr",
    "linkaja": "scan_qr",
    "alfamart": "pay_at_store",
    "indomaret": "pay_at_store",
    "akulaku": "open_page",
    "kredivo": "open_page",
}


@pytest.mark.parametrize("method", METHODS)
async def test_the_payer_is_told_what_to_do_and_the_payment_settles(
    system: Running, shop: Caller, gateway: Gateway, method: str
) -> None:
    payment = await shop.request(method, 50_000, payer=PAYER)
    assert payment["nextAction"]["type"] == METHODS[method]

    await gateway.pay(payment)

    settled = await shop.until(payment, "settled")
    assert settled["paymentMethod"] == method
    assert (await system.books())["Assets:Gateway:Midtrans:Available"] == settled["netAmount"]


@pytest.mark.parametrize(
    ("method", "chosen"), [("dana", "dana"), ("snap", "bca_va"), ("snap", "gopay")]
)
async def test_the_payer_chooses_on_the_hosted_page(
    system: Running, shop: Caller, gateway: Gateway, method: str, chosen: str
) -> None:
    payment = await shop.request(method, 50_000, payer=PAYER)
    assert payment["nextAction"]["type"] == "open_page"

    await gateway.pay(payment, method=chosen)

    assert (await shop.until(payment, "settled"))["capturedAmount"] == 50_000
    await system.books()


async def test_a_wallets_code_read_by_another_app_costs_the_fee_of_qris(
    shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("gopay", 100_000)

    await gateway.pay(payment, issuer="dana")

    settled = await shop.until(payment, "settled")
    assert settled["fee"]["total"] == 700


@pytest.mark.parametrize("phone", ["081234567890", "+6281234567890"])
async def test_a_payer_who_refuses_in_their_app_is_denied_and_told_why(
    shop: Caller, gateway: Gateway, phone: str
) -> None:
    payment = await shop.request("gopay", 50_000, payer={"phone": phone})

    await gateway.deny(payment)

    denied = await shop.until(payment, "denied")
    assert "nextAction" not in denied


async def test_a_wallet_that_is_refused_at_once_falls_back(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.fault("deny", path="/v2/charge")

    payment = await shop.request("gopay", 50_000, fallbackMethods=["qris", "bca_va"])

    assert payment["paymentMethod"] == "qris"
    assert [attempt["status"] for attempt in payment["attempts"]] == ["denied", "pending"]
    assert payment["attempts"][1]["routingRule"] == "fallback"
    await gateway.pay(payment)
    await shop.until(payment, "settled")
    assert sorted(one["status"] for one in await gateway.charges(payment)) == ["deny", "settlement"]
    assert (await system.books())["Assets:Gateway:Midtrans:Available"] == 50_000 - 350


async def test_a_wallet_that_is_refused_later_falls_back(shop: Caller, gateway: Gateway) -> None:
    payment = await shop.request("shopeepay", 50_000, fallbackMethods=["gopay"])

    await gateway.deny(payment)

    async def second() -> dict[str, Any]:
        found = await shop.payment(payment)
        assert (found["paymentMethod"], found["status"]) == ("gopay", "pending")
        return found

    found = await eventually(
        second, within=2.5
    )  # at once; the worker's own rounds would take three seconds
    assert len({attempt["orderId"] for attempt in found["attempts"]}) == 2


async def test_a_phone_without_an_account_fails_and_falls_back(shop: Caller) -> None:
    unregistered = {"phone": "08249134000"}

    payment = await shop.request("ovo", 50_000, payer=unregistered, fallbackMethods=["qris"])

    assert [attempt["method"] for attempt in payment["attempts"]] == ["ovo", "qris"]


async def test_a_family_falls_back_within_itself(shop: Caller, gateway: Gateway) -> None:
    await gateway.fault("deny", path="/v2/charge")

    payment = await shop.request("convenience_store", 50_000)

    assert {attempt["method"] for attempt in payment["attempts"]} == {"alfamart", "indomaret"}


async def test_when_nothing_is_left_the_payment_is_denied(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.fault("deny", path="/v2/charge", times=2)

    payment = await shop.request("gopay", 50_000, fallbackMethods=["qris"])

    assert payment["status"] == "denied"
    assert await system.books() == {}

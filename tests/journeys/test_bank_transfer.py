"""A bank transfer: asked for, paid at the bank, settled, booked."""

import pytest

from support.customer import Caller, Gateway, order_id
from support.running import Running

# By bank: what the payer is told to use.
BANKS = {
    "bca_va": ("pay_virtual_account", "accountNumber"),
    "bni_va": ("pay_virtual_account", "accountNumber"),
    "bri_va": ("pay_virtual_account", "accountNumber"),
    "cimb_va": ("pay_virtual_account", "accountNumber"),
    "permata_va": ("pay_virtual_account", "accountNumber"),
    "mandiri_bill": ("pay_bill", "billKey"),
}


async def test_a_transfer_is_requested_paid_settled_and_booked(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request(
        "bca_va", 99_000, customerId="cus_1", metadata={"orderId": "invoice-7"}
    )
    assert payment["status"] == "pending"
    assert payment["paymentMethod"] == "bca_va"
    assert payment["metadata"] == {"orderId": "invoice-7"}
    assert payment["nextAction"]["deadlineWords"].endswith("WIB")
    assert payment["nextAction"]["accountNumber"] in payment["nextAction"]["message"]["en"]
    assert await system.books() == {}

    await gateway.pay(payment)

    settled = await shop.until(payment, "settled")
    assert settled["capturedAmount"] == 99_000
    assert settled["fee"] == {"percentage": 0, "fixed": 4_000, "tax": 440, "total": 4_440}
    assert settled["netAmount"] == 94_560
    assert "nextAction" not in settled
    assert await system.books() == {
        "Assets:Gateway:Midtrans:Available": 94_560,
        "Assets:Tax:PPN-Masukan": 440,
        "Expenses:Gateway:Fixed": 4_000,
        "Income:Sales:General": -89_189,
        "Liabilities:Tax:PPN-Keluaran": -9_811,
    }
    assert await shop.topics(payment) == [
        "payment.requested",
        "payment.attempt_started",
        "payment.charge_dispatched",
        "payment.charge_pending",
        "payment.captured",
        "payment.settled",
    ]


async def test_a_subscription_paid_in_advance_is_deferred(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("bni_va", 99_000, subscriptionId="sub_1")

    await gateway.pay(payment)

    await shop.until(payment, "settled")
    assert (await system.books())["Liabilities:DeferredRevenue:General"] == -89_189


@pytest.mark.parametrize("bank", BANKS)
async def test_every_bank_tells_the_payer_where_to_pay(
    shop: Caller, gateway: Gateway, bank: str
) -> None:
    kind, told = BANKS[bank]

    payment = await shop.request(bank, 50_000, payer={"name": "Siti Rahayu"})

    action = payment["nextAction"]
    assert action["type"] == kind
    assert action[told].isdigit()
    await gateway.pay(payment)
    await shop.until(payment, "settled")


async def test_a_cancelled_transfer_cannot_be_paid_any_more(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("bca_va", 50_000)

    cancelled = await shop.cancel(payment, "changed their mind")

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (await gateway.charge(payment))["status"] == "cancel"
    assert await system.books() == {}


async def test_a_family_is_routed_to_the_preferred_bank(shop: Caller) -> None:
    payment = await shop.request("bank_transfer", 50_000, fallbackMethods=["bri_va"])

    assert payment["paymentMethod"] == "bri_va"
    assert payment["attempts"][0]["routingRule"] == "preference"


async def test_a_settlement_that_the_bank_takes_back_is_reversed(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("permata_va", 99_000)
    await gateway.pay(payment)
    await shop.until(payment, "settled")

    await gateway.reverse(payment)

    reversed_ = await shop.until(payment, "reversed")
    assert reversed_["capturedAmount"] == 0
    assert await system.books() == {}
    assert (await shop.refund(payment)).status_code == 409
    assert order_id(reversed_) == order_id(payment)

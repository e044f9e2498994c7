"""Money back: whole, in parts, many times, never too much, and only where the gateway can."""

from typing import Any

import pytest

from support.customer import Caller, Fields, Gateway, eventually, new_key
from support.running import Running

AVAILABLE = "Assets:Gateway:Midtrans:Available"
PAYABLE = "Liabilities:Refund:Payable"


async def paid(
    shop: Caller, gateway: Gateway, method: str = "gopay", amount: int = 100_000, **more: Any
) -> Fields:
    payment = await shop.request(method, amount, **more)
    await gateway.pay(payment)
    return await shop.until(payment, "settled")


async def confirmed(shop: Caller, payment: Fields) -> Fields:
    """The payment, once the bank has paid every refund of it."""

    async def all_confirmed() -> Fields:
        found = await shop.payment(payment)
        assert {refund["status"] for refund in found["refunds"]} == {"confirmed"}, found["refunds"]
        return found

    return await eventually(all_confirmed)


async def test_a_full_refund_is_accepted_and_then_confirmed_by_the_bank(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await paid(shop, gateway)

    answer = await shop.refund(payment)

    assert answer.status_code == 201, answer.text
    assert (answer.json()["status"], answer.json()["refundedAmount"]) == ("refunded", 100_000)
    assert answer.json()["refunds"][0]["status"] in ("accepted", "confirmed")
    found = await confirmed(shop, payment)
    assert found["refundableAmount"] == 0
    books = await system.books()
    assert PAYABLE not in books
    assert "Expenses:Gateway:MDR" not in books  # the percentage comes back with the whole refund
    assert books["Income:Refunds"] == -books["Income:Sales:General"]


async def test_many_parts_come_to_the_whole_and_no_further(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await paid(shop, gateway, amount=99_000)

    for _ in range(3):
        assert (await shop.refund(payment, 33_000)).status_code == 201
    beyond = await shop.refund(payment, 1)

    assert (beyond.status_code, beyond.json()["type"]) == (422, "/problems/refund_exceeds_payment")
    found = await confirmed(shop, payment)
    assert [refund["amount"] for refund in found["refunds"]] == [33_000] * 3
    assert (await gateway.charge(payment))["refunded_amount"] == 99_000
    books = await system.books()
    assert books["Income:Refunds"] == 89_189
    assert "Liabilities:Tax:PPN-Keluaran" not in books


async def test_a_part_leaves_the_rest_refundable(shop: Caller, gateway: Gateway) -> None:
    payment = await paid(shop, gateway)

    answer = (await shop.refund(payment, 30_000)).json()

    assert (answer["status"], answer["refundableAmount"]) == ("partially_refunded", 70_000)


async def test_an_overdraft_is_booked_when_the_balance_does_not_cover_it(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await paid(shop, gateway)  # the balance is short of the amount by the fee

    await shop.refund(payment)

    await confirmed(shop, payment)
    books = await system.books()
    assert books["Liabilities:Gateway:Midtrans:Overdrawn"] == -2_220
    assert books[AVAILABLE] == 2_220


@pytest.mark.parametrize("amount", [100_001, 10**15])
async def test_more_than_was_paid_is_refused(shop: Caller, gateway: Gateway, amount: int) -> None:
    payment = await paid(shop, gateway)

    refused = await shop.refund(payment, amount)

    assert (refused.status_code, refused.json()["type"]) == (
        422,
        "/problems/refund_exceeds_payment",
    )
    assert (await gateway.charge(payment))["refunds"] == []


async def test_a_bank_transfer_cannot_be_refunded_through_the_gateway(
    shop: Caller, gateway: Gateway
) -> None:
    payment = await paid(shop, gateway, "bca_va")

    refused = await shop.refund(payment)

    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/refund_not_supported")


async def test_a_wallet_that_refunds_only_in_full_refuses_a_part(
    shop: Caller, gateway: Gateway
) -> None:
    payment = await paid(shop, gateway, "shopeepay")

    refused = await shop.refund(payment, 50_000)

    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/refund_must_be_full")
    assert (await shop.refund(payment)).status_code == 201


async def test_what_is_not_paid_yet_cannot_be_refunded(shop: Caller) -> None:
    payment = await shop.request("gopay")

    refused = await shop.refund(payment)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/payment_state_forbids")


async def test_twice_with_one_key_is_one_refund_and_one_answer(
    shop: Caller, gateway: Gateway
) -> None:
    payment, key = await paid(shop, gateway), new_key()

    first = await shop.refund(payment, 30_000, key=key)
    again = await shop.refund(payment, 30_000, key=key)
    other = await shop.refund(payment, 30_001, key=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency_key_reused")
    assert (await gateway.charge(payment))["refunded_amount"] == 30_000


async def test_a_refund_that_the_bank_denies_leaves_the_money_refundable(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await paid(shop, gateway)
    before = await system.books()
    await gateway.fault("deny", payment["paymentId"], path="/refund")

    answer = (await shop.refund(payment, 30_000)).json()

    assert answer["refunds"][0]["status"] == "failed"
    assert answer["refunds"][0]["failure"]["code"] == "refund_denied_by_bank"
    assert answer["refundableAmount"] == 100_000
    assert await system.books() == before


@pytest.mark.parametrize("fault", ["do_then_500", "do_then_reset", "do_then_hang"])
async def test_a_refund_of_unknown_outcome_is_found_and_not_repeated(
    system: Running, shop: Caller, gateway: Gateway, fault: str
) -> None:
    payment = await paid(shop, gateway)
    await gateway.fault(fault, payment["paymentId"], path="/refund", seconds=1)

    await shop.refund(payment, 30_000)
    system.later(6)

    await confirmed(shop, payment)
    assert [one["amount"] for one in (await gateway.charge(payment))["refunds"]] == [30_000]


async def test_a_refund_that_never_arrived_is_sent_again_under_its_own_id(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await paid(shop, gateway)
    await gateway.fault("reset_before", payment["paymentId"], path="/refund")

    unknown = (await shop.refund(payment, 30_000)).json()
    assert unknown["refunds"][0]["status"] == "unknown"
    system.later(6)

    found = await confirmed(shop, payment)
    (booked,) = (await gateway.charge(payment))["refunds"]
    assert (booked["refund_key"], booked["amount"]) == (found["refunds"][0]["refundId"], 30_000)
    assert len(found["refunds"]) == 1

"""Refunds: sums, keys, methods, confirmation (midtrans.md 6, 4.1)."""

from collections import Counter

import pytest

REFUNDABLE = ("gopay", "qris", "qris_shopee", "akulaku", "kredivo")
FULL_ONLY = ("ovo", "shopeepay")
NEVER = ("bca_va", "bni_va", "bri_va", "cimb_va", "permata_va", "echannel", "alfamart", "indomaret")


def refund(merchant, order_id, **body):
    return merchant.post(f"/v2/{order_id}/refund", body)


@pytest.mark.parametrize("method", REFUNDABLE)
def test_parts_are_refunded_until_nothing_is_left(merchant, method):
    order_id = merchant.paid(method)["order_id"]

    first = refund(merchant, order_id, refund_key="a", amount=20_000, reason="late")
    second = refund(merchant, order_id, refund_key="b")

    assert (first["transaction_status"], first["refund_amount"]) == ("partial_refund", "20000.00")
    assert (second["transaction_status"], second["refund_amount"]) == ("refund", "30000.00")
    assert first.keys() >= {"refund_chargeback_id", "refund_chargeback_uuid", "refund_key"}
    status = merchant.status(order_id)
    assert status["refund_amount"] == "50000.00"
    assert [one["refund_amount"] for one in status["refunds"]] == ["20000.00", "30000.00"]
    assert status["refunds"][0]["reason"] == "late"


@pytest.mark.parametrize("method", FULL_ONLY)
def test_some_methods_refund_in_full_only(merchant, method):
    order_id = merchant.paid(method)["order_id"]

    assert refund(merchant, order_id, amount=1)["status_code"] == "414"
    assert refund(merchant, order_id)["transaction_status"] == "refund"


@pytest.mark.parametrize("method", NEVER)
def test_accounts_and_stores_refund_nothing(merchant, method):
    order_id = merchant.paid(method)["order_id"]

    assert refund(merchant, order_id)["status_code"] == "412"


def test_a_captured_card_is_refundable_only_after_settlement(merchant):
    order_id = merchant.charge_card("4811111111111114")["order_id"]
    early = refund(merchant, order_id, amount=5_000)
    merchant.control("settle", order_id=order_id)

    assert early["status_code"] == "412"
    assert refund(merchant, order_id, amount=5_000)["transaction_status"] == "partial_refund"


@pytest.mark.parametrize("amount", [50_001, 0, -1])
def test_an_impossible_amount_is_refused(merchant, amount):
    order_id = merchant.paid()["order_id"]

    assert refund(merchant, order_id, amount=amount)["status_code"] == "414"
    assert refund(merchant, order_id, amount=50_000)["status_code"] == "200"


def test_a_key_serves_one_refund(merchant):
    order_id = merchant.paid()["order_id"]
    refund(merchant, order_id, refund_key="k", amount=10_000)

    again = refund(merchant, order_id, refund_key="k", amount=10_000)

    assert (again["status_code"], again["status_message"]) == ("406", "Duplicate refund ID")
    assert merchant.status(order_id)["refund_amount"] == "10000.00"


def test_a_refund_is_told_twice_and_confirmed_the_second_time(merchant, inbox):
    order_id = merchant.paid()["order_id"]
    refund(merchant, order_id, refund_key="k", amount=10_000)

    inbox.wait(order_id, "pending", "settlement", "partial_refund", "partial_refund")
    told = [one for one in inbox.bodies(order_id) if "refunds" in one]
    assert Counter("bank_confirmed_at" in one["refunds"][0] for one in told) == {
        False: 1,
        True: 1,
    }


def test_a_refund_can_be_confirmed_by_hand_only_once(merchant, inbox):
    order_id = merchant.paid()["order_id"]
    refund(merchant, order_id, refund_key="by-hand")
    confirmed = merchant.control("confirm-refund", refund_key="by-hand")
    merchant.control("clock", advance_seconds=10)

    inbox.wait(order_id, "pending", "settlement", "refund", "refund")
    assert "bank_confirmed_at" in confirmed["transaction"]["refunds"][0]


def test_a_direct_refund_is_the_banks_word(merchant):
    order_id = merchant.paid()["order_id"]

    made = merchant.post(f"/v2/{order_id}/refund/online/direct", {"refund_key": "d"})

    assert made["status_message"] == "Success, refund request is approved by the bank"
    assert merchant.status(order_id)["refunds"][0]["refund_method"] == "online"


def test_a_denied_refund_changes_nothing_and_is_not_told(merchant, inbox):
    order_id = merchant.paid()["order_id"]
    merchant.control("faults", fault="deny", match={"path_contains": "/refund"})

    denied = refund(merchant, order_id, refund_key="k")

    assert (denied["status_code"], denied["refund_amount"]) == ("202", "0.00")
    assert denied["status_message"] == "Refund denied by the bank"
    assert denied["transaction_status"] == "settlement"
    assert refund(merchant, order_id, refund_key="k")["status_code"] == "200"
    inbox.wait(order_id, "pending", "settlement", "refund", "refund")

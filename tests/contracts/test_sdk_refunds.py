"""Refunds through the gateway's own package. midtrans.md 6, refund, and 18.3."""

import re
import time

import pytest
from midtransclient import CoreApi

from support.sdk import (
    Fields,
    Sandbox,
    bca_order,
    captured,
    codes,
    new_id,
    order,
    refusal,
    settled,
    told,
)

PAID = 12_000
WIB = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
BOTH = ["refund", "refundDirect"]


def asked(amount: int | None = 5_000, key: str = "") -> Fields:
    body = {"refund_key": key or new_id("refund"), "reason": "for some reason"}
    return body if amount is None else body | {"amount": amount}


@pytest.mark.parametrize("call", BOTH)
def test_a_captured_card_is_not_refunded(core: CoreApi, call: str):
    """18.3, refund and refundDirect on a captured, unsettled order; 17, 11: it is cancelled instead."""
    error = refusal(getattr(core.transactions, call), captured(core), asked())

    assert "412" in str(error)
    assert codes(error) == (200, "412")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("refund", "Success, refund request is approved"),
        ("refundDirect", "Success, refund request is approved by the bank"),
    ],
)
def test_a_part_is_given_back(core: CoreApi, sandbox: Sandbox, call: str, message: str):
    """6, refund, success."""
    body = asked(5_000)

    answer = getattr(core.transactions, call)(settled(core, sandbox), body)

    assert told(answer, "status_code", "status_message", "transaction_status") == (
        "200",
        message,
        "partial_refund",
    )
    assert told(answer, "refund_amount", "refund_key") == ("5000.00", body["refund_key"])
    assert isinstance(answer["refund_chargeback_id"], int)
    assert answer["refund_chargeback_uuid"]


def test_a_settled_card_is_refunded(core: CoreApi, sandbox: Sandbox):
    """11.3: a card from settlement on."""
    order_id = captured(core, amount=PAID)
    sandbox.act("settle", order_id=order_id)

    answer = core.transactions.refund(order_id, asked(PAID))

    assert told(answer, "transaction_status", "refund_amount") == ("refund", "12000.00")


@pytest.mark.parametrize("call", BOTH)
def test_without_an_amount_all_that_is_left_is_given_back(
    core: CoreApi, sandbox: Sandbox, call: str
):
    """6, refund, `amount`."""
    order_id = settled(core, sandbox)
    core.transactions.refund(order_id, asked(5_000))

    answer = getattr(core.transactions, call)(order_id, asked(None))

    assert told(answer, "transaction_status", "refund_amount") == ("refund", "7000.00")


def test_without_anything_all_is_given_back(core: CoreApi, sandbox: Sandbox):
    """6, refund: the key is optional too; 18.1: without parameters the package sends `{}`."""
    answer = core.transactions.refund(settled(core, sandbox))

    assert told(answer, "transaction_status", "refund_amount") == ("refund", "12000.00")


def test_the_part_that_reaches_the_total_makes_it_a_refund(core: CoreApi, sandbox: Sandbox):
    """11.1: partial_refund, then refund; 6: the cumulative amount is at the top, each part in its list."""
    order_id = settled(core, sandbox)
    keys = [new_id("refund"), new_id("refund")]

    core.transactions.refund(order_id, asked(5_000, keys[0]))
    partly = core.transactions.status(order_id)
    core.transactions.refund(order_id, asked(7_000, keys[1]))
    wholly = core.transactions.status(order_id)

    assert told(partly, "status_code", "transaction_status", "refund_amount") == (
        "200",
        "partial_refund",
        "5000.00",
    )
    assert told(wholly, "status_code", "transaction_status", "refund_amount") == (
        "200",
        "refund",
        "12000.00",
    )
    assert {one["refund_key"]: one["refund_amount"] for one in wholly["refunds"]} == {
        keys[0]: "5000.00",
        keys[1]: "7000.00",
    }


def test_a_status_tells_of_a_refund_all_that_is_known(core: CoreApi, sandbox: Sandbox):
    """6, `refunds[]`; the bank confirms a little later."""
    order_id = settled(core, sandbox)
    made = core.transactions.refund(order_id, asked(5_000))

    (refund,) = core.transactions.status(order_id)["refunds"]

    same = ("refund_chargeback_id", "refund_chargeback_uuid", "refund_key", "refund_amount")
    assert told(refund, *same) == told(made, *same)
    assert refund["reason"] == "for some reason"
    assert refund["refund_method"] in ("online", "offline")
    assert re.fullmatch(WIB, refund["created_at"])
    assert re.fullmatch(WIB, confirmed_at(core, order_id))


def confirmed_at(core: CoreApi, order_id: str) -> str:
    give_up_at = time.monotonic() + 5
    while time.monotonic() < give_up_at:
        (refund,) = core.transactions.status(order_id)["refunds"]
        if at := refund.get("bank_confirmed_at"):
            return str(at)
        time.sleep(0.02)
    return ""


@pytest.mark.parametrize("call", BOTH)
def test_more_than_is_left_is_not_given_back(core: CoreApi, sandbox: Sandbox, call: str):
    """6, refund, failure 414; 1.7: with HTTP 200."""
    order_id = settled(core, sandbox)

    error = refusal(getattr(core.transactions, call), order_id, asked(PAID + 1))

    assert codes(error) == (200, "414")
    assert core.transactions.status(order_id)["transaction_status"] == "settlement"


def test_more_than_earlier_refunds_left_is_not_given_back(core: CoreApi, sandbox: Sandbox):
    """6, refund, failure 414: more than what remains."""
    order_id = settled(core, sandbox)
    core.transactions.refund(order_id, asked(5_000))

    assert codes(refusal(core.transactions.refund, order_id, asked(7_001))) == (200, "414")


@pytest.mark.parametrize("again", BOTH)
def test_one_key_gives_back_once(core: CoreApi, sandbox: Sandbox, again: str):
    """6, refund, failure 406; 1.7: with HTTP 200."""
    order_id = settled(core, sandbox)
    body = asked(1_000)
    core.transactions.refund(order_id, body)

    error = refusal(getattr(core.transactions, again), order_id, body)

    assert codes(error) == (200, "406")
    assert core.transactions.status(order_id)["refund_amount"] == "1000.00"


def test_nothing_is_left_after_a_whole_refund(core: CoreApi, sandbox: Sandbox):
    """11.1: there is nothing after refund."""
    order_id = settled(core, sandbox)
    core.transactions.refund(order_id, asked(PAID))

    assert codes(refusal(core.transactions.refund, order_id, asked(1)))[0] == 200
    assert core.transactions.status(order_id)["refund_amount"] == "12000.00"


def test_what_is_pending_has_nothing_to_give_back(core: CoreApi):
    """6, refund: not settled is 412."""
    order_id = core.charge(order("gopay"))["order_id"]

    assert codes(refusal(core.transactions.refund, order_id, asked())) == (200, "412")


@pytest.mark.parametrize(
    "body",
    [
        bca_order(),
        order("echannel", echannel={"bill_info1": "Payment:", "bill_info2": "Online"}),
        order("cstore", cstore={"store": "alfamart"}),
        order("cstore", cstore={"store": "indomaret"}),
    ],
    ids=["bca", "echannel", "alfamart", "indomaret"],
)
def test_a_bank_transfer_or_a_till_gives_nothing_back(
    core: CoreApi, sandbox: Sandbox, body: Fields
):
    """6, refundability: no API refund, which is 412."""
    assert codes(refusal(core.transactions.refund, settled(core, sandbox, body), asked())) == (
        200,
        "412",
    )


def test_ovo_gives_all_back_or_nothing(core: CoreApi, sandbox: Sandbox):
    """4.8 and 6, `amount`: full only; its answer adds two fields."""
    body = order("ovo", PAID, ovo={"payer_phone_number": "081111111111"})
    order_id = settled(core, sandbox, body)

    refusal(core.transactions.refund, order_id, asked(5_000))
    answer = core.transactions.refund(order_id, asked(PAID))

    assert told(answer, "transaction_status", "payer_phone_number") == ("refund", "081111111111")
    assert answer["merchant_invoice"]

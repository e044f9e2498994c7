"""Charges that the gateway does not take, and which of both status codes says so. midtrans.md 1.7, 1.8, 12, 14."""

import re
from collections.abc import Callable

import pytest
from midtransclient import CoreApi

from support.sdk import (
    Fields,
    Sandbox,
    bca_order,
    codes,
    core_api,
    new_id,
    order,
    refusal,
    settled,
    told,
)

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def item(price: int, quantity: int = 1) -> Fields:
    return {"id": "i-1", "price": price, "quantity": quantity, "name": "A thing"}


INVALID: dict[str, tuple[Fields, str]] = {
    "no amount": (
        {"payment_type": "gopay", "transaction_details": {"order_id": "o-1"}},
        "transaction_details.gross_amount is required",
    ),
    "no order id": (
        {"payment_type": "gopay", "transaction_details": {"gross_amount": 44_145}},
        "transaction_details.order_id is required",
    ),
    "another sum": (
        bca_order(item_details=[item(20_000), item(100, 4)]),
        "transaction_details.gross_amount is not equal to the sum of item_details",
    ),
    "too short to pay": (
        bca_order(custom_expiry={"expiry_duration": 10, "unit": "second"}),
        "custom_expiry is below minimum threshold",
    ),
}


@pytest.mark.parametrize("what", INVALID)
def test_what_is_wrong_with_a_body_is_told(core: CoreApi, what: str):
    """12.2; 1.8 has the shape, and 1.7 the HTTP status."""
    body, message = INVALID[what]

    error = refusal(core.charge, body)

    assert codes(error) == (400, "400")
    assert message in error.api_response_dict["validation_messages"]
    assert re.fullmatch(UUID, error.api_response_dict["id"])


@pytest.mark.parametrize("amount", [0, -1, 39.10, "much"], ids=str)
def test_an_amount_is_a_whole_number_above_zero(core: CoreApi, amount: object):
    """18.3, charge amount 0; 14: decimal amounts are rejected."""
    error = refusal(core.charge, bca_order(amount))

    assert "400" in str(error)
    assert codes(error) == (400, "400")


def test_an_order_id_has_at_most_fifty_characters(core: CoreApi):
    """3, transaction_details."""
    assert core.charge(bca_order(order_id=new_id("x" * 25)[:50]))["status_code"] == "201"
    assert codes(refusal(core.charge, bca_order(order_id="x" * 51))) == (400, "400")


@pytest.mark.parametrize("body", [None, {}], ids=["nothing", "empty"])
def test_a_charge_of_nothing_upsets_the_gateway(core: CoreApi, body: object):
    """18.3, charge with body `null`; 12.1: 500 for a null or an empty body."""
    error = refusal(core.charge, body)

    assert "500" in str(error)
    assert "unexpected" in str(error)
    assert error.api_response_dict["status_code"] == "500"


@pytest.mark.parametrize("key", ["", "abc", "SB-Mid-server-other"])
def test_a_key_that_nobody_has_is_refused(sandbox: Sandbox, key: str):
    """18.3, charge with bad key; 1.7: HTTP says so too."""
    error = refusal(core_api(server_key=key).charge, bca_order())

    assert "401" in str(error)
    assert codes(error) == (401, "401")


ASKS: dict[str, Callable[[CoreApi], object]] = {
    "status": lambda core: core.transactions.status("o-1"),
    "statusb2b": lambda core: core.transactions.statusb2b("o-1"),
    "approve": lambda core: core.transactions.approve("o-1"),
    "deny": lambda core: core.transactions.deny("o-1"),
    "cancel": lambda core: core.transactions.cancel("o-1"),
    "expire": lambda core: core.transactions.expire("o-1"),
    "refund": lambda core: core.transactions.refund("o-1"),
    "refundDirect": lambda core: core.transactions.refundDirect("o-1"),
    "notification": lambda core: core.transactions.notification({"transaction_id": "t-1"}),
    "capture": lambda core: core.capture({"transaction_id": "t-1"}),
    "point inquiry": lambda core: core.card_point_inquiry("48111111-1114-t"),
    "link account": lambda core: core.link_payment_account({"payment_type": "gopay"}),
    "get account": lambda core: core.get_payment_account("a-1"),
    "unlink account": lambda core: core.unlink_payment_account("a-1"),
}


@pytest.mark.parametrize("call", ASKS)
def test_no_call_is_answered_for_a_stranger(sandbox: Sandbox, call: str):
    """12.1: 401, before anything is looked for."""
    error = refusal(ASKS[call], core_api(server_key="SB-Mid-server-other"))

    assert codes(error) == (401, "401")


SUBSCRIPTIONS: dict[str, Callable[[CoreApi], object]] = {
    "create": lambda core: core.create_subscription({}),
    "get": lambda core: core.get_subscription("s-1"),
    "update": lambda core: core.update_subscription("s-1", {}),
    "disable": lambda core: core.disable_subscription("s-1"),
    "enable": lambda core: core.enable_subscription("s-1"),
}


@pytest.mark.parametrize("call", SUBSCRIPTIONS)
def test_no_subscription_is_answered_for_a_stranger(sandbox: Sandbox, call: str):
    """1.2: a wrong key gives 401; these bodies have no status code (1.7), so HTTP has to tell."""
    error = refusal(SUBSCRIPTIONS[call], core_api(server_key="SB-Mid-server-other"))

    assert error.http_status_code == 401


def test_keys_can_be_changed_on_the_way(sandbox: Sandbox):
    """18.3, key change: with the other environment's key nothing is cancelled, with the right one it is."""
    core = core_api()
    order_id = core.charge(bca_order())["order_id"]
    right = core.api_config.server_key

    core.api_config.set(is_production=True, server_key="abc")
    error = refusal(core.transactions.cancel, order_id)
    assert codes(error) == (401, "401")

    core.api_config.set(is_production=False, server_key=right)
    assert told(core.transactions.cancel(order_id), "status_code", "transaction_status") == (
        "200",
        "cancel",
    )


def test_an_order_is_charged_once(core: CoreApi):
    """12.1, 406; 1.7: HTTP says 200; 1.8 has the shape."""
    body = bca_order()
    core.charge(body)

    error = refusal(core.charge, body)

    assert codes(error) == (200, "406")
    assert "conflict" in error.api_response_dict["status_message"]
    assert re.fullmatch(UUID, error.api_response_dict["id"])


def test_an_order_id_is_one_for_all_methods(core: CoreApi):
    """14: unique per merchant account, not per payment type."""
    order_id = str(core.charge(bca_order())["order_id"])

    assert codes(refusal(core.charge, order("gopay", order_id=order_id))) == (200, "406")


def test_a_paid_order_is_not_charged_again(core: CoreApi, sandbox: Sandbox):
    """14, reuse."""
    order_id = settled(core, sandbox)

    assert codes(refusal(core.charge, bca_order(order_id=order_id))) == (200, "406")


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_an_order_that_came_to_nothing_is_charged_again(core: CoreApi, end: str):
    """6, expire, and 14, reuse; each attempt keeps a transaction id of its own, and both are found."""
    first = core.charge(bca_order())
    getattr(core.transactions, end)(first["order_id"])

    second = core.charge(bca_order(order_id=first["order_id"]))

    assert second["transaction_id"] != first["transaction_id"]
    assert core.transactions.status(first["transaction_id"])["transaction_status"] == end
    assert core.transactions.status(second["transaction_id"])["transaction_status"] == "pending"


def test_a_phone_without_a_wallet_is_not_found(core: CoreApi):
    """4.8 and 13: body 404, HTTP 200."""
    body = order("ovo", ovo={"payer_phone_number": "+628249134000"})

    error = refusal(core.charge, body)

    assert codes(error) == (200, "404")
    assert error.api_response_dict["status_message"] == (
        "User with requested phone number doesn't exist"
    )


@pytest.mark.parametrize(
    "body",
    [order("ovo"), order("echannel"), order("akulaku"), order("kredivo"), order("cstore")],
    ids=lambda body: body["payment_type"],
)
def test_what_a_method_requires_has_to_be_there(core: CoreApi, body: Fields):
    """4.4 and 4.8 to 4.10: the objects that these methods require."""
    assert codes(refusal(core.charge, body)) == (400, "400")

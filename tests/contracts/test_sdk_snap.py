"""Snap through the gateway's own package: sessions, their tokens, and what is refused. midtrans.md 7 and 18.3."""

import re
from datetime import datetime
from typing import Any

import pytest
import requests
from midtransclient import Snap
from midtransclient.http_client import HttpClient

from support.customer import SERVER_KEY
from support.sdk import (
    Fields,
    Sandbox,
    codes,
    core_api,
    new_id,
    refusal,
    settled,
    snap_api,
    told,
)

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ADDRESS = "https://app.sandbox.midtrans.com/snap/v1/transactions"
UNAUTHORIZED = "Access denied due to unauthorized transaction, please check client or server key"


def session(amount: Any = 10_000, order_id: str = "", **more: Any) -> Fields:
    details = {"order_id": order_id or new_id("snap"), "gross_amount": amount}
    return {"transaction_details": details, **more}


def everything() -> Fields:
    """Every optional object of 7.1, with channels that are long retired."""
    details = {
        "order_id": f"py sdk {datetime.now():%H:%M:%S} {new_id()[:16]}",
        "gross_amount": 10_000,
    }
    person = {"first_name": "Budi", "last_name": "Utomo", "phone": "+6281234567890"}
    address = person | {"address": "Jalan Sudirman 1", "city": "Jakarta", "postal_code": "12190"}
    number = {"va_number": "1234567890"}
    return {
        "transaction_details": details,
        "item_details": [
            {"id": "i-1", "price": 6_000, "quantity": 2, "name": "A thing", "category": "things"},
            {"id": "i-2", "price": -2_000, "quantity": 1, "name": "A discount"},
        ],
        "customer_details": person
        | {"email": "budi@example.com", "billing_address": address, "shipping_address": address},
        "enabled_payments": [
            *("credit_card", "gopay", "shopeepay", "other_qris", "permata_va", "bca_va", "bni_va"),
            *("bri_va", "other_va", "echannel", "alfamart", "indomaret", "akulaku", "kredivo"),
            *("mandiri_clickpay", "mandiri_ecash", "cimb_clicks", "bca_klikbca", "bca_klikpay"),
            *("bri_epay", "telkomsel_cash", "indosat_dompetku", "kioson", "gci", "danamon_online"),
        ],
        "credit_card": {
            "secure": True,
            "bank": "bca",
            "type": "authorize_capture",
            "whitelist_bins": ["48111111", "41111111"],
            "installment": {"required": False, "terms": {"bni": [3, 6], "offline": [6, 12]}},
        },
        "bca_va": number | {"free_text": {"inquiry": [{"id": "satu", "en": "one"}], "payment": []}},
        "bni_va": {"va_number": "12345678"},
        "permata_va": number | {"recipient_name": "BUDI"},
        "gopay": {"enable_callback": True, "callback_url": "https://shop.example"},
        "callbacks": {"finish": "https://shop.example"},
        "expiry": {"start_time": "2030-12-20 18:11:08 +0700", "unit": "minutes", "duration": 180},
        "custom_field1": "one",
        "custom_field2": "two",
        "custom_field3": "three",
    }


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("body", [session(), everything()], ids=["least", "most"])
def test_a_session_is_a_token_and_an_address(snap: Snap, body: Fields):
    """18.3, snap create min and max; 7.1 has their form."""
    answer = snap.create_transaction(body)

    assert re.fullmatch(UUID, answer["token"])
    assert answer["redirect_url"].startswith("http")
    assert answer["token"] in answer["redirect_url"]


def test_a_session_can_be_asked_for_one_of_the_two(snap: Snap):
    """18.3, token and redirect_url: by the calls that give one of them."""
    assert re.fullmatch(UUID, snap.create_transaction_token(session()))
    assert snap.create_transaction_redirect_url(session()).startswith("http")


def test_an_order_id_may_have_spaces_and_colons(snap: Snap, sandbox: Sandbox):
    """14 and 18.3: the server is laxer than its documentation; spaces survive the package's addresses."""
    order_id = f"order 1: {new_id()}"

    token = snap.create_transaction(session(order_id=order_id))["token"]
    sandbox.act("pay", snap_token=token)

    assert snap.transactions.status(order_id)["order_id"] == order_id


def test_a_new_session_for_an_order_puts_the_earlier_one_out_of_use(snap: Snap, sandbox: Sandbox):
    """7.1, order-id rule; 18.3, the same order_id again, with X-Override-Notification."""
    body = session()
    earlier = snap.create_transaction(body)["token"]
    again = snap_api({"X-Override-Notification": "https://shop.example/notices"})

    later = again.create_transaction(body)["token"]

    assert later != earlier
    assert sandbox.refuses("pay", snap_token=earlier)
    assert (
        sandbox.act("pay", snap_token=later)["transaction"]["order_id"]
        == (body["transaction_details"]["order_id"])
    )


def test_nothing_is_found_until_the_customer_chooses(snap: Snap, sandbox: Sandbox):
    """6 and 17, 8: 404 before; 18.1: a `Snap` has the core host's calls too."""
    body = session()
    order_id = body["transaction_details"]["order_id"]
    token = snap.create_transaction(body)["token"]
    assert codes(refusal(snap.transactions.status, order_id)) == (200, "404")

    sandbox.act("pay", snap_token=token)

    found = snap.transactions.status(order_id)
    assert told(found, "gross_amount", "currency") == ("10000.00", "IDR")
    assert found["transaction_status"] in ("capture", "settlement")


def test_what_the_merchant_wrote_on_a_session_comes_back_with_its_status(
    snap: Snap, sandbox: Sandbox
):
    """3, custom fields, and 7.1."""
    body = session(custom_field1="one", metadata={"shelf": 4})

    sandbox.act("pay", snap_token=snap.create_transaction(body)["token"])

    found = snap.transactions.status(body["transaction_details"]["order_id"])
    assert told(found, "custom_field1", "metadata") == ("one", {"shelf": 4})


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_that_was_paid_gets_no_session(snap: Snap, sandbox: Sandbox):
    """7.1, order already used: once a transaction exists under it, 400."""
    body = session()
    sandbox.act("pay", snap_token=snap.create_transaction(body)["token"])

    error = refusal(snap.create_transaction, body)

    assert error.http_status_code == 400
    (message,) = error.api_response_dict["error_messages"]
    assert message.startswith("transaction_details.order_id has")


def test_an_order_that_was_charged_gets_no_session(snap: Snap, sandbox: Sandbox):
    """14: an order id is one for the whole account, Core's orders too."""
    order_id = settled(core_api(), sandbox)

    assert refusal(snap.create_transaction, session(order_id=order_id)).http_status_code == 400


def test_a_key_that_nobody_has_gets_no_session(sandbox: Sandbox):
    """18.3, snap bad key; 7.1 has the message, and no status code is in the body (1.7)."""
    error = refusal(snap_api(server_key="abc").create_transaction, session())

    assert "401" in str(error) and "unauthorized" in str(error)
    assert error.http_status_code == 401
    assert error.api_response_dict["error_messages"][0] == UNAUTHORIZED
    assert "status_code" not in error.api_response_dict


@pytest.mark.parametrize("body", [None, {}], ids=["nothing", "empty"])
def test_a_session_needs_an_order_and_an_amount(snap: Snap, body: Any):
    """18.3, snap `null` body; 7.1, missing fields."""
    error = refusal(snap.create_transaction, body)

    assert "400" in str(error) and "is required" in str(error)
    assert error.http_status_code == 400
    assert {
        "transaction_details.order_id is required",
        "transaction_details.gross_amount is required",
    } <= set(error.api_response_dict["error_messages"])


@pytest.mark.parametrize("amount", [0, -1, 39.10, "much"], ids=str)
def test_a_session_is_for_a_whole_number_above_zero(snap: Snap, amount: Any):
    """18.3, snap amount 0; 14."""
    error = refusal(snap.create_transaction, session(amount))

    assert error.http_status_code == 400
    assert error.api_response_dict["error_messages"]


def test_a_session_is_for_the_sum_of_its_items(snap: Snap):
    """7.1, sum mismatch."""
    items = [{"id": "i-1", "price": 9_999, "quantity": 1, "name": "A thing"}]

    error = refusal(snap.create_transaction, session(10_000, item_details=items))

    assert error.http_status_code == 400
    assert error.api_response_dict["error_messages"] == [
        "transaction_details.gross_amount is not equal to the sum of item_details"
    ]


# ── by address ────────────────────────────────────────────────────────────────────────────────────────────────────


class Rerouted:
    """What `requests` is to the package, for calls whose address cannot be set (18.2): it sends them elsewhere."""

    def __init__(self, url: str) -> None:
        self._url = url

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        own = url.replace("https://app.sandbox.midtrans.com", self._url)
        return requests.request(method, own, timeout=10, **options)


@pytest.fixture
def http(sandbox: Sandbox) -> HttpClient:
    client = HttpClient()
    client.http_client = Rerouted(sandbox.url)
    return client


def test_a_session_can_be_made_by_address(http: HttpClient):
    """18.3, raw request to Snap; 7.1: HTTP 201."""
    answer, response = http.request("post", SERVER_KEY, ADDRESS, session())

    assert response.status_code == 201
    assert re.fullmatch(UUID, answer["token"]) and answer["redirect_url"]


def test_a_stranger_makes_no_session_by_address(http: HttpClient):
    """18.3, raw request with a bad key."""
    error = refusal(http.request, "post", "wrong-server-key", ADDRESS, session())

    assert "401" in str(error)
    assert error.http_status_code == 401


def test_a_session_can_be_cancelled_by_address_until_it_is_paid(http: HttpClient, sandbox: Sandbox):
    """7.3, session cancel, for which the package has no call."""
    token = http.request("post", SERVER_KEY, ADDRESS, session())[0]["token"]

    answer, _ = http.request("post", SERVER_KEY, f"{ADDRESS}/{token}/cancel")

    assert datetime.fromisoformat(answer["canceled_at"].replace("Z", "+00:00"))
    assert sandbox.refuses("pay", snap_token=token)
    assert "already canceled" in str(
        refusal(http.request, "post", SERVER_KEY, f"{ADDRESS}/{token}/cancel")
    )


def test_an_unknown_session_is_not_cancelled(http: HttpClient):
    """7.3."""
    error = refusal(http.request, "post", SERVER_KEY, f"{ADDRESS}/{new_id()}/cancel")

    assert "token not found" in str(error)

"""The book: what really happened, and which request did it."""

from contextlib import suppress
from datetime import UTC, datetime
from time import sleep

import httpx2
import pytest

from simulator.config import Config
from simulator.server import create_app


def wait_for(found):
    for _ in range(500):
        if answer := found():
            return answer
        sleep(0.01)
    raise AssertionError("It did not happen in time.")


def test_the_book_tells_of_a_payment_from_charge_to_refund(merchant):
    body = merchant.body("gopay")
    order_id = body["transaction_details"]["order_id"]
    charged = merchant.post("/v2/charge", body, idempotency_key="key-1")
    merchant.control("pay", order_id=order_id)
    refund = {"refund_key": "back", "amount": 20_000}
    merchant.post(f"/v2/{order_id}/refund", refund, idempotency_key="key-2")
    merchant.status(order_id)
    told = wait_for(
        lambda: (
            (book := merchant.book(order_id=order_id))["orders"][0]["transactions"][0]["refunds"][
                0
            ]["status"]
            == "confirmed"
            and book
        )
    )

    made, returned, asked = told["requests"]
    ((transaction,),) = [order["transactions"] for order in told["orders"]]
    assert told["orders"][0]["order_id"] == order_id
    assert transaction["transaction_id"] == charged["transaction_id"]
    assert (transaction["status"], transaction["gross_amount"]) == ("partial_refund", 50_000)
    statuses = [one["status"] for one in transaction["history"]]
    assert statuses == ["pending", "settlement", "partial_refund"]
    assert transaction["refunded"] == 20_000
    assert transaction["request"] == made["serial"]
    (booked,) = transaction["refunds"]
    assert (booked["refund_key"], booked["amount"]) == ("back", 20_000)
    assert booked["request"] == returned["serial"]
    assert [one["did"] for one in told["requests"]] == ["charge", "refund", None]
    assert [one["idempotency_key"] for one in told["requests"]] == ["key-1", "key-2", None]
    assert [one["http_status"] for one in told["requests"]] == [200, 200, 200]
    assert (asked["method"], asked["path"]) == ("GET", f"/v2/{order_id}/status")
    assert made["serial"] < returned["serial"] < asked["serial"]


def test_times_are_utc_with_microseconds(merchant):
    order_id = merchant.charge()["order_id"]
    told = merchant.book(order_id=order_id)
    transaction = told["orders"][0]["transactions"][0]
    times = [
        told["now"],
        told["requests"][0]["at"],
        transaction["created_at"],
        transaction["history"][0]["at"],
    ]

    for text in times:
        assert datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").utcoffset() == UTC.utcoffset(None)
    assert sorted(times) == [times[1], times[2], times[3], times[0]]


@pytest.mark.parametrize(
    ("act", "did"), [("cancel", "cancel"), ("expire", "expire"), ("status", None)]
)
def test_the_book_says_what_each_request_did(merchant, act, did):
    order_id = merchant.charge()["order_id"]
    ask = merchant.get if act == "status" else merchant.post
    ask(f"/v2/{order_id}/{act}")
    ask(f"/v2/{order_id}/{act}")  # the second finds nothing left to do

    assert [one["did"] for one in merchant.book(order_id=order_id)["requests"]] == [
        "charge",
        did,
        None,
    ]


def test_a_capture_is_told_from_a_charge(merchant):
    held = merchant.charge_card("4411111111111118", type="authorize")
    merchant.post("/v2/capture", {"transaction_id": held["transaction_id"]})
    told = merchant.book(order_id=held["order_id"])

    assert [one["did"] for one in told["requests"]] == ["charge", "capture"]
    assert [one["path"] for one in told["requests"]] == ["/v2/charge", "/v2/capture"]


async def test_what_the_clock_does_is_no_requests_doing():
    """An inquiry, before which the clock ends the order, did not expire it."""
    app = create_app(Config(server_key="key"))
    details = {"order_id": "o-1", "gross_amount": 10_000}
    body = {"payment_type": "gopay", "transaction_details": details}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://any", auth=("key", "")
    ) as http:
        await http.post("/v2/charge", json=body)
        app.state.gateway.clock.advance(3600)
        status = (await http.get("/v2/o-1/status")).json()
        told = (await http.get("/_control/book")).json()

    assert status["transaction_status"] == "expire"
    assert told["orders"][0]["transactions"][0]["status"] == "expire"
    assert [one["did"] for one in told["requests"]] == ["charge", None]


def test_a_replay_by_key_did_nothing(merchant):
    body = merchant.body()
    for _ in range(2):
        merchant.post("/v2/charge", body, idempotency_key="the-same-key")
    order_id = body["transaction_details"]["order_id"]

    told = merchant.book(order_id=order_id)
    assert [one["did"] for one in told["requests"]] == ["charge", None]
    assert len(told["orders"][0]["transactions"]) == 1


@pytest.mark.parametrize(
    ("fault", "http_status", "did"),
    [
        ("do_then_500", 500, "charge"),
        ("error_500_without_doing", 500, None),
        ("do_then_reset", None, "charge"),
        ("refuse_before", None, None),
        ("do_late", None, "charge"),  # by then the merchant has left
    ],
)
def test_the_book_knows_what_a_fault_hid(merchant, fault, http_status, did):
    body = merchant.body()
    order_id = body["transaction_details"]["order_id"]
    match = {"order_id_prefix": order_id}
    merchant.control("faults", fault=fault, match=match, seconds=0.3)
    with suppress(httpx2.TransportError):
        merchant.http.post("/v2/charge", json=body, timeout=0.15)
    sleep(0.3)

    (request,) = merchant.book(order_id=order_id)["requests"]
    assert (request["fault"], request["http_status"], request["did"]) == (fault, http_status, did)


def test_a_choice_on_a_hosted_page_is_no_request_of_the_merchant(merchant):
    order_id = merchant.order_id()
    details = {"order_id": order_id, "gross_amount": 10_000}
    merchant.post("/snap/v1/transactions", {"transaction_details": details})
    merchant.control("pay", order_id=order_id, method="gopay")
    told = merchant.book(order_id=order_id)

    assert [one["path"] for one in told["requests"]] == ["/snap/v1/transactions"]
    assert [one["request"] for one in told["orders"][0]["transactions"]] == [None]


def test_only_what_is_new_is_told_on_request(merchant):
    old, changed = merchant.charge("gopay")["order_id"], merchant.charge("gopay")["order_id"]
    merchant.status("nobody-1")
    since = merchant.book()["serial"]
    merchant.status("nobody-2")
    new = merchant.charge("gopay")["order_id"]
    merchant.control("pay", order_id=changed)
    told = merchant.book(since_serial=since)

    assert [one["serial"] for one in told["requests"]] == [since + 1, since + 2]
    assert [one["order_id"] for one in told["orders"]] == [changed, new]
    assert old not in str(told)
    assert merchant.http.get("/_control/book?since_serial=x").status_code == 400


def test_an_order_that_was_charged_twice_has_two_transactions(merchant):
    order_id = merchant.charge()["order_id"]
    merchant.post(f"/v2/{order_id}/cancel")
    merchant.charge(order_id=order_id)
    (order,) = merchant.book(order_id=order_id)["orders"]

    assert [one["status"] for one in order["transactions"]] == ["cancel", "pending"]


def test_an_unknown_order_is_no_error(merchant):
    told = merchant.book(order_id="never-seen")

    assert (told["orders"], told["requests"]) == ([], [])

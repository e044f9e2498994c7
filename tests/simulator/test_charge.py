"""What a charge refuses, and in which shape (midtrans.md 1.2, 1.4, 1.7, 1.8, 3, 12)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from json import dumps

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.clock import WIB

SUM = "transaction_details.gross_amount is not equal to the sum of item_details"


def details(**changes):
    order = {"order_id": "never", "gross_amount": 50_000} | changes
    return {"transaction_details": {k: v for k, v in order.items() if v is not None}}


def items(*lines):
    return {"item_details": [{"name": "x", "price": p, "quantity": q} for p, q in lines]}


INVALID = (
    (details(order_id=None), "transaction_details.order_id is required"),
    (details(gross_amount=None), "transaction_details.gross_amount is required"),
    (details(gross_amount=0), "transaction_details.gross_amount must be greater than"),
    (details(gross_amount=-5), "transaction_details.gross_amount must be greater than"),
    (details(gross_amount=39.10), "transaction_details.gross_amount"),
    (details(currency="USD"), "The currency is not supported for the country"),
    (details(order_id="x" * 51), "transaction_details.order_id"),
    (items((20_000, 2)), SUM),
    (items((50_000, 0), (50_000, 1)), "item_details.quantity"),
    ({"item_details": [{"price": 50_000, "quantity": 1}]}, "item_details price, quantity and name"),
    ({"custom_field1": "x" * 256}, "custom_field1 must be at most 255"),
    ({"customer_details": {"email": "x" * 256}}, "customer_details.email"),
    ({"payment_type": None}, "payment_type is required"),
    ({"payment_type": "cowries"}, "cowries"),
    ({"bank_transfer": {}}, "bank_transfer.bank is required"),
    ({"payment_type": "echannel", "echannel": {}}, "echannel.bill_info1 is required"),
    ({"payment_type": "ovo"}, "ovo.payer_phone_number is required"),
    ({"payment_type": "akulaku"}, "item_details is required"),
    (
        {"custom_expiry": {"expiry_duration": 19, "unit": "second"}},
        "custom_expiry is below minimum threshold",
    ),
)


@pytest.mark.parametrize(("changes", "message"), INVALID)
def test_an_invalid_charge_is_refused_with_a_reason(merchant, changes, message):
    reply = merchant.http.post("/v2/charge", json=merchant.body() | changes)

    refused = reply.json()
    assert (reply.status_code, refused["status_code"]) == (400, "400")
    assert refused["validation_messages"][0].startswith(message)
    assert refused.keys() == {"status_code", "status_message", "validation_messages", "id"}


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
METHODS = ("bca_va", "gopay", "qris", "ovo", "echannel", "alfamart", "kredivo")
FIELDS = (
    "payment_type",
    "transaction_details",
    "bank_transfer",
    "credit_card",
    "custom_expiry",
    "item_details",
    "metadata",
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=3), st.sampled_from(METHODS))
def test_junk_is_answered_in_the_documented_shape(merchant, junk, method):
    reply = merchant.http.post("/v2/charge", content=dumps(merchant.body(method) | junk))

    assert reply.json()["status_code"] in ("200", "201", "400", "402", "404", "406", "411", "413")


EXTREMES = (
    {"custom_expiry": {"expiry_duration": 10**30, "unit": "day"}},
    {"custom_expiry": {"order_time": "9999-12-31 23:59:59 +0700", "expiry_duration": 1}},
    {"metadata": {"lone": "\ud800"}},
)


@pytest.mark.parametrize("extreme", EXTREMES)
def test_extremes_are_taken_in_stride(merchant, extreme):
    reply = merchant.http.post("/v2/charge", content=dumps(merchant.body() | extreme))

    assert reply.json()["status_code"] == "201"


def test_discount_lines_count_in_the_sum(merchant):
    charged = merchant.charge(**items((60_000, 1), (-5_000, 2)))

    assert charged["status_code"] == "201"


@pytest.mark.parametrize(
    ("raw", "http", "code"),
    [
        (b"null", 500, "500"),
        (b"", 500, "500"),
        (b"{", 200, "413"),
        (b'"' + b"x" * 17_000 + b'"', 200, "413"),
    ],
)
def test_a_body_that_is_no_charge_is_refused(merchant, raw, http, code):
    reply = merchant.http.post("/v2/charge", content=raw)

    assert (reply.status_code, reply.json()["status_code"]) == (http, code)


@pytest.mark.parametrize("auth", [("abc", ""), ("SB-Mid-server-test", "x"), None])
def test_a_wrong_key_is_unauthorised(merchant, auth):
    for path in ("/v2/charge", "/v2/x/cancel"):
        reply = merchant.http.post(path, json=merchant.body(), auth=auth or ("", ""))

        assert (reply.status_code, reply.json()["status_code"]) == (401, "401")


def test_an_unknown_order_is_404_in_the_body_and_200_on_the_wire(merchant):
    reply = merchant.http.get("/v2/non-exist-order-id/status")

    assert reply.status_code == 200
    assert reply.json()["status_code"] == "404"
    assert reply.json()["status_message"] == "Transaction doesn't exist."


def test_both_ids_find_a_transaction(merchant):
    charged = merchant.charge()

    by_order = merchant.status(charged["order_id"])
    by_transaction = merchant.status(charged["transaction_id"])
    assert by_order == by_transaction
    assert by_order["status_code"] == "201"


def test_custom_fields_and_metadata_come_back(merchant, inbox):
    sent = {"custom_field1": "a", "custom_field3": "c", "metadata": {"k": [1]}}
    charged = merchant.charge(**sent)

    assert charged.items() >= sent.items()
    assert merchant.status(charged["order_id"]).items() >= sent.items()
    assert inbox.wait(charged["order_id"], "pending").items() >= sent.items()


@pytest.mark.parametrize("method", ["bca_va", "gopay"])
def test_a_duplicate_order_is_refused_with_406(merchant, method):
    order_id = merchant.charge()["order_id"]

    reply = merchant.http.post("/v2/charge", json=merchant.body(method, order_id))

    assert (reply.status_code, reply.json()["status_code"]) == (200, "406")


@pytest.mark.parametrize(
    ("end", "reusable"),
    [
        (lambda m, o: m.post(f"/v2/{o}/cancel"), True),
        (lambda m, o: m.post(f"/v2/{o}/expire"), True),
        (lambda m, o: m.control("expire", order_id=o), True),
        (lambda m, o: m.control("pay", order_id=o), False),
        (lambda m, o: m.control("deny", order_id=o), False),
    ],
)
def test_an_order_id_is_free_again_after_cancel_or_expiry(merchant, end, reusable):
    first = merchant.charge()
    end(merchant, first["order_id"])

    second = merchant.charge(order_id=first["order_id"])

    assert second["status_code"] == ("201" if reusable else "406")
    if reusable:
        latest = merchant.status(first["order_id"])["transaction_id"]
        assert latest == second["transaction_id"] != first["transaction_id"]


def test_a_cancelled_capture_does_not_free_its_order_id(merchant):
    order_id = merchant.charge_card("4811111111111114")["order_id"]
    merchant.post(f"/v2/{order_id}/cancel")

    assert merchant.charge(order_id=order_id)["status_code"] == "406"


EXPIRIES = (
    ("bca_va", {"expiry_duration": 2, "unit": "hour"}, timedelta(hours=2)),
    ("bca_va", {"expiry_duration": 30}, timedelta(minutes=30)),
    ("bca_va", {"expiry_duration": 20, "unit": "second"}, timedelta(seconds=20)),
    ("bca_va", {"expiry_duration": 400, "unit": "day"}, timedelta(days=180)),
    ("gopay", {"expiry_duration": 30, "unit": "day"}, timedelta(days=7)),
    ("shopeepay", {"expiry_duration": 30, "unit": "day"}, timedelta(days=5)),
    ("qris_shopee", {"expiry_duration": 30, "unit": "day"}, timedelta(days=5)),
    ("ovo", {"expiry_duration": 30, "unit": "day"}, timedelta(seconds=65)),
)


@pytest.mark.parametrize(("method", "wanted", "lasts"), EXPIRIES)
def test_custom_expiry_is_bounded_per_method(merchant, method, wanted, lasts):
    charged = merchant.charge(method, custom_expiry=wanted)

    begun = datetime.fromisoformat(charged["transaction_time"])
    ended = datetime.fromisoformat(charged["expiry_time"])
    assert abs(ended - begun - lasts) <= timedelta(seconds=1)


@pytest.mark.parametrize(
    ("phone", "code"),
    [("+62812345678", "201"), ("0812345678", "201"), ("62812345678", "400"), ("0" * 31, "400")],
)
def test_bni_reads_the_customers_phone(merchant, phone, code):
    charged = merchant.charge("bni_va", customer_details={"phone": phone})

    assert charged["status_code"] == code


def test_a_channel_that_is_not_activated_is_402(shop):
    refused = shop.charge("permata_va")
    details = {"order_id": shop.order_id(), "gross_amount": 50_000}
    session = shop.post("/snap/v1/transactions", {"transaction_details": details})

    assert refused["status_code"] == "402"
    assert refused["status_message"] == "Payment channel is not activated."
    page = shop.http.get(session["redirect_url"], auth=None).text
    assert "bni_va" in page and "permata_va" not in page


def test_akulaku_wants_no_item_twice(merchant):
    item = {"id": "1", "name": "Tea", "price": 25_000, "quantity": 1}

    assert merchant.charge("akulaku", item_details=[item, item])["status_code"] == "400"


def test_custom_expiry_counts_from_the_order_time(merchant):
    half_past = datetime.now(WIB) - timedelta(minutes=30)
    wanted = {
        "order_time": half_past.strftime("%Y-%m-%d %H:%M:%S %z"),
        "expiry_duration": 60,
        "unit": "minute",
    }
    late = wanted | {"expiry_duration": 30}

    charged = merchant.charge(custom_expiry=wanted)

    begun = datetime.fromisoformat(charged["transaction_time"])
    ended = datetime.fromisoformat(charged["expiry_time"])
    assert timedelta(minutes=29) < ended - begun <= timedelta(minutes=30)
    assert merchant.charge(custom_expiry=late)["status_code"] == "400"


def test_an_idempotency_key_replays_whatever_the_body(merchant):
    key = merchant.order_id()
    first = merchant.post("/v2/charge", merchant.body("gopay"), idempotency_key=key)
    again = merchant.post("/v2/charge", merchant.body("bca_va"), idempotency_key=key)

    assert again == first
    path = f"/_control/transactions?order_id={first['order_id']}"
    kept = merchant.get(path)["transactions"]
    assert [(one["idempotency_key"], one["request_count"]) for one in kept] == [(key, 2)]


@pytest.mark.parametrize(
    ("method", "key"), [("permata_va", "k1"), ("indomaret", "k2"), ("bca_va", "x" * 47)]
)
def test_some_methods_and_long_keys_are_not_idempotent(merchant, method, key):
    body = merchant.body(method)
    merchant.post("/v2/charge", body, idempotency_key=key)

    again = merchant.post("/v2/charge", body, idempotency_key=key)

    assert again["status_code"] == "406"


def test_a_refused_answer_is_not_kept(merchant):
    key, body = merchant.order_id(), merchant.body()
    refused = merchant.post("/v2/charge", body | {"bank_transfer": {}}, idempotency_key=key)
    charged = merchant.post("/v2/charge", body, idempotency_key=key)

    assert (refused["status_code"], charged["status_code"]) == ("400", "201")


def test_a_key_dies_after_five_minutes(merchant):
    key, body = merchant.order_id(), merchant.body()
    merchant.post("/v2/charge", body, idempotency_key=key)
    merchant.control("clock", advance_seconds=301)

    assert merchant.post("/v2/charge", body, idempotency_key=key)["status_code"] == "406"


def test_a_duplicate_in_flight_gets_202(merchant):
    key, body = merchant.order_id(), merchant.body()
    order_id = body["transaction_details"]["order_id"]
    merchant.control("faults", fault="do_late", seconds=0.3, match={"order_id_prefix": order_id})
    headers = {"Idempotency-Key": key}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(merchant.http.post, "/v2/charge", json=body, headers=headers)
        while merchant.get("/_control/faults")["faults"]:
            pass
        second = merchant.http.post("/v2/charge", json=body, headers=headers)

    assert second.status_code == 202
    assert first.result().json()["status_code"] == "201"

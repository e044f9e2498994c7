"""One charge of every method, and what its payment looks like (midtrans.md 4, 10.5, 11.4)."""

import re
from binascii import crc_hqx
from datetime import datetime

import pytest

from simulator.signature import sign

MINUTE, HOUR, DAY = 60, 3_600, 86_400
VA = "Success, Bank Transfer transaction is created"
STORE = "Success, cstore transaction is successful"

# method, payment type in answers, message, default expiry in seconds, fields of the answer
CHARGES = (
    ("bca_va", "bank_transfer", VA, DAY, {"va_numbers"}),
    ("bni_va", "bank_transfer", VA, DAY, {"va_numbers"}),
    ("bri_va", "bank_transfer", VA, DAY, {"va_numbers"}),
    ("cimb_va", "bank_transfer", VA, DAY, {"va_numbers"}),
    (
        "permata_va",
        "bank_transfer",
        "Success, PERMATA VA transaction is successful",
        DAY,
        {"permata_va_number"},
    ),
    (
        "permata",
        "bank_transfer",
        "Success, PERMATA VA transaction is successful",
        DAY,
        {"permata_va_number"},
    ),
    (
        "echannel",
        "echannel",
        "OK, Mandiri Bill transaction is successful",
        DAY,
        {"bill_key", "biller_code"},
    ),
    ("gopay", "gopay", "GoPay transaction is created", 15 * MINUTE, {"actions"}),
    ("shopeepay", "shopeepay", "ShopeePay transaction is created", 15 * MINUTE, {"actions"}),
    (
        "qris",
        "qris",
        "QRIS transaction is created",
        15 * MINUTE,
        {"actions", "qr_string", "acquirer"},
    ),
    ("ovo", "ovo", "Ovo transaction is created", 65, {"payer_phone_number"}),
    ("alfamart", "cstore", STORE, DAY, {"payment_code", "store"}),
    ("indomaret", "cstore", STORE, DAY, {"payment_code", "store"}),
    ("akulaku", "akulaku", "Success, Akulaku transaction is created", 2 * HOUR, {"redirect_url"}),
    ("kredivo", "kredivo", "Kredivo transaction is created", DAY, {"redirect_url"}),
)
COMMON = {
    "status_code",
    "status_message",
    "transaction_id",
    "order_id",
    "merchant_id",
    "gross_amount",
    "currency",
    "payment_type",
    "transaction_time",
    "transaction_status",
    "expiry_time",
}
OWN_FIELDS = {
    "va_numbers",
    "permata_va_number",
    "bill_key",
    "biller_code",
    "qr_string",
    "redirect_url",
    "actions",
    "payment_code",
}
# what settlement adds (midtrans.md 10.5)
PAID = {
    "bca_va": {"payment_amounts": []},
    "gopay": {"payment_option_type": "GOPAY_WALLET"},
    "qris": {"issuer": "gopay", "transaction_type": "on-us", "acquirer": "gopay"},
    "qris_shopee": {"issuer": "shopeepay", "transaction_type": "on-us"},
    "alfamart": {"store": "alfamart"},
}


def seconds_between(earlier: str, later: str) -> float:
    read = datetime.fromisoformat
    return (read(later) - read(earlier)).total_seconds()


@pytest.mark.parametrize(("method", "payment_type", "message", "expiry", "fields"), CHARGES)
def test_a_charge_answers_as_documented(merchant, *, method, payment_type, message, expiry, fields):
    charged = merchant.charge(method)

    assert charged.keys() >= COMMON | fields
    assert not (OWN_FIELDS - fields) & charged.keys()
    assert (charged["status_code"], charged["status_message"]) == ("201", message)
    assert (charged["payment_type"], charged["gross_amount"]) == (payment_type, "50000.00")
    assert charged["transaction_status"] == "pending"
    assert seconds_between(charged["transaction_time"], charged["expiry_time"]) == expiry
    assert charged.get("fraud_status") == (None if method == "indomaret" else "accept")


@pytest.mark.parametrize("method", [row[0] for row in CHARGES])
def test_a_paid_transaction_is_settled_and_told(merchant, inbox, method):
    charged = merchant.charge(method)
    order_id = charged["order_id"]

    merchant.control("pay", order_id=order_id)

    settled = merchant.status(order_id)
    told = inbox.wait(order_id, "pending", "settlement")
    assert (settled["status_code"], settled["transaction_status"]) == ("200", "settlement")
    assert settled["status_message"] == "Success, transaction is found"
    assert {*settled} - {"status_message"} == {*told} - {"status_message"}
    assert told["status_message"] == "midtrans payment notification"
    assert told["signature_key"] == sign(order_id, "200", "50000.00", "SB-Mid-server-test")
    assert told.items() >= PAID.get(method, {}).items()


@pytest.mark.parametrize(
    ("method", "way"),
    [
        ("bca_va", lambda charged: {"va_number": charged["va_numbers"][0]["va_number"]}),
        ("permata_va", lambda charged: {"va_number": charged["permata_va_number"]}),
        ("echannel", lambda charged: {"bill_key": charged["bill_key"]}),
        ("indomaret", lambda charged: {"payment_code": charged["payment_code"]}),
        ("gopay", lambda charged: {"transaction_id": charged["transaction_id"]}),
    ],
)
def test_a_customer_pays_to_the_number_shown(merchant, method, way):
    charged = merchant.charge(method)

    merchant.control("pay", **way(charged))

    assert merchant.status(charged["order_id"])["transaction_status"] == "settlement"


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [("111", "8127800000000111"), ("1234567890123", "8127812345678901")],
)
def test_a_wanted_va_number_is_padded_or_cut(merchant, wanted, shown):
    charged = merchant.charge(bank_transfer={"bank": "bca", "va_number": wanted})

    assert charged["va_numbers"] == [{"bank": "bca", "va_number": shown}]


def test_a_va_number_in_use_is_replaced_silently(merchant):
    wanted = {"bank": "bca", "va_number": "77"}
    first = merchant.charge(bank_transfer=wanted)
    second = merchant.charge(bank_transfer=wanted)
    merchant.post(f"/v2/{first['order_id']}/cancel")
    third = merchant.charge(bank_transfer=wanted)

    assert first["va_numbers"] != second["va_numbers"]
    assert first["va_numbers"] == third["va_numbers"]


def test_a_closed_va_takes_no_other_amount_unless_forced(merchant):
    order_id = merchant.charge()["order_id"]

    refused = merchant.control("pay", order_id=order_id, amount=49_999)
    forced = merchant.control("pay", order_id=order_id, amount=49_999, force=True)

    assert (refused["http"], forced["http"]) == (409, 200)
    assert merchant.status(order_id)["gross_amount"] == "49999.00"


@pytest.mark.parametrize(
    ("method", "issuer", "expected"),
    [
        ("gopay", "linkaja", {"transaction_type": "off-us", "acquirer": "gopay"}),
        ("gopay", "gopay", {"transaction_type": "on-us", "acquirer": "gopay"}),
        ("qris", "linkaja", {"transaction_type": "off-us", "acquirer": "gopay"}),
        ("qris_shopee", "shopeepay", {"transaction_type": "on-us", "acquirer": "airpay shopee"}),
    ],
)
def test_a_scanned_code_is_a_qris_payment(merchant, method, issuer, expected):
    order_id = merchant.charge(method)["order_id"]

    merchant.control("pay", order_id=order_id, issuer=issuer)

    paid = merchant.status(order_id)
    assert paid.items() >= ({"payment_type": "qris", "issuer": issuer} | expected).items()


def test_the_qr_string_is_emv_with_a_valid_checksum(merchant):
    text = merchant.charge("qris")["qr_string"]

    assert text.startswith("000201")
    assert "5405500005802ID" in text
    assert text[-4:] == f"{crc_hqx(text[:-4].encode(), 0xFFFF):04X}"


@pytest.mark.parametrize("method", ["gopay", "qris"])
def test_the_qr_code_is_a_picture(merchant, method):
    actions = {one["name"]: one["url"] for one in merchant.charge(method)["actions"]}

    picture = merchant.http.get(actions["generate-qr-code"], auth=None)

    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("phone", "status", "code"),
    [
        ("+628271939753", "deny", "17"),
        ("+628242014881", "deny", "26"),
        ("08237435829", "deny", "40"),
    ],
)
def test_ovo_test_phones_refuse_by_themselves(merchant, inbox, phone, status, code):
    order_id = merchant.charge("ovo", ovo={"payer_phone_number": phone})["order_id"]

    merchant.control("clock", advance_seconds=1)

    told = inbox.wait(order_id, "pending", status)
    assert told["channel_response_code"] == code


def test_an_unregistered_ovo_phone_is_not_charged(merchant):
    refused = merchant.charge("ovo", ovo={"payer_phone_number": "+628249134000"})

    assert refused["status_code"] == "404"
    assert refused["status_message"] == "User with requested phone number doesn't exist"


def test_dana_and_retired_methods_are_not_activated(merchant):
    for payment_type in ("dana", "bca_klikpay"):
        refused = merchant.charge(payment_type=payment_type)

        assert refused["status_code"] == "402"


def test_times_are_in_jakarta_without_an_offset(merchant):
    charged = merchant.charge()

    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", charged["transaction_time"])
    assert charged["transaction_time"][:16] == merchant.get("/_control/clock")["wib"][:16]

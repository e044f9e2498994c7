"""Charges by every method but cards, through the gateway's own package. midtrans.md 3 and 4."""

import json
import re
from datetime import datetime, timedelta

import pytest
from midtransclient import CoreApi

from support.sdk import (
    Fields,
    Sandbox,
    bca_order,
    new_id,
    order,
    told,
)

WIB = "%Y-%m-%d %H:%M:%S"
ITEMS = {"item_details": [{"id": "i-1", "price": 44_145, "quantity": 1, "name": "A thing"}]}
CUSTOMER = {
    "customer_details": {
        "first_name": "Budi",
        "last_name": "Utomo",
        "email": "budi@example.com",
        "phone": "081223323423",
        "billing_address": {
            "first_name": "Budi",
            "last_name": "Utomo",
            "address": "Jalan Sudirman 1",
            "city": "Jakarta",
            "postal_code": "12190",
            "phone": "081223323423",
            "country_code": "IDN",
        },
    }
}
SELLER = {
    "seller_details": [
        {"id": "s-1", "name": "A shop", "email": "shop@example.com", "url": "https://shop.example"}
    ]
}
KREDIVO_ITEMS = {"item_details": [ITEMS["item_details"][0] | {"url": "https://shop.example/1"}]}


def virtual_account(bank: str) -> Fields:
    return order("bank_transfer", bank_transfer={"bank": bank})


def store(name: str) -> Fields:
    return order("cstore", cstore={"store": name, "message": "A thing"})


# The body, what the message says, and the default expiry. 4.1, 4.3 to 4.10, 11.4.
METHODS = {
    "bca": (virtual_account("bca"), "Success, Bank Transfer transaction is created", "24h"),
    "bni": (virtual_account("bni"), "Success, Bank Transfer transaction is created", "24h"),
    "bri": (virtual_account("bri"), "Success, Bank Transfer transaction is created", "24h"),
    "cimb": (virtual_account("cimb"), "Success, Bank Transfer transaction is created", "24h"),
    "permata": (virtual_account("permata"), "Success, PERMATA VA transaction is successful", "24h"),
    "echannel": (
        order("echannel", echannel={"bill_info1": "Payment:", "bill_info2": "Online"}),
        "OK, Mandiri Bill transaction is successful",
        "24h",
    ),
    "gopay": (order("gopay"), "GoPay transaction is created", "15m"),
    "qris": (order("qris", qris={"acquirer": "gopay"}), "QRIS transaction is created", "15m"),
    "shopeepay": (
        order("shopeepay", shopeepay={"callback_url": "https://shop.example"}),
        "ShopeePay transaction is created",
        "15m",
    ),
    "ovo": (
        order("ovo", ovo={"payer_phone_number": "081111111111"}),
        "Ovo transaction is created",
        "65s",
    ),
    "alfamart": (store("alfamart"), "Success, cstore transaction is successful", "24h"),
    "indomaret": (store("indomaret"), "Success, cstore transaction is successful", "24h"),
    "akulaku": (
        order("akulaku", **ITEMS, **CUSTOMER),
        "Success, Akulaku transaction is created",
        "2h",
    ),
    "kredivo": (
        order("kredivo", **KREDIVO_ITEMS, **CUSTOMER, **SELLER),
        "Kredivo transaction is created",
        "24h",
    ),
}
LASTS = {
    "65s": timedelta(seconds=65),
    "15m": timedelta(minutes=15),
    "2h": timedelta(hours=2),
    "24h": timedelta(hours=24),
}


def charged(core: CoreApi, method: str, **more: object) -> Fields:
    """By a method of the table, with an order id of its own each time."""
    body = METHODS[method][0] | more
    details = body["transaction_details"] | {"order_id": new_id()}
    return dict(core.charge(body | {"transaction_details": details}))


def lasts(answer: Fields) -> timedelta:
    made = datetime.strptime(answer["transaction_time"], WIB)
    return datetime.strptime(answer["expiry_time"], WIB) - made


@pytest.mark.parametrize("method", METHODS)
def test_a_charge_waits_for_its_payer(core: CoreApi, method: str):
    """4.1, fields common to all, and each method's message; 18.3, charge BCA VA."""
    answer = charged(core, method)

    assert told(answer, "status_code", "status_message", "transaction_status") == (
        "201",
        METHODS[method][1],
        "pending",
    )
    assert told(answer, "gross_amount", "currency") == ("44145.00", "IDR")
    assert answer["order_id"] and answer["transaction_id"] and answer["merchant_id"]


@pytest.mark.parametrize("method", METHODS)
def test_a_charge_lasts_as_long_as_its_method_does(core: CoreApi, method: str):
    """11.4; times are as in 14."""
    answer = charged(core, method)

    assert lasts(answer) == LASTS[METHODS[method][2]]


@pytest.mark.parametrize("method", METHODS)
def test_a_charge_is_found_by_both_of_its_ids(core: CoreApi, method: str):
    """2, `{id}`; 6: pending is 201; 18.3, status."""
    made = charged(core, method)

    for found in (
        core.transactions.status(made["order_id"]),
        core.transactions.status(made["transaction_id"]),
    ):
        assert told(found, "status_code", "transaction_status", "status_message") == (
            "201",
            "pending",
            "Success, transaction is found",
        )
        same = ("transaction_id", "order_id", "gross_amount", "payment_type")
        assert told(found, *same) == told(made, *same)


@pytest.mark.parametrize("method", METHODS)
def test_a_payer_settles_it(core: CoreApi, sandbox: Sandbox, method: str):
    """11.3: every method but cards goes straight to settlement; 6: with a settlement time."""
    made = charged(core, method)

    sandbox.act("pay", order_id=made["order_id"])

    found = core.transactions.status(made["order_id"])
    assert told(found, "status_code", "transaction_status") == ("200", "settlement")
    assert datetime.strptime(found["settlement_time"], WIB)


@pytest.mark.parametrize("bank", ["bca", "bni", "bri", "cimb"])
def test_a_bank_gives_one_number_of_digits(core: CoreApi, bank: str):
    """4.3."""
    answer = charged(core, bank)

    (number,) = answer["va_numbers"]
    assert number["bank"] == bank
    assert number["va_number"].isdigit()
    assert answer["payment_type"] == "bank_transfer"


@pytest.mark.parametrize(
    "body", [virtual_account("permata"), order("permata")], ids=["bank", "type"]
)
def test_permata_puts_its_number_in_a_place_of_its_own(core: CoreApi, body: Fields):
    """4.3: however it was asked for."""
    answer = core.charge(body)

    assert answer["permata_va_number"].isdigit()
    assert "va_numbers" not in answer
    assert answer["payment_type"] == "bank_transfer"


def test_a_number_of_the_merchant_ends_the_virtual_account(core: CoreApi):
    """4.3: company prefix and custom part."""
    asked = {"bank": "bca", "va_number": "12345678911"}

    answer = core.charge(order("bank_transfer", bank_transfer=asked))

    assert answer["va_numbers"][0]["va_number"].endswith("12345678911")


def test_a_number_in_use_is_silently_another_one(core: CoreApi):
    """4.3: always display the returned number."""
    body = order("bank_transfer", bank_transfer={"bank": "bni", "va_number": "45454545"})
    first = core.charge(body)

    body["transaction_details"]["order_id"] = new_id()
    second = core.charge(body)

    assert first["va_numbers"] != second["va_numbers"]


def test_a_mandiri_bill_has_a_code_and_a_key(core: CoreApi):
    """4.4."""
    answer = charged(core, "echannel")

    assert answer["biller_code"].isdigit()
    assert re.fullmatch(r"\d{12}", answer["bill_key"])
    assert "va_numbers" not in answer


def test_gopay_tells_its_actions(core: CoreApi):
    """4.5."""
    answer = charged(core, "gopay")

    actions = {action["name"]: action for action in answer["actions"]}
    assert {"generate-qr-code", "deeplink-redirect", "get-status", "cancel"} <= actions.keys()
    assert actions["cancel"]["method"] == "POST"
    assert actions["get-status"]["url"].endswith(f"/v2/{answer['transaction_id']}/status")


def test_an_action_is_an_address_that_answers(core: CoreApi):
    """4.5: `get-status` is where the status is."""
    answer = charged(core, "gopay")
    url = next(one["url"] for one in answer["actions"] if one["name"] == "get-status")

    found, _ = core.http_client.request("get", core.api_config.server_key, url)

    assert found["transaction_id"] == answer["transaction_id"]


@pytest.mark.parametrize("acquirer", ["gopay", "airpay shopee"])
def test_a_qr_code_tells_its_acquirer(core: CoreApi, acquirer: str):
    """4.6."""
    answer = core.charge(order("qris", qris={"acquirer": acquirer}))

    assert answer["acquirer"] == acquirer
    assert any(
        one["name"] == "generate-qr-code"
        and one["url"].endswith(f"/v2/qris/{answer['transaction_id']}/qr-code")
        for one in answer["actions"]
    )


def test_shopeepay_is_a_link_into_its_app(core: CoreApi):
    """4.7."""
    answer = charged(core, "shopeepay")

    assert [one["name"] for one in answer["actions"]] == ["deeplink-redirect"]
    assert answer["channel_response_code"] == "0"


def test_ovo_asks_the_phone(core: CoreApi):
    """4.8."""
    answer = charged(core, "ovo")

    assert answer["payer_phone_number"] == "081111111111"
    assert "actions" not in answer


@pytest.mark.parametrize("name", ["alfamart", "indomaret"])
def test_a_store_gives_a_code_for_its_till(core: CoreApi, name: str):
    """4.9: 12 to 20 characters."""
    answer = charged(core, name)

    assert answer["store"] == name
    assert re.fullmatch(r"[A-Za-z0-9]{12,20}", answer["payment_code"])


def test_indomaret_is_not_screened_for_fraud_and_approves_by_code(core: CoreApi, sandbox: Sandbox):
    """4.9 and 10.5."""
    made = charged(core, "indomaret")
    assert "fraud_status" not in made

    sandbox.act("pay", order_id=made["order_id"])

    assert core.transactions.status(made["order_id"])["approval_code"]


@pytest.mark.parametrize(("method", "path"), [("akulaku", "akulaku"), ("kredivo", "oms")])
def test_a_lender_takes_the_customer_over(core: CoreApi, method: str, path: str):
    """4.10."""
    assert f"/v2/{path}/redirect/" in charged(core, method)["redirect_url"]


def test_what_the_merchant_wrote_on_it_comes_back_with_its_status(core: CoreApi):
    """3, custom fields and metadata."""
    written = {
        "custom_field1": "one",
        "custom_field2": "two",
        "custom_field3": "three",
        "metadata": {"shelf": {"row": 4}},
    }

    found = core.transactions.status(charged(core, "bca", **written)["order_id"])

    assert {name: found.get(name) for name in written} == written


def test_an_expiry_of_the_merchant_counts_from_the_order(core: CoreApi):
    """3, custom_expiry: the effective expiry is order_time and duration."""
    expiry = {"expiry_duration": 90, "unit": "minute"}

    assert lasts(charged(core, "bca", custom_expiry=expiry)) == timedelta(minutes=90)


def test_an_expiry_without_a_unit_is_in_minutes(core: CoreApi):
    """3, custom_expiry."""
    answer = charged(core, "bca", custom_expiry={"expiry_duration": 30})

    assert lasts(answer) == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("method", "days"), [("bca", 180), ("gopay", 7), ("shopeepay", 5)], ids=["va", "gopay", "spay"]
)
def test_an_expiry_too_far_away_is_trimmed(core: CoreApi, method: str, days: int):
    """3, custom_expiry: 180 days at most, GoPay 7, ShopeePay 5."""
    answer = charged(core, method, custom_expiry={"expiry_duration": 400, "unit": "day"})

    assert abs(lasts(answer) - timedelta(days=days)) <= timedelta(seconds=1)


def test_a_body_may_be_given_as_text(core: CoreApi):
    """18.1, string parameters."""
    body = bca_order()

    assert core.charge(json.dumps(body))["order_id"] == body["transaction_details"]["order_id"]

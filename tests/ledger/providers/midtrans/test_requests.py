"""midtrans.md 3, 4 and 7: what each method of the catalogue is asked for with."""

from typing import Any

import msgspec
import pytest

from ledger.payments.methods import METHODS
from ledger.providers.midtrans import requests
from support.charges import PAYER, charge_order

CORE = [code for code, method in METHODS.items() if method.mapping.api == "core"]
SHOP = "https://shop.example/done"
# payment_type, and what its object holds at least
WANTED: dict[str, tuple[str, dict[str, Any]]] = {
    "credit_card": (
        "credit_card",
        {"credit_card": {"token_id": "48111111-1114-token", "authentication": True}},
    ),
    "bca_va": ("bank_transfer", {"bank_transfer": {"bank": "bca"}}),
    "permata_va": ("bank_transfer", {"bank_transfer": {"bank": "permata"}}),
    "mandiri_bill": ("echannel", {"echannel": {"bill_info1": "Payment:"}}),
    "gopay": ("gopay", {}),
    "shopeepay": ("shopeepay", {}),
    "ovo": ("ovo", {"ovo": {"payer_phone_number": PAYER.phone}}),
    "qris": ("qris", {"qris": {"acquirer": "gopay"}}),
    "alfamart": ("cstore", {"cstore": {"store": "alfamart", "message": "Pro plan, monthly"}}),
    "akulaku": ("akulaku", {"customer_details": {"phone": PAYER.phone}}),
    "kredivo": ("kredivo", {"customer_details": {"email": PAYER.email}}),
}


@pytest.mark.parametrize("code", WANTED)
def test_each_type_is_asked_for_with_its_own_object(code: str):
    payment_type, wanted = WANTED[code]
    body = requests.charge(charge_order(code), "")

    assert body["payment_type"] == payment_type
    for name, fields in wanted.items():
        assert fields.items() <= body[name].items()


@pytest.mark.parametrize("code", CORE)
def test_amounts_are_whole_numbers_and_bodies_small(code: str):
    order = charge_order(code, product="x" * 1_000)
    body = requests.charge(order, SHOP)

    assert body["transaction_details"] == {"order_id": order.order_id, "gross_amount": 150_000}
    assert len(msgspec.json.encode(body)) < 16_000


@pytest.mark.parametrize("code", ["akulaku", "kredivo"])
def test_the_one_item_of_a_loan_is_the_whole_amount(code: str):
    (item,) = requests.charge(charge_order(code), SHOP)["item_details"]

    assert item["price"] * item["quantity"] == 150_000
    assert item["url"] == SHOP


@pytest.mark.parametrize("code", ["bca_va", "bni_va", "qris", "gopay", "alfamart"])
def test_nobody_is_named_to_whom_it_is_not_needed(code: str):
    body = msgspec.json.encode(requests.charge(charge_order(code), ""))

    assert PAYER.email.encode() not in body
    assert PAYER.phone.encode() not in body


def test_a_name_is_cut_for_a_virtual_account_and_whole_for_a_loan():
    order = charge_order("bca_va", payer=msgspec.structs.replace(PAYER, name="Siti " + "a" * 40))
    short = requests.charge(order, "")["customer_details"]

    assert short == {"first_name": "Siti", "last_name": "a" * 25}


def test_a_card_is_held_when_it_is_captured_later():
    card = requests.charge(charge_order("credit_card", capture_later=True), "")["credit_card"]

    assert card == {"token_id": "48111111-1114-token", "authentication": True, "type": "authorize"}


def test_an_expiry_is_asked_for_in_seconds_where_it_can_be_chosen():
    wished = {"expires_after_seconds": 3_601}

    assert requests.charge(charge_order("bca_va", **wished), "")["custom_expiry"] == {
        "expiry_duration": 3_601,
        "unit": "second",
    }
    assert "custom_expiry" not in requests.charge(charge_order("bca_va"), "")
    for code in ("credit_card", "ovo"):
        assert "custom_expiry" not in requests.charge(charge_order(code, **wished), "")


def test_wallets_bring_the_payer_back_to_the_shop():
    assert requests.charge(charge_order("gopay"), SHOP)["gopay"]["callback_url"] == SHOP
    assert requests.charge(charge_order("shopeepay"), SHOP)["shopeepay"] == {"callback_url": SHOP}


def test_a_hosted_page_offers_what_the_row_enables_and_always_asks_for_three_d_secure():
    body = requests.session(
        charge_order("dana", expires_after_seconds=3_601, capture_later=True), SHOP
    )

    assert body["enabled_payments"] == ["dana"]
    assert body["credit_card"] == {"secure": True, "type": "authorize"}
    assert body["expiry"] == body["page_expiry"] == {"duration": 61, "unit": "minutes"}
    assert body["callbacks"] == {"finish": SHOP}


def test_a_hosted_page_offers_everything_and_lives_a_day_unless_told_otherwise():
    body = requests.session(charge_order("snap"), "")

    assert body["page_expiry"] == {"duration": 1_440, "unit": "minutes"}
    assert not {"enabled_payments", "expiry", "callbacks"} & body.keys()


def test_a_key_is_short_and_different_for_each_effect():
    effects = ("charge", "cancel", "refund ref_1", "refund ref_2")
    keys = {
        requests.idempotency_key(order, effect)
        for order in ("pay_1-1", "pay_1-2")
        for effect in effects
    }

    assert len(keys) == 8
    assert {len(key) for key in keys} == {36}
    assert requests.idempotency_key("pay_1-1", "charge") in keys


@pytest.mark.parametrize("code", CORE)
def test_channels_that_ignore_keys_get_none(code: str):
    assert requests.honours_key(charge_order(code)) == (code not in ("permata_va", "indomaret"))


def test_a_saved_card_is_charged_without_its_holder():
    body = requests.charge(
        charge_order("credit_card", card_token="", saved="card", saved_token="saved"), SHOP
    )

    assert body["credit_card"] == {"token_id": "saved", "authentication": False}
    assert body["customer_details"]["email"] == PAYER.email


def test_a_saved_card_can_be_held_too():
    order = charge_order("credit_card", saved="card", saved_token="saved", capture_later=True)

    assert requests.charge(order, SHOP)["credit_card"]["type"] == "authorize"


def test_a_linked_wallet_is_charged_as_a_repeat_of_ours():
    order = charge_order("gopay", saved="gopay", saved_token="eyJ", account_id="acc")

    assert requests.charge(order, SHOP)["gopay"] == {
        "account_id": "acc",
        "payment_option_token": "eyJ",
        "recurring": True,
    }

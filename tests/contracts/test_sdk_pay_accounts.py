"""GoPay accounts that are linked to a merchant, through the gateway's own package. midtrans.md 9, 13 and 18.3."""

from typing import Any

import pytest
import requests
from midtransclient import CoreApi

from support.sdk import Fields, codes, new_id, order, refusal, told

PIN = "112233"  # of every wallet in the sandbox (13)


def wallet(phone: str = "81234567891") -> Fields:
    partner = {"phone_number": phone, "country_code": "62", "redirect_url": "https://shop.example"}
    return {"payment_type": "gopay", "gopay_partner": partner}


@pytest.fixture
def pending(core: CoreApi) -> Fields:
    return dict(core.link_payment_account(wallet()))


def linked(core: CoreApi, phone: str = "81234567891") -> str:
    """The id of an account whose owner has followed the link and typed the PIN."""
    made = core.link_payment_account(wallet(phone))
    enter_pin(made, "activation-link-url")
    return str(made["account_id"])


def enter_pin(answer: Fields, name: str) -> None:
    page = next(one["url"] for one in answer["actions"] if one["name"] == name)
    requests.post(page, data={"pin": PIN}, timeout=10, allow_redirects=False).raise_for_status()


def payment_option(core: CoreApi, account_id: str) -> str:
    options = core.get_payment_account(account_id)["metadata"]["payment_options"]
    return next(str(one["token"]) for one in options if one["name"] == "GOPAY_WALLET")


def charge(core: CoreApi, account_id: str, amount: int = 50_000, **more: Any) -> Fields:
    paid_from = {"account_id": account_id, "payment_option_token": payment_option(core, account_id)}
    return dict(core.charge(order("gopay", amount, gopay=paid_from | more)))


# ── linking ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_account_waits_for_its_owner(pending: Fields):
    """18.3, pay account create; 9 has the actions."""
    assert told(pending, "status_code", "payment_type", "account_status") == (
        "201",
        "gopay",
        "PENDING",
    )
    assert pending["account_id"]
    names = {one["name"] for one in pending["actions"]}
    assert {"activation-link-url", "activation-link-app"} <= names


def test_an_account_that_waits_is_found_with_201(core: CoreApi, pending: Fields):
    """18.3, get account."""
    found = core.get_payment_account(pending["account_id"])

    assert told(found, "status_code", "account_id", "account_status") == (
        "201",
        pending["account_id"],
        "PENDING",
    )


@pytest.mark.parametrize(
    ("phone", "message"),
    [("123450001", "User Not Found"), ("123450002", "Wallet is Blocked")],
)
def test_a_wallet_that_cannot_be_linked_is_an_answer_and_no_error(
    core: CoreApi, phone: str, message: str
):
    """18.3, pay account 123450001 and 123450002; 9: the channel tells why."""
    answer = core.link_payment_account(wallet(phone))

    assert answer["status_code"] == "202"
    assert message in answer["channel_response_message"]


def test_a_wallet_that_nobody_has_is_told_with_the_channels_code(core: CoreApi):
    """9 and 12.3: 105, user not found."""
    assert core.link_payment_account(wallet("123450001"))["channel_response_code"] == "105"


@pytest.mark.parametrize("phone", ["081234567891", "8123456789a"])
def test_a_phone_number_is_of_digits_and_begins_with_none(core: CoreApi, phone: str):
    """18.3, phone starting with 0: HTTP 400 and the exact message."""
    message = "gopay_partner.phone_number must be numeric digits and must not begin with 0"

    error = refusal(core.link_payment_account, wallet(phone))

    assert codes(error) == (400, "400")
    assert message in str(error)
    assert message in error.api_response_dict["validation_messages"]


def test_an_account_that_nobody_linked_is_not_found(core: CoreApi):
    """12.1, 404; 1.7: with HTTP 200."""
    for call in (core.get_payment_account, core.unlink_payment_account):
        assert codes(refusal(call, new_id())) == (200, "404")


def test_an_account_that_waits_cannot_be_unlinked(core: CoreApi, pending: Fields):
    """18.3, unbind while PENDING."""
    error = refusal(core.unlink_payment_account, pending["account_id"])

    assert "412" in str(error) and "Account status cannot be updated." in str(error)
    assert codes(error) == (200, "412")


def test_an_account_that_its_owner_allowed_tells_how_it_can_pay(core: CoreApi):
    """9, GET while ENABLED: 200 and the options."""
    account_id = linked(core)

    found = core.get_payment_account(account_id)

    assert told(found, "status_code", "account_id", "account_status") == (
        "200",
        account_id,
        "ENABLED",
    )
    option = next(
        one for one in found["metadata"]["payment_options"] if one["name"] == "GOPAY_WALLET"
    )
    assert option["active"] is True
    assert option["balance"]["currency"] == "IDR"
    assert option["token"]


def test_an_account_can_be_unlinked(core: CoreApi):
    """9, unbind (its body is unverified there) and GET while DISABLED: 204."""
    account_id = linked(core)

    answer = core.unlink_payment_account(account_id)

    assert told(answer, "status_code", "account_status") == ("204", "DISABLED")
    found = core.get_payment_account(account_id)
    assert told(found, "status_code", "account_status") == ("204", "DISABLED")


def test_an_account_is_unlinked_once(core: CoreApi):
    """9 and 12.1: a state change that is not allowed is 412."""
    account_id = linked(core)
    core.unlink_payment_account(account_id)

    assert codes(refusal(core.unlink_payment_account, account_id)) == (200, "412")


# ── paying ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_linked_account_pays_at_once(core: CoreApi):
    """9, charge; sandbox: below 100 000 no PIN is asked for."""
    answer = charge(core, linked(core), 99_999)

    assert told(answer, "status_code", "status_message", "transaction_status") == (
        "200",
        "Success, GoPay transaction is successful",
        "settlement",
    )
    assert core.transactions.status(answer["order_id"])["transaction_status"] == "settlement"


def test_a_large_amount_needs_the_pin(core: CoreApi):
    """9, charge: from 100 000 pending with links to the owner's verification, who then pays."""
    answer = charge(core, linked(core), 100_000)
    assert told(answer, "status_code", "transaction_status") == ("201", "pending")
    names = {one["name"] for one in answer["actions"]}
    assert {"verification-link-url", "verification-link-app"} <= names

    enter_pin(answer, "verification-link-url")

    found = core.transactions.status(answer["order_id"])
    assert told(found, "status_code", "transaction_status") == ("200", "settlement")


def test_an_empty_wallet_denies(core: CoreApi):
    """9, charge; 13: `+628242014881` has too little."""
    answer = charge(core, linked(core, "8242014881"))

    assert told(answer, "status_code", "transaction_status", "channel_response_code") == (
        "202",
        "deny",
        "201",
    )
    assert answer["channel_response_message"] == "Insufficient Balance"


def test_a_linked_account_can_be_held_and_taken_from(core: CoreApi):
    """9, pre_auth: authorize, then capture of the full amount."""
    answer = charge(core, linked(core), pre_auth=True)
    assert told(answer, "status_code", "transaction_status") == ("200", "authorize")

    core.capture({"transaction_id": answer["transaction_id"], "gross_amount": 50_000})

    found = core.transactions.status(answer["order_id"])
    assert found["transaction_status"] in ("capture", "settlement")


def test_less_than_was_held_is_not_taken_from_a_wallet(core: CoreApi):
    """4.2: partial capture is not for GoPay."""
    answer = charge(core, linked(core), pre_auth=True)

    refusal(core.capture, {"transaction_id": answer["transaction_id"], "gross_amount": 40_000})

    assert core.transactions.status(answer["order_id"])["transaction_status"] == "authorize"


def test_what_a_wallet_holds_can_be_let_go(core: CoreApi):
    """11.3: gopay tokenized is cancelled from authorize."""
    answer = charge(core, linked(core), pre_auth=True)

    assert core.transactions.cancel(answer["order_id"])["transaction_status"] == "cancel"


def test_a_payment_from_a_linked_account_can_be_given_back(core: CoreApi):
    """4.1 and 6."""
    answer = charge(core, linked(core))

    refunded = core.transactions.refund(answer["order_id"], {"refund_key": new_id(), "amount": 1})

    assert told(refunded, "status_code", "transaction_status") == ("200", "partial_refund")


def test_an_account_that_waits_does_not_pay(core: CoreApi, pending: Fields):
    """9: an account pays when it is ENABLED. With which code it is refused the document does not say."""
    paid_from = {"account_id": pending["account_id"], "payment_option_token": "a token"}

    refusal(core.charge, order("gopay", gopay=paid_from))

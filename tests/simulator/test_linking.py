"""Linked GoPay accounts, and payments from them (midtrans.md 9, 10.7, 13)."""

from hashlib import sha512

import pytest

PATH = "/v2/pay/account"
PIN = "112233"


def ask(merchant, phone="81234567891", **changes):
    partner = {
        "phone_number": phone,
        "country_code": "62",
        "redirect_url": "https://shop.test/back",
    }
    return merchant.post(PATH, {"payment_type": "gopay", "gopay_partner": partner} | changes)


def linked(merchant, phone="81234567891"):
    account_id = ask(merchant, phone)["account_id"]
    merchant.control("accounts/link", account_id=account_id)
    return account_id


def options(merchant, account_id):
    return merchant.get(f"{PATH}/{account_id}")["metadata"]["payment_options"]


def pay_with(merchant, account_id, amount=50_000, *, option=0, **changes):
    token = options(merchant, account_id)[option]["token"]
    gopay = {"account_id": account_id, "payment_option_token": token} | changes
    order = {"order_id": merchant.order_id(), "gross_amount": amount}
    return merchant.charge("gopay", gopay=gopay, transaction_details=order)


def told(inbox, account_id, status):
    def about(body):
        return (body.get("account_id"), body.get("account_status")) == (account_id, status)

    return inbox.wait_told("/accounts", about)[0]


def test_an_account_waits_for_its_owner(merchant):
    asked = ask(merchant)
    seen = merchant.get(f"{PATH}/{asked['account_id']}")

    assert (asked["status_code"], asked["account_status"]) == ("201", "PENDING")
    assert [one["name"] for one in asked["actions"]] == [
        "activation-link-url",
        "activation-link-app",
    ]
    assert (seen["status_code"], seen["account_status"]) == ("201", "PENDING")
    assert "metadata" not in seen


@pytest.mark.parametrize(
    ("phone", "code", "words"),
    [("123450001", "105", "User Not Found"), ("123450002", "112", "Wallet is Blocked")],
)
def test_some_phones_have_no_usable_wallet(merchant, phone, code, words):
    refused = ask(merchant, phone)

    assert refused["status_code"] == "202"
    assert (refused["channel_response_code"], refused["channel_response_message"]) == (code, words)


def test_a_blocked_user_is_410_in_the_new_sandbox(merchant):
    refused = ask(merchant, "8271939753")

    assert (refused["status_code"], refused["status_message"]) == ("410", "GoPay user is blocked")


@pytest.mark.parametrize("phone", ["081234567891", "+6281234567891", "8123x"])
def test_a_phone_number_is_digits_without_a_nought(merchant, phone):
    reply = merchant.http.post(
        PATH, json={"payment_type": "gopay", "gopay_partner": {"phone_number": phone}}
    )

    assert (reply.status_code, reply.json()["status_code"]) == (400, "400")
    assert reply.json()["validation_messages"] == [
        "gopay_partner.phone_number must be numeric digits and must not begin with 0"
    ]


def test_a_wrong_key_is_unauthorised(merchant):
    assert merchant.http.post(PATH, json={}, auth=("abc", "")).status_code == 401


def test_keys_are_ignored_for_accounts(merchant):
    body = {"payment_type": "gopay", "gopay_partner": {"phone_number": "81234567891"}}
    first, second = (merchant.post(PATH, body, idempotency_key="same") for _ in range(2))

    assert first["account_id"] != second["account_id"]


def test_the_payer_links_on_the_page_with_the_pin(merchant, inbox):
    asked = ask(merchant)
    page = asked["actions"][0]["url"]
    shown = merchant.http.get(page, auth=None)
    wrong = merchant.http.post(page, data={"pin": "000000"}, auth=None)
    right = merchant.http.post(page, data={"pin": PIN}, auth=None)

    seen = merchant.get(f"{PATH}/{asked['account_id']}")
    assert "PIN" in shown.text
    assert "not the PIN" in wrong.text
    assert (right.status_code, right.headers["location"]) == (303, "https://shop.test/back")
    assert (seen["status_code"], seen["account_status"]) == ("200", "ENABLED")
    told(inbox, asked["account_id"], "ENABLED")


def test_a_linked_account_is_told_and_signed(merchant, inbox):
    account_id = linked(merchant)

    body = told(inbox, account_id, "ENABLED")
    signed = f"{account_id}ENABLED200SB-Mid-server-test"
    assert body == {
        "account_id": account_id,
        "merchant_id": "G141532850",
        "payment_type": "gopay",
        "signature_key": sha512(signed.encode()).hexdigest(),
        "status_code": "200",
        "account_status": "ENABLED",
        "status_message": "Midtrans account_linked notification",
    }


def test_it_shows_its_wallet_and_a_new_token_each_time(merchant):
    account_id = linked(merchant)

    (first,), (second,) = options(merchant, account_id), options(merchant, account_id)
    assert first["name"] == "GOPAY_WALLET"
    assert first["active"] is True
    assert first["balance"] == {"value": "1000000.00", "currency": "IDR"}
    assert first["token"] != second["token"]


@pytest.mark.parametrize("recurring", [True, False])
def test_a_token_is_good_until_the_next_look_also_for_who_charges_by_themselves(
    merchant, recurring
):
    account_id = linked(merchant)
    old = options(merchant, account_id)[0]["token"]
    options(merchant, account_id)

    refused = pay_with(merchant, account_id, payment_option_token=old, recurring=recurring)
    paid = pay_with(merchant, account_id, recurring=recurring)

    assert refused["status_code"] == "400"
    assert "GoPay token is invalid for the payment" in str(refused)
    assert paid["transaction_status"] == "settlement"


def test_some_users_may_pay_later(merchant):
    account_id = linked(merchant, "8103001242")

    names = [one["name"] for one in options(merchant, account_id)]
    assert names == ["GOPAY_WALLET", "PAY_LATER"]
    paid = pay_with(merchant, account_id, option=1)
    assert paid["payment_option_type"] == "PAY_LATER"


def test_a_link_lapses_after_five_minutes(merchant):
    asked = ask(merchant)
    merchant.control("clock", advance_seconds=301)
    late = merchant.http.post(asked["actions"][0]["url"], data={"pin": PIN}, auth=None)

    assert late.status_code == 409
    assert merchant.get(f"{PATH}/{asked['account_id']}")["account_status"] == "EXPIRED"


def test_an_account_is_unbound_once_it_is_linked(merchant, inbox):
    waiting = ask(merchant)["account_id"]
    refused = merchant.post(f"{PATH}/{waiting}/unbind", {})
    account_id = linked(merchant)
    unbound = merchant.post(f"{PATH}/{account_id}/unbind", {})

    assert refused["status_code"] == "412"
    assert refused["status_message"] == "Account status cannot be updated."
    assert (unbound["status_code"], unbound["account_status"]) == ("204", "DISABLED")
    assert told(inbox, account_id, "DISABLED")["status_code"] == "204"
    assert merchant.post(f"{PATH}/{account_id}/unbind", {})["status_code"] == "412"


def test_an_unknown_account_is_not_found(merchant):
    assert merchant.get(f"{PATH}/nobody")["status_code"] == "404"
    assert merchant.post(f"{PATH}/nobody/unbind", {})["status_code"] == "404"


def test_a_small_payment_is_settled_at_once_and_leaves_the_wallet(merchant, inbox):
    account_id = linked(merchant)
    paid = pay_with(merchant, account_id, 99_999)

    assert (paid["status_code"], paid["transaction_status"]) == ("200", "settlement")
    assert paid["status_message"] == "Success, GoPay transaction is successful"
    assert "actions" not in paid
    assert options(merchant, account_id)[0]["balance"]["value"] == "900001.00"
    told_of = inbox.wait(paid["order_id"], "settlement")
    assert told_of["payment_option_type"] == "GOPAY_WALLET"


def test_a_refund_comes_back_to_the_wallet(merchant):
    account_id = linked(merchant)
    paid = pay_with(merchant, account_id)
    merchant.post(f"/v2/{paid['order_id']}/refund", {"refund_key": "k", "amount": 20_000})

    assert options(merchant, account_id)[0]["balance"]["value"] == "970000.00"


def test_from_a_hundred_thousand_the_payer_types_the_pin(merchant, inbox):
    account_id = linked(merchant)
    asked = pay_with(merchant, account_id, 100_000, callback_url="https://shop.test/done")
    page = asked["actions"][0]["url"]
    merchant.http.post(page, data={"pin": "1"}, auth=None)
    still = merchant.status(asked["order_id"])["transaction_status"]
    back = merchant.http.post(page, data={"pin": PIN}, auth=None)

    assert (asked["status_code"], asked["transaction_status"]) == ("201", "pending")
    assert [one["name"] for one in asked["actions"]] == [
        "verification-link-url",
        "verification-link-app",
    ]
    assert still == "pending"
    assert back.headers["location"].startswith("https://shop.test/done?order_id=")
    inbox.wait(asked["order_id"], "pending", "settlement")


def test_the_pin_is_wanted_within_five_minutes(merchant):
    asked = pay_with(merchant, linked(merchant), 100_000)
    merchant.control("clock", advance_seconds=301)
    page = asked["actions"][0]["url"]

    assert "GoPay challenge token is already expired" in merchant.http.get(page, auth=None).text
    assert merchant.http.post(page, data={"pin": PIN}, auth=None).status_code == 409


def test_a_poor_wallet_refuses(merchant, inbox):
    refused = pay_with(merchant, linked(merchant, "8242014881"), 50_000)

    assert (refused["status_code"], refused["transaction_status"]) == ("202", "deny")
    assert refused["channel_response_code"] == "201"
    assert refused["channel_response_message"] == "Insufficient Balance"
    inbox.wait(refused["order_id"], "deny")


@pytest.mark.parametrize(
    ("gopay", "code", "words"),
    [
        ({"payment_option_token": "t"}, "400", "Gopay.account_id is required"),
        ({"account_id": "nobody", "payment_option_token": "t"}, "404", "GoPay Wallet doesn't"),
    ],
)
def test_a_payment_names_a_linked_account(merchant, gopay, code, words):
    refused = merchant.charge("gopay", gopay=gopay)

    assert refused["status_code"] == code
    assert str(refused.get("validation_messages") or refused["status_message"]).count(words)


def test_an_old_token_is_not_good_for_a_payment(merchant):
    account_id = linked(merchant)
    old = options(merchant, account_id)[0]["token"]
    options(merchant, account_id)

    refused = merchant.charge(
        "gopay", gopay={"account_id": account_id, "payment_option_token": old}
    )

    assert refused["validation_messages"] == ["GoPay token is invalid for the payment"]


def test_money_is_held_and_captured_in_full_only(merchant, inbox):
    held = pay_with(merchant, linked(merchant), pre_auth=True)
    capture = {"transaction_id": held["transaction_id"]}
    part = merchant.post("/v2/capture", capture | {"gross_amount": 1})
    full = merchant.post("/v2/capture", capture | {"gross_amount": 50_000})

    assert (held["status_code"], held["transaction_status"]) == ("200", "authorize")
    assert part["status_code"] == "400"
    assert (full["status_code"], full["transaction_status"]) == ("200", "settlement")
    inbox.wait(held["order_id"], "authorize", "settlement")


def test_held_money_is_released_after_fifteen_minutes(merchant):
    account_id = linked(merchant)
    held = pay_with(merchant, account_id, pre_auth=True)
    merchant.control("clock", advance_seconds=901)

    assert merchant.status(held["order_id"])["transaction_status"] == "expire"
    assert options(merchant, account_id)[0]["balance"]["value"] == "1000000.00"


def test_held_money_can_be_let_go(merchant):
    held = pay_with(merchant, linked(merchant), pre_auth=True)

    assert merchant.post(f"/v2/{held['order_id']}/cancel")["transaction_status"] == "cancel"

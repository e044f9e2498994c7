"""Test cards, 3-D Secure, pre-authorisation and saved cards (midtrans.md 4.2, 5, 6, 13)."""

import pytest

OTP = "112233"
FDS = "Denied by Veritrans Fraud Detection System"
BANK = "Deny by Bank [BNI] with code [05] and message [Do not honour]"

# midtrans.md 13, without `authentication`: number, status, fraud status, status code, message
AT_ONCE = (
    ("4811 1111 1111 1114", "capture", "accept", "200", "Success, Credit Card"),
    ("5264 2210 3887 4659", "capture", "accept", "200", "Success, Credit Card"),
    ("4911 1111 1111 1113", "deny", "accept", "202", BANK),
    ("4411 1111 1111 1118", "capture", "accept", "200", "Success, Credit Card"),
    ("6212 4895 0662 1198", "capture", "accept", "200", "Success, Credit Card"),
    ("4611 1111 1111 1116", "deny", "deny", "202", FDS),
    ("6212 4825 3517 8193 972", "deny", "deny", "202", FDS),
    ("3703 5609 7975 856", "deny", "accept", "202", BANK),
    ("4511 1111 1111 1117", "capture", "challenge", "201", "Success, Credit Card"),
    ("5510 1111 1111 1115", "capture", "challenge", "201", "Success, Credit Card"),
    ("4472 4298 6999 6670", "deny", "accept", "202", "Deny by Bank [BNI] with code [51]"),
    ("4705 8595 1098 4866", "deny", "accept", "202", "Deny by Bank"),
)
# with `authentication`, after the right password: number, status, eci
BEHIND_A_PAGE = (
    ("4811 1111 1111 1114", "capture", "05"),
    ("5211 1111 1111 1117", "capture", "02"),
    ("4911 1111 1111 1113", "deny", "05"),
    ("4916 9940 6425 2017", "capture", "05"),
    ("4604 6331 9421 9929", "deny", "07"),
    ("4617 0069 5974 6656", "capture", "05"),
    ("5520 0883 1465 3770", "deny", "02"),
)
FRICTIONLESS = (
    ("4556 5579 5572 6624", "capture"),
    ("4485 4364 5535 4151", "deny"),
    ("3794 5219 9603 6850", "deny"),
)


@pytest.mark.parametrize(("number", "status", "fraud", "code", "message"), AT_ONCE)
def test_a_card_without_3ds_is_decided_at_once(
    merchant, inbox, *, number, status, fraud, code, message
):
    charged = merchant.charge_card(number)

    digits = number.replace(" ", "")
    assert (charged["transaction_status"], charged["fraud_status"]) == (status, fraud)
    assert charged["status_code"] == code
    assert charged["status_message"].startswith(message)
    assert charged["masked_card"] == f"{digits[:8]}-{digits[-4:]}"
    assert ("approval_code" in charged) == (status == "capture")
    assert "redirect_url" not in charged
    assert inbox.wait(charged["order_id"], status)["status_code"] == code


@pytest.mark.parametrize(("number", "status", "eci"), BEHIND_A_PAGE)
def test_a_3ds_card_waits_for_its_one_time_password(merchant, inbox, number, status, eci):
    charged = merchant.charge_card(number, authentication=True)
    asked = merchant.http.get(charged["redirect_url"], auth=None)
    merchant.http.post(charged["redirect_url"], data={"otp": OTP}, auth=None)

    assert (charged["status_code"], charged["transaction_status"]) == ("201", "pending")
    assert "One-time password" in asked.text
    told = inbox.wait(charged["order_id"], "pending", status)
    assert told["eci"] == eci
    assert told["challenge_completion"] is True


def test_a_wrong_password_is_a_refusal(merchant):
    charged = merchant.charge_card("4811111111111114", authentication=True)
    merchant.http.post(charged["redirect_url"], data={"otp": "000000"}, auth=None)

    refused = merchant.status(charged["order_id"])
    assert (refused["transaction_status"], refused["eci"]) == ("deny", "07")
    assert refused["status_message"] == "3DS Authentication Denied"


@pytest.mark.parametrize(("number", "status"), FRICTIONLESS)
def test_a_frictionless_card_is_decided_when_the_page_opens(merchant, number, status):
    charged = merchant.charge_card(number, authentication=True)
    before = merchant.status(charged["order_id"])
    merchant.http.get(charged["redirect_url"], auth=None)

    after = merchant.status(charged["order_id"])
    assert before["transaction_status"] == "pending"
    assert after["transaction_status"] == status
    assert "challenge_completion" not in after


def test_a_slow_bank_accepts_after_a_minute(merchant):
    charged = merchant.charge_card("4024007176265022", authentication=True)
    merchant.http.get(charged["redirect_url"], auth=None)
    merchant.control("clock", advance_seconds=58)
    before = merchant.status(charged["order_id"])["transaction_status"]
    merchant.control("clock", advance_seconds=3)

    assert before == "pending"
    assert merchant.status(charged["order_id"])["transaction_status"] == "capture"


def test_a_card_of_3ds_1_is_refused(merchant):
    refused = merchant.charge_card("5555666677771111", authentication=True)

    assert refused["status_code"] == "402"
    assert refused["status_message"].startswith("Cards with 3DS version 1 or lower")


@pytest.mark.parametrize(("amount", "status"), [(30_000, "capture"), (30_001, "deny")])
def test_one_card_has_little_money(merchant, amount, status):
    assert merchant.charge_card("4806000000000081", amount)["transaction_status"] == status


def test_3ds_lapses_after_ten_minutes(merchant):
    charged = merchant.charge_card("4811111111111114", authentication=True)
    merchant.control("clock", advance_seconds=601)

    lapsed = merchant.status(charged["order_id"])
    assert (lapsed["status_code"], lapsed["transaction_status"]) == ("407", "expire")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"card_number": "4811111111111115"}, "card_number does not match with luhn algorithm"),
        ({"card_exp_year": "2020"}, "card_exp_year must be greater than this year"),
        ({"card_number": ""}, "card_number is required"),
    ],
)
def test_a_bad_card_gets_no_token(merchant, changes, message):
    refused = merchant.card_token("4811111111111114", **changes)

    assert refused["status_code"] == "400"
    assert refused["validation_messages"] == [message]


def test_a_token_needs_the_client_key(merchant):
    refused = merchant.card_token("4811111111111114", client_key="SB-Mid-server-test")

    assert refused["status_code"] == "401"


def card_charge(merchant, token_id, **options):
    order = {"order_id": merchant.order_id(), "gross_amount": 12_145}
    return merchant.post(
        "/v2/charge",
        {
            "payment_type": "credit_card",
            "transaction_details": order,
            "credit_card": {"token_id": token_id, **options},
        },
    )


def test_a_token_serves_once_and_for_three_minutes(merchant):
    used = merchant.card_token("4811 1111 1111 1114")["token_id"]
    old = merchant.card_token("4811 1111 1111 1114")["token_id"]
    assert used.startswith("48111111-1114-")
    assert len(used) == 50
    assert card_charge(merchant, used)["status_code"] == "200"
    merchant.control("clock", advance_seconds=181)

    for token_id in (used, old, "48111111-1114-unknown"):
        refused = card_charge(merchant, token_id)
        assert refused["status_code"] == "411"
        assert refused["status_message"] == "Token id is missing, invalid, or timed out"


def test_a_saved_card_is_charged_again_and_again(merchant):
    saved = merchant.charge_card("4811111111111114", save_token_id=True)["saved_token_id"]

    assert len(saved) == 32
    for _ in range(2):
        assert card_charge(merchant, saved)["transaction_status"] == "capture"


def test_captured_cards_settle_on_request_or_by_the_next_days_batch(merchant, inbox):
    first, second = (merchant.charge_card("4811111111111114")["order_id"] for _ in range(2))
    merchant.control("settle", order_id=first)
    still = merchant.status(second)["transaction_status"]
    merchant.control("clock", advance_seconds=2 * 86_400)

    assert still == "capture"
    for order_id in (first, second):
        assert "settlement_time" in inbox.wait(order_id, "capture", "settlement")


@pytest.mark.parametrize(
    ("review", "status", "fraud", "message"),
    [
        ("approve", "capture", "accept", "Success, transaction is approved"),
        ("deny", "deny", "deny", "Success, transaction is denied"),
    ],
)
def test_a_challenge_is_approved_or_denied_once(merchant, review, status, fraud, message):
    order_id = merchant.charge_card("4511111111111117")["order_id"]
    reviewed = merchant.post(f"/v2/{order_id}/{review}")

    assert (reviewed["status_code"], reviewed["status_message"]) == ("200", message)
    assert (reviewed["transaction_status"], reviewed["fraud_status"]) == (status, fraud)
    assert merchant.post(f"/v2/{order_id}/{review}")["status_code"] == "412"


def test_a_challenge_left_alone_is_cancelled_by_the_batch(merchant):
    order_id = merchant.charge_card("4511111111111117")["order_id"]
    merchant.control("settle", order_id=order_id)

    assert merchant.status(order_id)["transaction_status"] == "cancel"


def test_a_hold_is_captured_in_part(merchant):
    held = merchant.charge_card("4811111111111114", type="authorize")
    asked = {"transaction_id": held["transaction_id"], "gross_amount": 30_000}
    too_much = merchant.post("/v2/capture", asked | {"gross_amount": 50_001})
    untouched = merchant.status(held["order_id"])["transaction_status"]
    captured = merchant.post("/v2/capture", asked)

    assert (held["status_code"], held["transaction_status"]) == ("200", "authorize")
    assert (too_much["status_code"], too_much["transaction_status"]) == ("202", "deny")
    assert untouched == "authorize"
    assert (captured["transaction_status"], captured["gross_amount"]) == ("capture", "30000.00")
    assert captured["status_message"] == ("Success, Credit Card capture transaction is successful")
    assert merchant.post("/v2/capture", asked)["status_code"] == "412"


def test_a_hold_is_released_by_cancel_or_after_a_week_and_recorded_after_eight_days(merchant):
    first, second = (merchant.charge_card("4811111111111114", type="authorize") for _ in range(2))
    cancelled = merchant.post(f"/v2/{first['order_id']}/cancel")
    merchant.control("clock", advance_seconds=7 * 86_400 + 1)
    late = merchant.post("/v2/capture", {"transaction_id": second["transaction_id"]})
    unrecorded = merchant.status(second["order_id"])["transaction_status"]
    merchant.control("clock", advance_seconds=86_400)

    assert cancelled["status_code"] == "200"
    assert (late["status_code"], unrecorded) == ("412", "authorize")
    assert merchant.status(second["order_id"])["transaction_status"] == "expire"


@pytest.mark.parametrize(
    ("bank", "captured", "code"),
    [
        ("bni", False, "412"),
        ("bni", True, "200"),
        ("mandiri", False, "200"),
        ("mandiri", True, "412"),
        ("bca", False, "200"),
        ("bca", True, "200"),
    ],
)
def test_acquirers_differ_in_when_they_let_a_hold_go(merchant, bank, captured, code):
    held = merchant.charge_card("4811111111111114", type="authorize", bank=bank)
    if captured:
        merchant.post("/v2/capture", {"transaction_id": held["transaction_id"]})

    assert merchant.post(f"/v2/{held['order_id']}/cancel")["status_code"] == code


def test_a_captured_card_can_be_challenged_and_approved(merchant, inbox):
    order_id = merchant.charge_card("4811111111111114")["order_id"]
    merchant.control("challenge", order_id=order_id)
    challenged = merchant.status(order_id)
    approved = merchant.post(f"/v2/{order_id}/approve", {})

    assert (challenged["fraud_status"], challenged["status_code"]) == ("challenge", "201")
    assert approved["status_message"] == "Success, transaction is approved"
    assert merchant.status(order_id)["fraud_status"] == "accept"


def test_a_chargeback_takes_part_or_all(merchant):
    order_id = merchant.charge_card("4811111111111114")["order_id"]
    merchant.control("settle", order_id=order_id)
    merchant.control("chargeback", order_id=order_id, amount=10_000)
    part = merchant.status(order_id)["transaction_status"]
    merchant.control("chargeback", order_id=order_id)

    assert part == "partial_chargeback"
    assert merchant.status(order_id)["transaction_status"] == "chargeback"


def test_a_saved_card_is_good_until_the_card_is_over(begin):
    """midtrans.md 4.2: the end of the card's validity; afterwards 411."""
    merchant = begin()
    merchant.control("clock", set="2026-11-23 10:00:00")
    token_id = merchant.card_token("4811111111111114", card_exp_month="02", card_exp_year="2028")[
        "token_id"
    ]
    first = card_charge(merchant, token_id, save_token_id=True)
    saved = first["saved_token_id"]
    merchant.control("clock", set="2028-02-29 06:59:00")
    last = card_charge(merchant, saved)
    merchant.control("clock", advance_seconds=120)

    over = card_charge(merchant, saved)

    assert first["saved_token_id_expired_at"] == "2028-02-29 07:00:00"
    assert last["transaction_status"] == "capture"
    assert over["status_code"] == "411"

"""Cards through the gateway's own package: tokens, saved cards, points, charges. midtrans.md 4.2, 5 and 13."""

import re

import pytest
from midtransclient import CoreApi

from support.sdk import (
    ACCEPTED_CARD,
    BNI_CARD,
    DENIED_CARD,
    FRAUD_CARD,
    SECURE_CARD,
    Sandbox,
    card,
    card_order,
    codes,
    core_api,
    new_id,
    order,
    refusal,
    token,
    told,
)

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
WIB = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"

# ── tokens ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_card_becomes_a_token_that_tells_its_ends_only(core: CoreApi):
    """18.3, card_token; 4.2 has the form of a token."""
    answer = core.card_token(card(BNI_CARD))

    assert told(answer, "status_code", "status_message") == (
        "200",
        "Credit card token is created as Token ID.",
    )
    assert re.fullmatch(rf"52642210-4659-{UUID}", answer["token_id"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"card_number": "4811111111111115"}, "card_number does not match with luhn algorithm"),
        ({"card_exp_year": "2020"}, "card_exp_year must be greater than this year"),
    ],
    ids=["a digit mistaken", "expired"],
)
def test_a_card_that_cannot_be_right_gets_no_token(
    core: CoreApi, changed: dict[str, str], message: str
):
    """5, validation failure; 1.8 has its shape."""
    error = refusal(core.card_token, card(ACCEPTED_CARD) | changed)

    assert codes(error) == (400, "400")
    assert message in error.api_response_dict["validation_messages"]


def test_a_stranger_gets_no_token(core: CoreApi):
    """1.2: a wrong key is 401."""
    stranger = core_api(server_key="SB-Mid-server-other")

    error = refusal(stranger.card_token, card(ACCEPTED_CARD) | {"client_key": "SB-Mid-client-x"})

    assert codes(error) == (401, "401")


def test_a_card_is_saved_under_a_token_of_its_own(core: CoreApi):
    """18.3, card_register; 4.2 has the form of a saved token."""
    answer = core.card_register(card(SECURE_CARD))

    assert told(answer, "status_code", "masked_card") == ("200", "48111111-1114")
    assert re.fullmatch(r"48111111.{20}1114", answer["saved_token_id"])
    assert answer["transaction_id"]


def test_a_card_can_be_saved_without_its_cvv(core: CoreApi):
    """5, card/register."""
    query = card(SECURE_CARD)
    del query["card_cvv"]

    assert core.card_register(query)["status_code"] == "200"


def test_a_card_that_cannot_be_right_is_not_saved(core: CoreApi):
    """5: the same query, so the same validation."""
    assert codes(refusal(core.card_register, card("4811111111111115"))) == (400, "400")


def test_points_are_told_as_text(core: CoreApi):
    """18.3, point_inquiry; 5 has its fields."""
    answer = core.card_point_inquiry(token(core, BNI_CARD))

    assert answer["status_code"] == "200"
    assert "Success" in answer["status_message"]
    assert re.fullmatch(r"\d+\.\d\d", answer["point_balance_amount"])
    assert re.fullmatch(WIB, answer["transaction_time"])


# ── charges ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_survives_a_question_for_points_and_is_captured_without_3ds(core: CoreApi):
    """18.3, charge cc simple: the card could do 3-D Secure, but nobody asked for it."""
    one_time = token(core, BNI_CARD)
    core.card_point_inquiry(one_time)

    answer = core.charge(card_order(one_time))

    assert told(answer, "status_code", "transaction_status", "fraud_status") == (
        "200",
        "capture",
        "accept",
    )


def test_a_captured_charge_tells_what_the_document_lists(core: CoreApi):
    """4.2, non-3DS success."""
    body = card_order(token(core, BNI_CARD), order_id=new_id())

    answer = core.charge(body)

    assert told(answer, "order_id", "gross_amount", "currency", "payment_type") == (
        body["transaction_details"]["order_id"],
        "12145.00",
        "IDR",
        "credit_card",
    )
    assert told(answer, "masked_card", "bank", "card_type") == ("52642210-4659", "bni", "credit")
    assert told(answer, "channel_response_code", "channel_response_message") == ("00", "Approved")
    assert answer["status_message"] == "Success, Credit Card transaction is successful"
    assert answer["approval_code"] and answer["eci"] and answer["transaction_id"]
    assert re.fullmatch(WIB, answer["transaction_time"])


def test_a_saved_card_pays_with_one_click(core: CoreApi):
    """18.3, charge cc one click."""
    saved = core.card_register(card(SECURE_CARD))["saved_token_id"]

    answer = core.charge(card_order(saved))

    assert told(answer, "status_code", "transaction_status", "fraud_status") == (
        "200",
        "capture",
        "accept",
    )


def test_a_card_saved_by_its_first_payment_pays_again_with_one_click(core: CoreApi):
    """4.2, saved cards, one-click."""
    first = core.charge(card_order(token(core), save_token_id=True))
    assert re.fullmatch(r"44111111.{20}1118", first["saved_token_id"])
    assert re.fullmatch(WIB, first["saved_token_id_expired_at"])

    again = core.charge(card_order(first["saved_token_id"]))

    assert told(again, "status_code", "masked_card") == ("200", "44111111-1118")


def test_a_saved_card_pays_again_with_two_clicks(core: CoreApi):
    """4.2, saved cards, two-click: a new one-time token for the saved one and the CVV."""
    saved = core.charge(card_order(token(core), save_token_id=True))["saved_token_id"]
    query = {"client_key": core.api_config.client_key, "token_id": saved, "card_cvv": "123"}

    one_time = core.card_token(query)["token_id"]

    assert one_time != saved
    assert core.charge(card_order(one_time))["transaction_status"] == "capture"


def test_a_status_tells_of_the_saved_card_too(core: CoreApi):
    """4.2: in the answer, the notice and GET status."""
    charged = core.charge(card_order(token(core), save_token_id=True))

    found = core.transactions.status(charged["order_id"])

    assert found["saved_token_id"] == charged["saved_token_id"]


def test_a_card_asked_for_3ds_waits_for_its_holder(core: CoreApi, sandbox: Sandbox):
    """4.2, 3DS; the holder then types the one-time password."""
    charged = core.charge(card_order(token(core, SECURE_CARD), authentication=True))
    assert told(charged, "status_code", "transaction_status") == ("201", "pending")
    assert charged["redirect_url"].startswith("http")

    sandbox.act("pay", order_id=charged["order_id"])

    found = core.transactions.status(charged["order_id"])
    assert told(found, "status_code", "transaction_status") == ("200", "capture")


def test_a_holder_who_fails_the_challenge_has_not_paid(core: CoreApi, sandbox: Sandbox):
    """4.2, 3DS failure: denied with ECI 07; the status code of a denied transaction is 202 (6, unverified)."""
    charged = core.charge(card_order(token(core, SECURE_CARD), authentication=True))

    sandbox.act("deny", order_id=charged["order_id"])

    found = core.transactions.status(charged["order_id"])
    assert told(found, "status_code", "transaction_status", "eci") == ("202", "deny", "07")


def test_a_card_of_the_first_3ds_is_not_supported(core: CoreApi):
    """4.2 and 13: body 402; by 1.7 with HTTP 200."""
    body = card_order(token(core, "4723 2494 7908 2225"), authentication=True)

    error = refusal(core.charge, body)

    assert codes(error) == (200, "402")
    assert "3DS version 1" in error.api_response_dict["status_message"]


def test_what_a_bank_denies_is_an_answer_and_no_error(core: CoreApi):
    """4.2, deny example; 18.1: 202 is returned as a dict; 10.5: nothing was approved."""
    answer = core.charge(card_order(token(core, DENIED_CARD)))

    assert told(answer, "status_code", "transaction_status") == ("202", "deny")
    assert answer["channel_response_code"] != "00"
    assert "approval_code" not in answer


def test_what_fraud_detection_denies_tells_so(core: CoreApi):
    """4.2, FDS deny, and 11.2."""
    answer = core.charge(card_order(token(core, FRAUD_CARD)))

    assert told(answer, "status_code", "transaction_status", "fraud_status", "status_message") == (
        "202",
        "deny",
        "deny",
        "Denied by Veritrans Fraud Detection System",
    )


def test_insufficient_funds_are_told_with_the_code_of_the_network(core: CoreApi):
    """13: denied with 51, at any amount."""
    answer = core.charge(card_order(token(core, "4472 4298 6999 6670")))

    assert told(answer, "transaction_status", "channel_response_code") == ("deny", "51")


@pytest.mark.parametrize(
    ("amount", "status"), [(30_000, "capture"), (30_001, "deny")], ids=["30000", "above"]
)
def test_a_card_with_a_limit_is_denied_above_it_only(core: CoreApi, amount: int, status: str):
    """13: 4806 0000 0000 0081 is denied with 51 for amounts above 30 000."""
    answer = core.charge(card_order(token(core, "4806 0000 0000 0081"), amount))

    assert answer["transaction_status"] == status


def test_a_token_that_nobody_made_is_refused(core: CoreApi):
    """4.2, unknown token: body 411; with HTTP 200 by analogy (1.7)."""
    error = refusal(core.charge, card_order("48111111-1114-00000000-0000-0000-0000-000000000000"))

    assert codes(error) == (200, "411")
    assert error.api_response_dict["status_message"] == "Token id is missing, invalid, or timed out"


def test_a_card_number_is_not_taken_where_tokens_are(core: CoreApi):
    """4.2, `card`, and 1.7."""
    pan = {"number": "4811111111111114", "expiry_month": "12", "expiry_year": "2030", "cvv": "123"}

    error = refusal(core.charge, order("credit_card", credit_card={"card": pan}))

    assert codes(error) == (200, "402")
    assert "Full PAN" in error.api_response_dict["status_message"]

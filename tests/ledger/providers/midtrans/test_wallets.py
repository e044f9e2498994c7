"""What a look at a linked account comes to: a token to charge with, or that nothing was done."""

import json
from typing import Any

import pytest

from ledger.providers.midtrans.answers import Reply
from ledger.providers.midtrans.wallets import TOKEN_TURNED, after_charge, current_token
from ledger.providers.port import DidNot, Unknown

WALLET = {"name": "GOPAY_WALLET", "active": True, "token": "of-the-wallet"}
LATER = {"name": "PAY_LATER", "active": True, "token": "of-pay-later"}
SAVINGS = {"name": "GOPAY_SAVINGS", "active": True, "token": "of-the-savings"}


def shown(*options: dict[str, Any], status: str = "ENABLED") -> Reply:
    body = {
        "status_code": "200",
        "account_status": status,
        "metadata": {"payment_options": options},
    }
    return Reply(200, json.dumps(body).encode())


def refusal(code: str, words: str, http: int = 200) -> Reply:
    return Reply(http, json.dumps({"status_code": code, "status_message": words}).encode())


@pytest.mark.parametrize(
    ("options", "saved", "charged"),
    [
        ((LATER, WALLET), "long ago", "of-the-wallet"),
        ((WALLET, LATER), "of-pay-later", "of-pay-later"),  # it has not rotated yet
        ((WALLET | {"active": False}, LATER), "long ago", "of-pay-later"),
        ((SAVINGS,), "long ago", "of-the-savings"),
    ],
)
def test_the_saved_option_is_charged_or_else_the_wallet_or_else_what_there_is(
    options: tuple[dict[str, Any], ...], saved: str, charged: str
) -> None:
    assert current_token(shown(*options), saved) == charged


@pytest.mark.parametrize("status", ["PENDING", "EXPIRED", "DISABLED"])
def test_an_account_that_is_not_linked_is_the_customers_to_mend(status: str) -> None:
    found = current_token(shown(WALLET, status=status), "token")

    assert isinstance(found, DidNot)
    assert (found.code, found.retryable) == ("payer_account_unknown", False)


@pytest.mark.parametrize(
    ("seen", "code", "retryable"),
    [
        (shown(), "payer_account_unknown", False),
        (shown(WALLET | {"active": False}), "payer_account_unknown", False),
        (refusal("404", "GoPay Wallet doesn't exist."), "payer_account_unknown", False),
        (refusal("410", "GoPay user is blocked"), "account_blocked", False),
        (refusal("401", "Unauthorised"), "gateway_credentials_refused", False),
        (Reply(429, b'{"message":"API rate limit exceeded"}'), "rate_limited", True),
        (refusal("500", "Sorry"), "service_unavailable", True),
        (Reply(502, b"<html>"), "service_unavailable", True),
        (Reply(200, b"<html>"), "service_unavailable", True),
        (Reply(200, b"{}"), "service_unavailable", True),
        (Unknown(cause="timeout"), "service_unavailable", True),
        (DidNot(code="service_unavailable", words="", retryable=True), "service_unavailable", True),
    ],
)
def test_whatever_else_is_seen_proves_that_nothing_was_charged(
    seen: Reply | DidNot | Unknown, code: str, retryable: bool
) -> None:
    found = current_token(seen, "token")

    assert isinstance(found, DidNot)
    assert (found.code, found.retryable) == (code, retryable)


def test_a_token_that_turned_between_look_and_charge_is_fetched_again() -> None:
    refused = DidNot(code="request_invalid", words="GoPay token is invalid for the payment")
    other = DidNot(code="request_invalid", words="transaction_details.order_id is required")

    assert after_charge(refused) == DidNot(code=TOKEN_TURNED, words=refused.words, retryable=True)
    assert after_charge(other) is other

"""Card payments that the merchant still has to decide about: holds, challenges. midtrans.md 4.2, 6."""

import pytest
from midtransclient import CoreApi

from support.sdk import (
    CHALLENGED_CARD,
    Fields,
    captured,
    card_order,
    codes,
    new_id,
    refusal,
    token,
    told,
)

# ── held, then taken ──────────────────────────────────────────────────────────────────────────────────────────────


def held(core: CoreApi, amount: int = 55_000) -> Fields:
    return dict(core.charge(card_order(token(core), amount, type="authorize")))


def test_an_authorization_holds_and_takes_nothing(core: CoreApi):
    """4.2, pre-auth; 6: its status is found with 200."""
    charged = held(core)
    assert told(charged, "status_code", "transaction_status") == ("200", "authorize")

    found = core.transactions.status(charged["order_id"])

    assert told(found, "status_code", "transaction_status") == ("200", "authorize")


def test_what_is_held_can_be_captured(core: CoreApi):
    """6, capture: the amount may be left out, then it is all."""
    answer = core.capture({"transaction_id": held(core)["transaction_id"]})

    assert told(answer, "status_code", "transaction_status", "gross_amount", "status_message") == (
        "200",
        "capture",
        "55000.00",
        "Success, Credit Card capture transaction is successful",
    )


def test_less_than_is_held_can_be_captured(core: CoreApi):
    """4.2: partial capture is allowed for cards."""
    charged = held(core)

    core.capture({"transaction_id": charged["transaction_id"], "gross_amount": 40_000})

    found = core.transactions.status(charged["order_id"])
    assert told(found, "transaction_status", "gross_amount") == ("capture", "40000.00")


def test_what_is_held_can_be_let_go(core: CoreApi):
    """6, cancel from authorize."""
    answer = core.transactions.cancel(held(core)["order_id"])

    assert told(answer, "status_code", "transaction_status") == ("200", "cancel")


def test_nothing_is_captured_twice(core: CoreApi):
    """6, capture, wrong state; 1.7: 412 comes with HTTP 200."""
    charged = held(core)
    core.capture({"transaction_id": charged["transaction_id"]})

    error = refusal(core.capture, {"transaction_id": charged["transaction_id"]})

    assert codes(error) == (200, "412")


def test_a_transaction_that_nobody_made_is_not_captured(core: CoreApi):
    """12.1 and 1.7: 404 in the body, HTTP 200."""
    assert codes(refusal(core.capture, {"transaction_id": new_id()})) == (200, "404")


# ── challenged ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_challenged_card_waits_for_the_merchant(core: CoreApi):
    """11.2, capture with challenge; 12.1: 201, action needed; 13: the card is one of the older sandboxes."""
    answer = core.charge(card_order(token(core, CHALLENGED_CARD)))

    assert told(answer, "status_code", "transaction_status", "fraud_status") == (
        "201",
        "capture",
        "challenge",
    )


@pytest.mark.parametrize(
    ("act", "status", "fraud", "message"),
    [
        ("approve", "capture", "accept", "Success, transaction is approved"),
        ("deny", "deny", "deny", "Success, transaction is denied"),
    ],
)
def test_a_challenge_is_decided_by_the_merchant(
    core: CoreApi, act: str, status: str, fraud: str, message: str
):
    """6, approve and deny."""
    order_id = core.charge(card_order(token(core, CHALLENGED_CARD)))["order_id"]

    answer = getattr(core.transactions, act)(order_id)

    assert told(answer, "status_code", "status_message") == ("200", message)
    found = core.transactions.status(order_id)
    assert told(found, "transaction_status", "fraud_status") == (status, fraud)


@pytest.mark.parametrize("act", ["approve", "deny"])
def test_what_was_not_challenged_is_not_decided(core: CoreApi, act: str):
    """18.3, approve and deny on a captured order; 1.7: 412 comes with HTTP 200."""
    error = refusal(getattr(core.transactions, act), captured(core))

    assert "412" in str(error)
    assert codes(error) == (200, "412")


@pytest.mark.parametrize("act", ["approve", "deny"])
def test_a_decision_about_an_unknown_order_finds_nothing(core: CoreApi, act: str):
    """12.1 and 1.7."""
    assert codes(refusal(getattr(core.transactions, act), new_id())) == (200, "404")

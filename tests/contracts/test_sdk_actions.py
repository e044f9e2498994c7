"""What can be asked and done about a charge through the gateway's own package. midtrans.md 6 and 11."""

import pytest
from midtransclient import CoreApi

from support.sdk import (
    DENIED_CARD,
    Sandbox,
    bca_order,
    captured,
    card_order,
    codes,
    new_id,
    order,
    refusal,
    settled,
    token,
    told,
)

CANNOT_BE_UPDATED = {
    "Transaction status cannot be updated.",
    "Merchant cannot modify the status of the transaction",
}


def pending(core: CoreApi) -> str:
    return str(core.charge(bca_order())["order_id"])


# ── status ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_that_nobody_made_is_not_found(core: CoreApi):
    """18.3, status of an unknown id; 6: with HTTP 200."""
    error = refusal(core.transactions.status, "non-exist-order-id")

    assert "404" in str(error) and "exist" in str(error)
    assert codes(error) == (200, "404")
    assert error.api_response_dict["status_message"] == "Transaction doesn't exist."


def test_a_denied_charge_is_found_as_denied(core: CoreApi):
    """6: 202 for deny (unverified there); the package does not raise for it."""
    order_id = core.charge(card_order(token(core, DENIED_CARD)))["order_id"]

    found = core.transactions.status(order_id)

    assert told(found, "status_code", "transaction_status") == ("202", "deny")


def test_a_captured_card_is_settled_by_the_banks_batch(core: CoreApi, sandbox: Sandbox):
    """6 and 11.3: both are 200; `settlement_time` comes with the settlement."""
    order_id = captured(core)
    before = core.transactions.status(order_id)
    assert told(before, "status_code", "transaction_status", "settlement_time") == (
        "200",
        "capture",
        None,
    )

    sandbox.act("settle", order_id=order_id)

    after = core.transactions.status(order_id)
    assert told(after, "status_code", "transaction_status") == ("200", "settlement")
    assert after["settlement_time"]


def test_a_qr_code_of_gopay_scanned_by_another_app_is_qris(core: CoreApi, sandbox: Sandbox):
    """4.5: `payment_type` changes, and the fields of QRIS come."""
    order_id = core.charge(order("gopay"))["order_id"]

    sandbox.act("pay", order_id=order_id, issuer="dana")

    found = core.transactions.status(order_id)
    assert told(found, "payment_type", "issuer", "transaction_status") == (
        "qris",
        "dana",
        "settlement",
    )


def test_a_tills_payment_can_be_reversed(core: CoreApi, sandbox: Sandbox):
    """11.1, reversal: from settlement to deny, for which 6 has 202 (unverified there)."""
    order_id = settled(core, sandbox, order("cstore", cstore={"store": "indomaret"}))

    sandbox.act("reverse", order_id=order_id)

    found = core.transactions.status(order_id)
    assert told(found, "status_code", "transaction_status") == ("202", "deny")


def test_a_cards_payment_can_be_charged_back(core: CoreApi, sandbox: Sandbox):
    """11.1; 6: chargeback is found with 200."""
    order_id = captured(core)
    sandbox.act("settle", order_id=order_id)

    sandbox.act("chargeback", order_id=order_id)

    found = core.transactions.status(order_id)
    assert told(found, "status_code", "transaction_status") == ("200", "chargeback")


# ── cancel ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("start", [pending, captured], ids=["pending", "captured"])
def test_what_is_not_settled_can_be_cancelled(core: CoreApi, start):
    """18.3, cancel captured order, and 6, cancel from pending: 200, in the answer and in a later status."""
    order_id = start(core)

    answer = core.transactions.cancel(order_id)

    assert told(answer, "status_code", "transaction_status", "status_message") == (
        "200",
        "cancel",
        "Success, transaction is canceled",
    )
    found = core.transactions.status(order_id)
    assert told(found, "status_code", "transaction_status") == ("200", "cancel")


def test_a_charge_can_be_cancelled_by_its_transaction_id(core: CoreApi):
    """2, `{id}`."""
    made = core.charge(bca_order())

    assert core.transactions.cancel(made["transaction_id"])["order_id"] == made["order_id"]


def test_what_is_settled_is_not_cancelled(core: CoreApi, sandbox: Sandbox):
    """6, cancel; 17, 11; 1.7: 412 comes with HTTP 200."""
    order_id = settled(core, sandbox)

    error = refusal(core.transactions.cancel, order_id)

    assert codes(error) == (200, "412")
    assert error.api_response_dict["status_message"] in CANNOT_BE_UPDATED
    assert core.transactions.status(order_id)["transaction_status"] == "settlement"


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_what_has_ended_is_not_cancelled(core: CoreApi, end: str):
    """6, cancel: 412 from expire, and (unverified there) from cancel."""
    order_id = pending(core)
    getattr(core.transactions, end)(order_id)

    assert codes(refusal(core.transactions.cancel, order_id)) == (200, "412")


# ── expire ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_pending_can_be_expired_and_407_is_no_error(core: CoreApi):
    """18.3, expire; 6: the later status is 407 as well."""
    order_id = pending(core)

    answer = core.transactions.expire(order_id)

    assert told(answer, "status_code", "transaction_status", "status_message") == (
        "407",
        "expire",
        "Success, transaction has expired",
    )
    found = core.transactions.status(order_id)
    assert told(found, "status_code", "transaction_status") == ("407", "expire")


def test_what_time_expired_is_found_with_407(core: CoreApi, sandbox: Sandbox):
    """6, status: 407 for expire, whoever let it expire."""
    order_id = pending(core)

    sandbox.act("expire", order_id=order_id)

    found = core.transactions.status(order_id)
    assert told(found, "status_code", "transaction_status") == ("407", "expire")


def test_what_expired_cannot_be_paid(core: CoreApi, sandbox: Sandbox):
    """11.1: there is nothing after expire."""
    order_id = pending(core)
    core.transactions.expire(order_id)

    assert sandbox.refuses("pay", order_id=order_id)


def test_a_captured_card_does_not_expire(core: CoreApi):
    """6, expire: pending only."""
    assert codes(refusal(core.transactions.expire, captured(core))) == (200, "412")


def test_what_is_settled_does_not_expire(core: CoreApi, sandbox: Sandbox):
    """6, expire: pending only."""
    assert codes(refusal(core.transactions.expire, settled(core, sandbox))) == (200, "412")


@pytest.mark.parametrize("act", ["cancel", "expire", "refund", "refundDirect"])
def test_nothing_is_done_to_an_order_that_nobody_made(core: CoreApi, act: str):
    """12.1 and 1.7."""
    error = refusal(getattr(core.transactions, act), new_id())

    assert codes(error) == (200, "404")
    assert error.api_response_dict["status_message"] == "Transaction doesn't exist."


# ── many payments to one number ───────────────────────────────────────────────────────────────────────────────────


def test_the_payments_to_one_number_are_listed(core: CoreApi, sandbox: Sandbox):
    """6, status/b2b: a list of status objects."""
    order_id = core.charge(bca_order())["order_id"]
    sandbox.act("pay", order_id=order_id)

    answer = core.transactions.statusb2b(order_id)

    assert told(answer, "status_code", "status_message") == (
        "200",
        "Success, transactions are retrieved",
    )
    (listed,) = answer["transactions"]
    assert told(listed, "order_id", "transaction_status", "gross_amount") == (
        order_id,
        "settlement",
        "44145.00",
    )


def test_no_payments_are_listed_for_an_order_that_nobody_made(core: CoreApi):
    """12.1 and 1.7."""
    assert codes(refusal(core.transactions.statusb2b, new_id())) == (200, "404")

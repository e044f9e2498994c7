"""From bytes to outcomes, without a network. Samples are those of midtrans.md 4 and 6."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.money import Money
from ledger.providers.midtrans.answers import Asked, Reply, read
from ledger.providers.port import (
    ChargeStatus,
    Did,
    DidNot,
    Observation,
    ObservedRefund,
    Outcome,
    Unknown,
)

PATIENT = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # the machine may be busy
ORDER = "pay_01k9-1"
SETTLED: dict[str, Any] = {
    "status_code": "200",
    "status_message": "Success, transaction is found",
    "transaction_id": "9aed5972-5b6a-401e-894b-a32c91ed1a3a",
    "order_id": ORDER,
    "gross_amount": "100000.00",
    "currency": "IDR",
    "payment_type": "bank_transfer",
    "transaction_time": "2021-06-23 11:27:20",
    "settlement_time": "2021-06-23 11:27:50",
    "transaction_status": "settlement",
    "fraud_status": "accept",
    "va_numbers": [{"bank": "bca", "va_number": "333333333333333"}],
    "masked_card": "48111111-1114",
    "payer_phone_number": "081234567890",
    "expiry_time": "2021-06-24 11:27:20",
}
REFUND = Asked("refund", ORDER, ObservedRefund(refund_id="ref_1", amount=Money.rupiah(5_000)))


def outcome(asked: Asked = Asked("inquiry", ORDER), http: int = 200, **changes: object) -> Outcome:  # noqa: B008
    return read(Reply(http, json.dumps({**SETTLED, **changes}).encode()), asked, "https://core")


def observed(asked: Asked = Asked("inquiry", ORDER), **changes: object) -> Observation:  # noqa: B008
    answer = outcome(asked, **changes)
    assert isinstance(answer, Did), answer
    return answer.observation


def test_a_settled_transaction_is_observed_with_its_times_in_utc():
    seen = observed()

    assert (seen.status, seen.amount) == (ChargeStatus.SETTLED, Money.rupiah(100_000))
    assert seen.occurred_at == datetime(2021, 6, 23, 4, 27, 50, tzinfo=UTC)
    assert seen.expires_at == datetime(2021, 6, 24, 4, 27, 20, tzinfo=UTC)
    assert seen.instructions.kind == "none"


def test_the_evidence_keeps_the_digest_and_no_personal_word():
    raw = json.dumps(SETTLED).encode()
    seen = read(Reply(200, raw), Asked("inquiry", ORDER), "https://core")

    assert isinstance(seen, Did)
    evidence = seen.observation.evidence
    assert evidence.digest == hashlib.sha256(raw).hexdigest()
    assert evidence.said["transaction_status"] == "settlement"
    assert not {"48111111-1114", "081234567890", "333333333333333"} & set(evidence.said.values())


UNUSABLE = (
    ({"order_id": "pay_other-1"}, "answer_for_another_order"),
    ({"order_id": None}, "answer_incomplete"),
    ({"transaction_id": None}, "answer_incomplete"),
    ({"transaction_status": "teleported"}, "status_word_unknown"),
    ({"gross_amount": None}, "amount_malformed"),
    ({"gross_amount": 100000}, "answer_malformed"),
    ({"currency": "USD"}, "currency_unknown"),
    ({"refunds": [{"refund_key": "ref_1"}]}, "answer_malformed"),
    ({"refunds": [{"refund_key": "ref_1", "refund_amount": "lots"}]}, "amount_malformed"),
    ({"status_code": None}, "http_200"),
)


@pytest.mark.parametrize(("changes", "cause"), UNUSABLE)
def test_an_answer_that_cannot_be_relied_on_leaves_the_outcome_unknown(
    changes: dict[str, object], cause: str
):
    answer = outcome(**changes)

    assert isinstance(answer, Unknown)
    assert answer.cause == cause


def test_another_amount_than_ours_is_reported_and_not_judged():
    assert observed(gross_amount="999999.00").amount == Money.rupiah(999_999)


def test_a_denied_card_says_why_in_words():
    denial = {
        "status_code": "202",
        "transaction_status": "deny",
        "payment_type": "credit_card",
        "channel_response_code": "51",
        "status_message": "Deny by Bank [BNI] with code [51] and message [Insufficient funds]",
    }
    seen = observed(Asked("charge", ORDER), **denial)

    assert seen.status is ChargeStatus.DENIED
    assert (seen.code, seen.words) == ("51", "Insufficient funds.")


def test_a_denial_without_a_channel_code_falls_back_to_what_is_said():
    unauthenticated = observed(
        status_code="202", transaction_status="deny", status_message="Card is not authenticated."
    )
    screened = observed(status_code="202", transaction_status="deny", fraud_status="deny")

    assert (unauthenticated.code, unauthenticated.words) == ("deny", "Card is not authenticated.")
    assert screened.code == "fraud_suspected"


def test_refunds_are_listed_with_our_keys_and_the_banks_confirmation():
    entries = [
        {"refund_chargeback_id": 1, "refund_amount": "5000.00", "refund_key": "ref_1"},
        {
            "refund_chargeback_uuid": "u-2",
            "refund_amount": "7000.00",
            "bank_confirmed_at": "2015-02-27 02:30:20",
        },
    ]
    seen = observed(transaction_status="partial_refund", refunds=entries, refund_amount="12000.00")

    assert seen.status is ChargeStatus.SETTLED
    assert seen.refunds == (
        ObservedRefund(refund_id="ref_1", amount=Money.rupiah(5_000), gateway_id="1"),
        ObservedRefund(
            refund_id="",
            amount=Money.rupiah(7_000),
            gateway_id="u-2",
            confirmed_at=datetime(2015, 2, 26, 19, 30, 20, tzinfo=UTC),
        ),
    )


def test_an_accepted_refund_is_listed_as_asked_for_even_if_the_answer_tells_the_sum():
    accepted = {
        "transaction_status": "partial_refund",
        "refund_key": "ref_1",
        "refund_amount": "12000.00",
    }
    seen = observed(REFUND, **accepted, refund_chargeback_uuid="u-1")

    assert seen.refunds == (
        ObservedRefund(refund_id="ref_1", amount=Money.rupiah(5_000), gateway_id="u-1"),
    )


def test_an_accepted_refund_that_is_listed_already_is_not_listed_twice():
    entries = [{"refund_chargeback_uuid": "u-1", "refund_amount": "5000.00", "refund_key": "ref_1"}]

    assert len(observed(REFUND, transaction_status="refund", refunds=entries).refunds) == 1


def test_the_answer_to_another_refund_or_to_none_proves_nothing():
    other = outcome(REFUND, transaction_status="refund", refund_key="ref_2")
    none = outcome(REFUND)

    assert isinstance(other, Unknown) and other.cause == "answer_for_another_refund"
    assert isinstance(none, Unknown) and none.cause == "refund_not_confirmed"


def test_a_chargeback_takes_the_whole_and_how_much_a_part_takes_is_not_guessed():
    part = outcome(transaction_status="partial_chargeback")

    assert observed(transaction_status="chargeback").chargeback == Money.rupiah(100_000)
    assert isinstance(part, Unknown) and part.cause == "chargeback_amount_untold"


def test_a_denied_capture_leaves_the_hold_as_it_was():
    answer = outcome(Asked("capture", ORDER), status_code="202", transaction_status="deny")

    assert isinstance(answer, DidNot)
    assert answer.code == "capture_denied_by_bank"


def test_a_refusal_repeats_what_was_wrong_with_the_request():
    body = {
        "status_code": "400",
        "status_message": "Invalid.",
        "validation_messages": ["gross_amount is required"],
    }
    answer = read(Reply(400, json.dumps(body).encode()), Asked("charge", ORDER), "")

    assert answer == DidNot(code="request_invalid", words="Invalid. gross_amount is required")


def test_html_with_an_error_status_is_told_by_its_status():
    assert read(Reply(502, b"<html>"), Asked("charge", ORDER), "") == Unknown(cause="http_502")
    assert read(Reply(429, b"slow down"), Asked("charge", ORDER), "") == DidNot(
        code="rate_limited", words="", retryable=True
    )


PENDING = {"status_code": "201", "transaction_status": "pending", "va_numbers": None}
QR = "https://gateway/qr"
ACTIONS = [
    {"name": "generate-qr-code", "url": QR},
    {"name": "generate-qr-code-v2", "url": QR + "2"},
]
DEEPLINK = {"name": "deeplink-redirect", "method": "GET", "url": "gojek://pay"}
PAID_HOW: tuple[tuple[dict[str, object], dict[str, str]], ...] = (
    (
        {"va_numbers": [{"bank": "bca", "va_number": "8127"}]},
        {"kind": "virtual_account", "bank": "bca", "account_number": "8127"},
    ),
    (
        {"permata_va_number": "8500"},
        {"kind": "virtual_account", "bank": "permata", "account_number": "8500"},
    ),
    (
        {"biller_code": "70012", "bill_key": "12"},
        {"kind": "bill", "biller_code": "70012", "bill_key": "12"},
    ),
    (
        {"payment_code": "A1", "store": "alfamart"},
        {"kind": "payment_code", "payment_code": "A1", "store": "alfamart"},
    ),
    ({"redirect_url": "https://3ds"}, {"kind": "redirect", "redirect_url": "https://3ds"}),
    (
        {"payment_type": "gopay", "actions": [*ACTIONS, DEEPLINK]},
        {"kind": "deeplink", "deeplink_url": "gojek://pay", "qr_image_url": QR + "2"},
    ),
    (
        {"payment_type": "shopeepay", "actions": [DEEPLINK]},
        {"kind": "deeplink", "deeplink_url": "gojek://pay"},
    ),
    (
        {"payment_type": "qris", "qr_string": "0002", "actions": ACTIONS[:1]},
        {"kind": "qr", "qr_string": "0002", "qr_image_url": QR},
    ),
    (
        {"payment_type": "qris", "transaction_id": "t-1"},
        {"kind": "qr", "qr_image_url": "https://core/v2/qris/t-1/qr-code"},
    ),
    ({"payment_type": "ovo"}, {"kind": "push"}),
    (
        {
            "payment_type": "gopay",
            "actions": [{"name": "verification-link-url", "url": "https://pin"}],
        },
        {"kind": "redirect", "redirect_url": "https://pin"},
    ),
    ({"payment_type": "credit_card"}, {"kind": "none"}),
)


@pytest.mark.parametrize(("changes", "wanted"), PAID_HOW)
def test_the_payer_is_told_how_to_pay(changes: dict[str, object], wanted: dict[str, str]):
    instructions = observed(Asked("charge", ORDER), **{**PENDING, **changes}).instructions

    assert {name: getattr(instructions, name) for name in wanted} == wanted


WORDS = st.sampled_from([*SETTLED, "refunds", "actions", "refund_key"])
VALUES = (
    st.none()
    | st.text(max_size=9)
    | st.integers()
    | st.lists(st.dictionaries(st.text(), st.text(), max_size=2))
)


@PATIENT
@given(st.dictionaries(WORDS, VALUES, max_size=6), st.sampled_from([200, 202, 400, 404, 500]))
def test_no_answer_whatsoever_raises(changes: dict[str, object], http: int):
    for asked in (Asked("inquiry", ORDER), Asked("charge", ORDER), REFUND):
        assert isinstance(outcome(asked, http, **changes), Outcome)


@PATIENT
@given(st.binary(max_size=100), st.integers(100, 599))
def test_no_bytes_whatsoever_are_taken_for_a_deed(raw: bytes, http: int):
    assert not isinstance(read(Reply(http, raw), Asked("charge", ORDER), ""), Did)

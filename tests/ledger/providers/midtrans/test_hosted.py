"""midtrans.md 7.1 and 7.3."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.providers.midtrans.answers import Reply
from ledger.providers.midtrans.hosted import Page, read_closing, read_opening
from ledger.providers.port import DUPLICATE, ChargeStatus, Did, DidNot, Unknown
from support.charges import charge_order

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_a_hosted_page_is_pending_with_no_transaction_yet():
    order = charge_order("snap")
    raw = b'{"token": "66e4fa55", "redirect_url": "https://app/snap/v3/redirection/66e4fa55"}'
    answer = read_opening(Reply(201, raw), order, NOW)

    assert isinstance(answer, Did)
    assert (answer.observation.status, answer.observation.transaction_id) == (
        ChargeStatus.PENDING,
        "",
    )
    assert answer.observation.expires_at == NOW + timedelta(days=1)
    assert answer.observation.instructions.session_token == "66e4fa55"


TAKEN = (
    "transaction_details.order_id has already been taken",
    "transaction_details.order_id has been paid and utilized, please use another order ID",
    "transaction_details.order_id sudah digunakan",
)
SNAP: tuple[tuple[int, object, type, str], ...] = (
    *((400, {"error_messages": [words]}, DidNot, DUPLICATE) for words in TAKEN),
    (
        400,
        {"error_messages": ["transaction_details.order_id is required"]},
        DidNot,
        "request_invalid",
    ),
    (401, {"error_messages": ["Access denied"]}, DidNot, "gateway_credentials_refused"),
    (429, {"message": "API rate limit exceeded"}, DidNot, "rate_limited"),
    (500, {"error_messages": ["Sorry"]}, Unknown, "http_500"),
    (403, {"error_messages": ["no"]}, Unknown, "http_403"),
    (201, {"token": "66e4fa55"}, Unknown, "answer_incomplete"),
    (201, {"token": 5}, Unknown, "answer_malformed"),
    (429, "slow down", DidNot, "rate_limited"),
    (502, "bad gateway", Unknown, "http_502"),
    (400, [], Unknown, "answer_malformed"),
)


@pytest.mark.parametrize(("http", "body", "kind", "word"), SNAP)
def test_snap_refuses_in_its_own_way(http: int, body: object, kind: type, word: str):
    answer = read_opening(Reply(http, json.dumps(body).encode()), charge_order("snap"), NOW)

    assert type(answer) is kind
    assert getattr(answer, "code", None) == word or getattr(answer, "cause", None) == word


CLOSING = (
    (200, {"canceled_at": "2025-06-03T13:09:39.776Z"}, Page.CLOSED),
    (404, {"error_messages": ["token not found"]}, Page.CLOSED),
    (400, {"error_messages": ["token already canceled"]}, Page.CLOSED),
    (400, {"error_messages": ["Transaction is on progress"]}, Page.IN_USE),
    (500, {"error_messages": ["token not found"]}, Page.UNKNOWN),
    (200, {}, Page.UNKNOWN),
    (404, "not found", Page.UNKNOWN),
)


@pytest.mark.parametrize(("http", "body", "page"), CLOSING)
def test_a_page_is_closed_in_use_or_not_told(http: int, body: object, page: Page):
    assert read_closing(Reply(http, json.dumps(body).encode())) is page


@given(st.binary(max_size=100), st.integers(100, 599))
def test_no_bytes_whatsoever_are_taken_for_a_page(raw: bytes, http: int):
    assert not isinstance(read_opening(Reply(http, raw), charge_order("snap"), NOW), Did)
    assert read_closing(Reply(http, raw)) is Page.UNKNOWN

"""Idempotency-Key, which the gateway's own package sends as a header of an instance of its own. midtrans.md 1.4."""

from collections.abc import Iterator
from threading import Thread

import pytest
from midtransclient import CoreApi

from support.sdk import (
    Sandbox,
    bca_order,
    codes,
    core_api,
    new_id,
    order,
    refusal,
    settled,
    told,
)

LONGEST = 46


def with_key(key: str = "") -> CoreApi:
    return core_api({"Idempotency-Key": key or new_id("key")})


@pytest.fixture
def once(sandbox: Sandbox) -> CoreApi:
    """Whatever it asks for, it asks with one and the same key."""
    return with_key()


def test_the_same_charge_again_is_the_answer_that_was_given(once: CoreApi, sandbox: Sandbox):
    """1.4, replay."""
    body = bca_order()

    assert once.charge(body) == once.charge(body)
    assert len(sandbox.transactions(body["transaction_details"]["order_id"])) == 1


def test_a_key_answers_for_whatever_body_comes_with_it(once: CoreApi, sandbox: Sandbox):
    """1.4, replay: whatever the new body is."""
    first, other = bca_order(), bca_order(99_000)

    answer = once.charge(first)

    assert once.charge(other) == answer
    assert sandbox.transactions(other["transaction_details"]["order_id"]) == []


def test_a_key_is_one_for_all_endpoints(once: CoreApi):
    """1.4, scope: so a charge and its cancellation must not share one."""
    made = once.charge(bca_order())

    answer = once.transactions.cancel(made["order_id"])

    assert answer == made
    assert core_api().transactions.status(made["order_id"])["transaction_status"] == "pending"


def test_a_refund_is_given_back_once(sandbox: Sandbox):
    """1.4: every POST."""
    order_id = settled(core_api(), sandbox)
    once, body = with_key(), {"refund_key": new_id(), "amount": 5_000}

    assert once.transactions.refund(order_id, body) == once.transactions.refund(order_id, body)
    assert core_api().transactions.status(order_id)["refund_amount"] == "5000.00"


def test_a_question_is_asked_anew_whatever_its_key(once: CoreApi, sandbox: Sandbox):
    """1.4: POST requests only."""
    order_id = once.charge(bca_order())["order_id"]
    assert once.transactions.status(order_id)["transaction_status"] == "pending"

    sandbox.act("pay", order_id=order_id)

    assert once.transactions.status(order_id)["transaction_status"] == "settlement"


def test_another_key_is_another_request(sandbox: Sandbox):
    """1.4; 12.1: which makes it a duplicate."""
    body = bca_order()
    with_key().charge(body)

    assert codes(refusal(with_key().charge, body)) == (200, "406")


@pytest.mark.parametrize(
    "wrong",
    [bca_order(0), order("credit_card", credit_card={"token_id": "nobody's"})],
    ids=["HTTP 400", "body 411"],
)
def test_what_failed_is_not_kept(once: CoreApi, wrong: dict[str, object]):
    """1.4: only a successful response is stored."""
    refusal(once.charge, wrong)

    assert once.charge(bca_order())["status_code"] == "201"


@pytest.mark.parametrize(("length", "kept"), [(LONGEST, True), (LONGEST + 1, False)])
def test_a_key_that_is_too_long_is_ignored(sandbox: Sandbox, length: int, kept: bool):
    """1.4, too long."""
    once, body = with_key(new_id().ljust(length, "x")), bca_order()
    first = once.charge(body)

    if kept:
        assert once.charge(body) == first
    else:
        assert codes(refusal(once.charge, body)) == (200, "406")


@pytest.mark.parametrize(
    "body",
    [
        order("bank_transfer", bank_transfer={"bank": "permata"}),
        order("cstore", cstore={"store": "indomaret"}),
    ],
    ids=["permata", "indomaret"],
)
def test_some_channels_know_no_keys(once: CoreApi, body: dict[str, object]):
    """1.4, not supported."""
    once.charge(body)

    assert codes(refusal(once.charge, body)) == (200, "406")


def test_linking_an_account_knows_no_keys(once: CoreApi):
    """1.4, methods: all but `/token` and `/account` endpoints."""
    partner = {
        "phone_number": "81234567891",
        "country_code": "62",
        "redirect_url": "https://a.example",
    }
    body = {"payment_type": "gopay", "gopay_partner": partner}

    first, second = once.link_payment_account(body), once.link_payment_account(body)

    assert first["account_id"] != second["account_id"]


SUBSCRIPTION = {
    "name": "ONCE",
    "amount": "14000",
    "currency": "IDR",
    "payment_type": "credit_card",
    "token": "48111111sHfRakAvHvFQFEjTivUV1114",
    "schedule": {"interval": 1, "interval_unit": "month", "max_interval": 12},
}


def test_one_key_makes_one_subscription(once: CoreApi):
    """1.4, lifetime: for subscriptions too."""
    made = once.create_subscription(SUBSCRIPTION)

    assert once.create_subscription(SUBSCRIPTION)["id"] == made["id"]


def test_a_subscription_is_read_before_its_key(once: CoreApi):
    """1.4: the body is validated first."""
    once.create_subscription(SUBSCRIPTION)

    error = refusal(once.create_subscription, SUBSCRIPTION | {"amount": "0"})

    assert error.http_status_code == 400


# ── at the same time ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def slow(sandbox: Sandbox) -> Iterator[str]:
    """An order id whose charge takes two seconds."""
    order_id = new_id("slow")
    matching = {"order_id_prefix": order_id, "path_contains": "/v2/charge"}
    sandbox.act("faults", fault="do_late", match=matching, times=1, seconds=2.0)
    yield order_id


def test_a_duplicate_in_flight_is_told_to_wait(once: CoreApi, sandbox: Sandbox, slow: str):
    """1.4, concurrent duplicate: HTTP 202 until the first has finished."""
    body, answers = bca_order(order_id=slow), []
    first = Thread(target=lambda: answers.append(once.charge(body)))
    first.start()
    sandbox.until_taken_up("do_late", slow)

    _, response = once.http_client.request(
        "post",
        once.api_config.server_key,
        f"{sandbox.url}/v2/charge",
        body,
        once.api_config.custom_headers,
    )
    first.join()

    assert response.status_code == 202
    assert told(answers[0], "status_code", "order_id") == ("201", slow)
    assert once.charge(body) == answers[0]

"""Errors over HTTP: RFC 9457, stable codes, nothing of the input and nothing of our insides."""

import json
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from api import problem_docs
from api.problem_json import problem_body
from api.problems import all_codes, status_of
from ledger.access.caller import PermissionMissing, Unauthenticated
from ledger.errors import Conflict, LedgerError, NotFound, ProviderFailed, Rejected, Unavailable
from ledger.money import Money
from ledger.providers.port import NoticeForged
from support.money_app import client, money_app

CANARY = "canary-7f3a"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound, 404),
        (Conflict, 409),
        (Rejected, 422),
        (PermissionMissing, 403),
        (Unauthenticated, 401),
        (ProviderFailed, 502),
        (Unavailable, 503),
        (LedgerError, 500),
        (NoticeForged, 400),
    ],
)
def test_the_kind_decides_the_status_unless_the_code_has_its_own(
    error: type[LedgerError], status: int
):
    assert status_of(error) == status
    assert status_of(error()) == status


async def test_an_error_is_answered_as_a_problem_with_its_context_in_camel_case():
    async with client(money_app()) as http:
        answer = await http.get(
            "/api/v1/payments/conflict", headers={"x-request-id": "my-request-1"}
        )

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/problems/test_wrong_state",
        "title": Conflict.title,
        "status": 409,
        "detail": "It is settled.",
        "instance": "my-request-1",
        "contextStatus": "settled",
        "leftMinor": 1,
        "ratio": None,
    }


async def test_unavailable_says_when_to_come_back():
    async with client(money_app()) as http:
        answer = await http.get("/api/v1/payments/down")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


async def test_unknown_addresses_and_methods_are_problems_too():
    async with client(money_app()) as http:
        nowhere = await http.get("/nowhere")
        wrong_method = await http.delete("/api/v1/payments")

    assert (nowhere.status_code, nowhere.json()["type"]) == (404, "/problems/route_not_found")
    assert wrong_method.status_code == 405
    assert wrong_method.json()["type"] == "/problems/method_not_allowed"
    assert wrong_method.headers["allow"] == "GET"


async def test_what_nobody_foresaw_is_answered_without_detail_and_logged_without_its_message():
    with capture_logs() as logs:
        async with client(money_app()) as http:
            answer = await http.get("/api/v1/payments/broken")

    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal_error")
    assert "canary" not in answer.text + str(logs)
    failed = next(line for line in logs if line["event"] == "http.failed")
    assert failed["error"] == "Broken"
    assert "money_app.<locals>.broken" in failed["where"][-1]


async def test_a_validation_error_names_place_and_rule_and_never_what_was_sent():
    body = {
        "amount": {"minor": "5", "currency": CANARY, CANARY: 1},
        "metadata": {CANARY: 7},
        CANARY: CANARY,
    }
    async with client(money_app()) as http:
        answer = await http.post("/api/v1/payments/p1", json=body)

    assert answer.status_code == 422
    assert CANARY not in answer.text
    assert answer.json()["type"] == "/problems/request_invalid"
    assert {(each["location"], each["rule"]) for each in answer.json()["errors"]} == {
        ("body.amount.minor", "int_type"),
        ("body.amount.currency", "string_too_long"),
        ("body.amount.*", "extra_forbidden"),
        ("body.metadata.*", "string_type"),
        ("body.*", "extra_forbidden"),
    }
    assert all(set(each) == {"location", "rule"} for each in answer.json()["errors"])


async def test_a_thousand_broken_rules_are_answered_briefly():
    body = {"amount": {"minor": 1, "currency": "IDR"}, **{f"x{n}": n for n in range(1_000)}}
    async with client(money_app()) as http:
        answer = await http.post("/api/v1/payments/p1", json=body)

    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 32


def test_a_context_of_any_kind_becomes_valid_json():
    error = Conflict(
        "lone \ud800",
        amount=Money(5),
        when=datetime(2026, 11, 23, tzinfo=UTC),
        huge=10**30,
        infinite=float("inf"),
        nested={"some_key": [{"other_key": {1}}]},
        thing=object,
        type="taken",
    )

    body = json.loads(problem_body(error, 409), parse_constant=pytest.fail)

    assert body["detail"] == "lone ?"
    assert body["amount"] == {"minor": 5, "currency": "IDR"}
    assert body["when"] == "2026-11-23T00:00:00+00:00"
    assert body["huge"] == "1" + "0" * 30
    assert body["infinite"] is None
    assert body["nested"] == {"someKey": [{"otherKey": [1]}]}
    assert (body["type"], body["contextType"]) == ("/problems/conflict", "taken")


def test_every_code_belongs_to_one_meaning():
    problem_docs.render()
    codes = [known.code for known in all_codes()]

    assert len(codes) == len(set(codes))
    assert {"not_found", "unauthenticated", "malformed_json", "request_invalid"} <= set(codes)


def test_the_document_has_a_row_for_every_code():
    document = problem_docs.render()

    for known in all_codes():
        assert f"| `{known.code}` | {known.status} | {known.title} | " in document
    assert "test_wrong_state" not in document

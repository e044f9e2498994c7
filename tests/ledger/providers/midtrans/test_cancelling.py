"""Cancelling a hosted page while the payer is on it: the race that the simulator cannot be made to lose."""

import json

import pytest

from ledger.providers.midtrans.adapter import Midtrans
from ledger.providers.port import NEVER_SEEN, ChargeStatus, Did, DidNot, Outcome, Unknown
from support.scripted_gateway import http, scripted_gateway

ORDER = "pay_01k9-1"


def answer(status: str, **fields: object) -> bytes:
    return http(status, json.dumps(fields).encode())


NOT_FOUND = answer("200 OK", status_code="404", status_message="Transaction doesn't exist.")
IN_USE = answer("400 Bad Request", error_messages=["Transaction is on progress"])
CLOSED = answer("200 OK", canceled_at="2025-06-03T13:09:39.776Z")
CANCELLED = answer(
    "200 OK",
    status_code="200",
    order_id=ORDER,
    transaction_id="t-1",
    transaction_status="cancel",
    gross_amount="150000.00",
)


async def cancel(*answers: bytes, token: str = "tok") -> tuple[Outcome, list[str]]:
    """The outcome, and the paths that were asked."""
    async with scripted_gateway(*answers) as gateway:
        midtrans = Midtrans(server_key="k", core_url=gateway.url, snap_url=gateway.url)
        outcome = await midtrans.cancel(ORDER, token)
        await midtrans.close()
    return outcome, [request.split()[1].decode() for request in gateway.requests]


async def test_a_method_chosen_in_between_is_cancelled_as_well():
    outcome, asked = await cancel(NOT_FOUND, IN_USE, CANCELLED)

    assert isinstance(outcome, Did) and outcome.observation.status is ChargeStatus.CANCELLED
    assert asked == [
        f"/v2/{ORDER}/cancel",
        "/snap/v1/transactions/tok/cancel",
        f"/v2/{ORDER}/cancel",
    ]


async def test_never_seen_means_that_the_page_is_closed():
    outcome, _ = await cancel(NOT_FOUND, CLOSED)

    assert isinstance(outcome, DidNot) and outcome.code == NEVER_SEEN


async def test_without_a_token_there_is_no_page_to_close():
    outcome, asked = await cancel(NOT_FOUND, token="")

    assert isinstance(outcome, DidNot) and outcome.code == NEVER_SEEN
    assert len(asked) == 1


@pytest.mark.parametrize(
    "answers", [(NOT_FOUND, IN_USE, NOT_FOUND), (NOT_FOUND, http("500 Oops", b"<html>"))]
)
async def test_a_page_that_may_be_open_leaves_the_outcome_unknown(answers: tuple[bytes, ...]):
    outcome, _ = await cancel(*answers)

    assert isinstance(outcome, Unknown) and outcome.cause == "page_still_open"

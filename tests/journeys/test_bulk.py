"""Import over HTTP: ten thousand at a time, an outcome for each, and books that balance."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from support.customer import SERVER_KEY, Caller, Fields, Gateway, eventually
from support.running import Running

BULK = "/api/v1/payments/bulk"


def item(reference: str, **more: Any) -> Fields:
    return {
        "reference": reference,
        "amount": 99_000,
        "paymentMethod": "gopay",
        "settledAt": "2026-11-20T10:00:00+07:00",
        "orderId": f"old-{reference}",
        **more,
    }


async def send(shop: Caller, *items: Fields) -> Fields:
    answer = await shop.post(BULK, {"items": list(items)})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def trial_balance(shop: Caller) -> Fields:
    async def caught_up() -> Fields:
        found = (await shop.get("/api/v1/trial-balance")).json()
        assert found["asOf"]["money"] >= found["asOf"]["head"]
        return dict(found)

    return await eventually(caught_up)


async def test_each_item_has_an_outcome_of_its_own(shop: Caller) -> None:
    answer = await send(
        shop,
        item("one"),
        item("two", paymentMethod="bitcoin"),
        item("three", amount=1.5),
        item("four", metadata={"note": "4111 1111 1111 1111"}),
        item("five", settledAt="2999-01-01T00:00:00Z"),
        item("one"),
        item("one", amount=5),
        {"amount": 5},
    )

    outcomes = [result["outcome"] for result in answer["results"]]
    codes = [
        result["problem"] and result["problem"]["type"].rpartition("/")[2]
        for result in answer["results"]
    ]
    assert outcomes == ["recorded", *["refused"] * 4, "repeated", "refused", "refused"]
    assert codes == [
        *(None, "method_unknown", "request_invalid", "card_number_refused"),
        *("import_not_settled_yet", None, "idempotency_key_reused", "request_invalid"),
    ]
    assert (answer["recorded"], answer["repeated"], answer["refused"]) == (1, 1, 6)
    first, again = answer["results"][0], answer["results"][5]
    assert first["paymentId"] == again["paymentId"]


async def test_an_imported_payment_is_a_payment(shop: Caller) -> None:
    answer = await send(shop, item("one", metadata={"orderId": "order-7"}, customerId="cus_7"))
    payment = await shop.payment(answer["results"][0]["paymentId"])

    assert payment["status"] == "settled"
    assert (payment["amount"], payment["refundableAmount"]) == (99_000, 99_000)
    assert payment["netAmount"] == 99_000 - payment["fee"]["total"]
    assert await shop.topics(payment) == ["payment.imported"]
    listed = (await shop.get("/api/v1/payments", customerId="cus_7")).json()["payments"]
    assert [row["status"] for row in listed] == ["settled"]
    assert (await trial_balance(shop))["totals"] == {"IDR": 0}


async def test_a_whole_request_may_be_repeated_and_raced(shop: Caller, system: Running) -> None:
    items = [item(f"r-{number}") for number in range(1_200)]

    answers = await asyncio.gather(*(send(shop, *items) for _ in range(3)))

    assert sum(answer["recorded"] for answer in answers) == 1_200
    assert sum(answer["repeated"] for answer in answers) == 2_400
    places = {tuple(one["paymentId"] for one in answer["results"]) for answer in answers}
    assert len(places) == 1
    rows = (await trial_balance(shop))["accounts"]
    available = next(row for row in rows if row["account"].endswith(":Available"))
    payment = await shop.payment(answers[0]["results"][0]["paymentId"])
    assert available["balance"] == 1_200 * payment["netAmount"]


async def test_without_the_gateway_s_order_id_nothing_is_refundable(shop: Caller) -> None:
    answer = await send(shop, item("one", orderId=""))
    payment = await shop.payment(answer["results"][0]["paymentId"])

    assert payment["refundableAmount"] == 0
    refused = await shop.refund(payment)
    assert refused.json()["type"] == "/problems/refund_not_supported"


async def test_bounds_are_said(shop: Caller) -> None:
    for items in ([], [{}] * 10_001):
        answer = await shop.post(BULK, {"items": items})
        assert answer.status_code == 422
        assert answer.json()["type"] == "/problems/request_invalid"

    padded = json.dumps({"items": [item("x")]}).encode() + b" " * (8 * 1024 * 1024)
    answer = await shop.send("POST", BULK, padded, content_type="application/json")
    assert answer.status_code == 413

    elsewhere = await shop.send(
        "POST", "/api/v1/payments", b" " * (65 * 1024), content_type="application/json"
    )
    assert elsewhere.status_code == 413


BAD_TIMES = {
    "no offset": "2026-11-20T10:00:00",
    "a day": "2026-11-20",
    "a number": 1_700_000_000,
    "digits": "1700000000",
    "before all calendars": "0001-01-01T00:00:00+14:00",
    "no time": "yesterday",
}


@pytest.mark.parametrize("moment", BAD_TIMES.values(), ids=BAD_TIMES)
async def test_a_time_that_cannot_be_refuses_its_own_item_alone(shop: Caller, moment: Any) -> None:
    answer = await send(shop, item("good"), item("bad", settledAt=moment))

    good, bad = answer["results"]
    assert (good["outcome"], bad["outcome"]) == ("recorded", "refused")
    assert bad["problem"]["type"] == "/problems/request_invalid"
    assert [one["location"] for one in bad["problem"]["errors"]] == ["settledAt"]


async def test_the_same_moment_is_the_same_item_however_it_is_written(shop: Caller) -> None:
    first = await send(shop, item("one"))
    again = await send(shop, item("one", settledAt="2026-11-20T03:00:00Z"))

    assert again["repeated"] == 1
    assert again["results"][0]["paymentId"] == first["results"][0]["paymentId"]


async def test_a_payment_older_than_the_tariff_needs_its_fee_told(shop: Caller) -> None:
    old = item("old", settledAt="2024-06-01T10:00:00+07:00")

    refused = (await send(shop, old))["results"][0]
    told = await send(shop, old | {"fee": {"percentage": 1_980, "tax": 218}})

    assert refused["problem"]["type"] == "/problems/import_fee_unknown"
    assert refused["problem"]["status"] == 422
    assert told["recorded"] == 1


@pytest.mark.parametrize("transaction", ["told", "unknown"])
async def test_a_refund_of_an_imported_payment_is_asked_for_until_it_is_known(
    system: Running, shop: Caller, gateway: Gateway, transaction: str
) -> None:
    taken = await taken_elsewhere(gateway)
    known = {"transactionId": taken["transaction_id"]} if transaction == "told" else {}
    line = item("one", orderId=taken["order_id"], **known)
    payment = await shop.payment((await send(shop, line))["results"][0]["paymentId"])
    await gateway.fault("do_then_500", taken["order_id"], path="/refund")

    answer = await shop.refund(payment)
    assert answer.json()["refunds"][0]["status"] == "unknown"
    system.later(6)

    async def known_now() -> Fields:
        found = await shop.payment(payment)
        assert found["refunds"][0]["status"] in ("accepted", "confirmed"), found
        return found

    assert (await eventually(known_now))["status"] == "refunded"
    assert "payment.late_payment_received" not in await shop.topics(payment)
    assert "Liabilities:Customer:Unapplied" not in await system.books()


async def taken_elsewhere(gateway: Gateway) -> Fields:
    """A GoPay payment of the same merchant, charged by a program that is not us, and paid."""
    charge = {
        "payment_type": "gopay",
        "transaction_details": {"order_id": f"old-{uuid4().hex}", "gross_amount": 99_000},
    }
    async with httpx2.AsyncClient(base_url=gateway.url, trust_env=False, timeout=10) as other:
        answer = await other.post("/v2/charge", json=charge, auth=(SERVER_KEY, ""))
    taken: Fields = answer.json()
    await gateway.control("pay", order_id=taken["order_id"])
    return taken

"""What the gateway tells us: kept, asked after, and never believed by itself."""

import hashlib
import json
from typing import Any

import httpx2
import pytest

from support.customer import SERVER_KEY, Caller, Fields, Gateway, eventually, order_id
from support.running import Running

ADDRESS = "/api/v1/webhooks/midtrans"


def signature(order: str, code: str, gross_amount: str) -> str:
    """midtrans.md 10.3: the status is not among what is signed."""
    return hashlib.sha512(f"{order}{code}{gross_amount}{SERVER_KEY}".encode()).hexdigest()


def notice(order: str, amount: int = 99_000, **changes: str) -> Fields:
    gross_amount, code = f"{amount}.00", "200"
    return {
        "order_id": order,
        "status_code": code,
        "gross_amount": gross_amount,
        "signature_key": signature(order, code, gross_amount),
        "transaction_id": "b1a9c2f0-0000-4000-8000-000000000000",
        "transaction_status": "settlement",
        "fraud_status": "accept",
        **changes,
    }


async def tell(system: Running, body: Any) -> httpx2.Response:
    """As Midtrans posts: without any key of ours."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    return await system.http.post(f"{system.url}{ADDRESS}", content=content, headers=headers)


async def attended(system: Running, order: str, count: int) -> list[Fields]:
    async def all_done() -> list[Fields]:
        rows = await system.inbox(order)
        assert len(rows) >= count and all(row["done_at"] for row in rows), rows
        return rows

    return await eventually(all_done)


async def test_the_same_notice_ten_times_is_one_row_and_one_settlement(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("bca_va", 99_000)
    await gateway.pay(payment)
    await shop.until(payment, "settled")

    await gateway.repeat_notice(payment, 10)

    rows = await attended(system, order_id(payment), 2)
    assert sorted(row["said"] for row in rows) == ["pending accept", "settlement accept"]
    topics = await shop.topics(payment)
    assert topics.count("payment.captured") == topics.count("payment.settled") == 1
    await system.books()


@pytest.mark.parametrize("order", ["reverse", "shuffle"])
async def test_notices_in_the_wrong_order_lead_to_the_same_payment(
    system: Running, shop: Caller, gateway: Gateway, order: str
) -> None:
    await gateway.hold_notices()
    payment = await shop.request("gopay", 100_000)
    await gateway.pay(payment)
    assert (await shop.payment(payment))["status"] == "pending"

    assert await gateway.release_notices(order) >= 2  # others' may be among them

    await shop.until(payment, "settled")
    assert len(await attended(system, order_id(payment), 2)) == 2
    assert (await shop.payment(payment))["status"] == "settled"
    assert (await shop.topics(payment))[-2:] == ["payment.captured", "payment.settled"]


async def test_when_every_notice_is_lost_it_only_costs_time(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.hold_notices()
    payment = await shop.request("qris", 100_000)
    await gateway.pay(payment)
    await gateway.drop_notices()

    system.later(61)

    await shop.until(payment, "settled")


async def test_a_forged_status_with_a_valid_signature_is_kept_and_not_believed(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("bca_va", 99_000)
    before = await shop.topics(payment)

    answer = await tell(system, notice(order_id(payment)))

    assert answer.status_code == 200
    rows = await attended(system, order_id(payment), 2)
    assert "settlement accept" in {row["said"] for row in rows}
    assert (await shop.payment(payment))["status"] == "pending"
    assert [topic for topic in await shop.topics(payment) if topic not in before] == []
    assert await system.books() == {}


async def test_a_wrong_signature_is_refused_and_not_kept(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("bca_va", 99_000)
    await attended(system, order_id(payment), 1)

    answer = await tell(system, notice(order_id(payment), signature_key="0" * 128))

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/notice_forged")
    assert order_id(payment) not in answer.text  # nothing that a stranger sent is repeated
    assert len(await system.inbox(order_id(payment))) == 1


async def test_a_signature_moved_over_the_field_boundary_is_refused(system: Running) -> None:
    """("P-1", "200") and ("P-12", "00") join to the same text (reliability.md 0, item 7)."""
    genuine = notice("P-1")

    answer = await tell(system, genuine | {"order_id": "P-12", "status_code": "00"})

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/notice_malformed")


@pytest.mark.parametrize(
    "order", ["invoice-7", "pay_00000000000000000000000000-1", "pay_x-1", "pay_-", "-1"]
)
async def test_a_notice_about_an_order_that_is_not_ours_is_kept(
    system: Running, order: str
) -> None:
    length = await system.log_length()

    answer = await tell(system, notice(order))

    assert answer.status_code == 200
    (row,) = await attended(system, order, 1)
    assert row["outcome"] == "order_unknown"
    assert await system.log_length() == length


async def test_a_notice_about_an_attempt_that_never_was_is_kept(
    system: Running, shop: Caller
) -> None:
    payment = await shop.request("bca_va", 99_000)
    other = f"{payment['paymentId']}-99999999999999999999"

    assert (await tell(system, notice(other))).status_code == 200

    await attended(system, other, 1)
    assert (await shop.payment(payment))["status"] == "pending"


LARGE = json.dumps(notice("invoice-7") | {"custom_field1": "x" * 65 * 1024}).encode()
MALFORMED = {
    "empty": b"",
    "not JSON": b"status=settlement",
    "a list": b"[]",
    "nothing in it": b"{}",
    "no signature": json.dumps(
        {k: v for k, v in notice("a").items() if k != "signature_key"}
    ).encode(),
    "a number for a text": json.dumps(notice("a") | {"gross_amount": 99_000}).encode(),
    "an amount with sen": json.dumps(notice("a") | {"gross_amount": "99000.50"}).encode(),
    "a key twice": b'{"order_id":"a",' + json.dumps(notice("a")).encode()[1:],
    "not UTF-8": b'{"order_id":"\xff"}',
    "NaN": b'{"order_id":NaN}',
    "deep": b"[" * 20_000 + b"]" * 20_000,
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_notice_is_a_400(system: Running, name: str) -> None:
    answer = await tell(system, MALFORMED[name])

    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_notice_beyond_64_kib_is_refused_unread(system: Running) -> None:
    answer = await tell(system, LARGE)

    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body_too_large")

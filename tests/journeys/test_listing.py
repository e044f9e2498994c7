"""Lists: filtered, walked page by page, and honest about how fresh they are."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from support.customer import Caller, Fields, Gateway, eventually
from support.running import Running

PAYMENTS = "/api/v1/payments"


async def fresh(shop: Caller, **asked: object) -> Fields:
    """The list, once it shows the whole log."""

    async def caught_up() -> Fields:
        answer = await shop.get(PAYMENTS, **asked)
        assert answer.status_code == 200, answer.text
        page: Fields = answer.json()
        assert page["asOf"]["views"] >= page["asOf"]["head"], page["asOf"]
        return page

    return await eventually(caught_up)


async def listed(shop: Caller, **asked: object) -> list[str]:
    return [payment["paymentId"] for payment in (await fresh(shop, **asked))["payments"]]


async def test_a_payment_looks_the_same_when_it_is_asked_for_again(shop: Caller) -> None:
    asked = await shop.request("bca_va", metadata={"orderId": "invoice-1"}, customerId="cus_1")

    for _ in range(2):  # made, and then as it was kept
        assert await shop.payment(asked) == asked


async def test_filters_find_exactly_what_they_name(shop: Caller, gateway: Gateway) -> None:
    first = await shop.request("bca_va", customerId="cus_1", metadata={"orderId": "invoice-1"})
    between = datetime.now(UTC).isoformat()
    second = await shop.request("gopay", customerId="cus_2", subscriptionId="sub_1")
    await gateway.pay(second)
    await shop.until(second, "settled")
    one, two = first["paymentId"], second["paymentId"]

    expected: dict[str, tuple[Fields, list[str]]] = {
        "nothing": ({}, [two, one]),
        "status": ({"status": "pending"}, [one]),
        "settled": ({"status": "settled"}, [two]),
        "method": ({"paymentMethod": "gopay"}, [two]),
        "customer": ({"customerId": "cus_1"}, [one]),
        "subscription": ({"subscriptionId": "sub_1"}, [two]),
        "order": ({"orderId": "invoice-1"}, [one]),
        "from": ({"createdFrom": between}, [two]),
        "to": ({"createdTo": between}, [one]),
        "two at once": ({"paymentMethod": "gopay", "customerId": "cus_1"}, []),
        "nobody": ({"customerId": "cus_9"}, []),
    }
    assert {name: await listed(shop, **asked) for name, (asked, _) in expected.items()} == {
        name: found for name, (_, found) in expected.items()
    }


async def test_pages_show_every_payment_once_while_more_come_in(shop: Caller) -> None:
    made = [(await shop.request("bca_va", 20_000 + n))["paymentId"] for n in range(11)]
    page = await fresh(shop, pageSize=3)
    seen = [payment["paymentId"] for payment in page["payments"]]

    while cursor := page["nextCursor"]:
        await shop.request("bca_va", 50_000)  # newer than all that is left to see
        page = (await shop.get(PAYMENTS, pageSize=3, cursor=cursor)).json()
        seen += [payment["paymentId"] for payment in page["payments"]]

    assert seen == made[::-1]


async def test_a_row_says_the_same_as_the_payment(shop: Caller, gateway: Gateway) -> None:
    payment = await shop.request(
        "gopay", 100_000, customerId="cus_1", metadata={"orderId": "invoice-1"}
    )
    await gateway.pay(payment)
    await shop.until(payment, "settled")
    await shop.refund(payment, 30_000)

    (row,) = (await fresh(shop))["payments"]

    whole = await shop.payment(payment)
    assert row["feeAmount"] == whole["fee"]["total"]
    shared = (
        "status",
        "amount",
        "paymentMethod",
        "capturedAmount",
        "refundedAmount",
        "netAmount",
        "customerId",
    )
    assert {name: row[name] for name in shared} == {name: whole[name] for name in shared}


def _other_letter(cursor: str) -> str:
    return ("B" if cursor[0] == "A" else "A") + cursor[1:]


TAMPERED: dict[str, Callable[[str], str]] = {
    "a letter changed": _other_letter,
    "cut": lambda cursor: cursor[:-2],
    "longer": lambda cursor: f"{cursor}AA",
    "not base64": lambda _: "§§§",
    "padded": lambda cursor: f"{cursor}=",
}


async def test_a_cursor_that_was_not_given_out_for_this_list_is_refused(shop: Caller) -> None:
    for _ in range(3):
        await shop.request("bca_va")
    cursor = (await fresh(shop, pageSize=1))["nextCursor"]

    tampered = {
        name: (await shop.get(PAYMENTS, pageSize=1, cursor=change(cursor))).status_code
        for name, change in TAMPERED.items()
    }
    elsewhere = await shop.get(PAYMENTS, pageSize=1, cursor=cursor, status="pending")

    assert {name: status for name, status in tampered.items() if status != 422} == {}
    assert (elsewhere.status_code, elsewhere.json()["type"]) == (422, "/problems/cursor_invalid")


@pytest.mark.parametrize(
    "asked",
    [
        {"pageSize": 0},
        {"pageSize": 201},
        {"pageSize": "many"},
        {"createdFrom": "yesterday"},
        {"status": "x" * 33},
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    shop: Caller, asked: dict[str, object]
) -> None:
    answer = await shop.get(PAYMENTS, **asked)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/request_invalid")


async def test_entries_of_an_account_are_walked_too(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    account = "Assets:Gateway:Midtrans:Available"
    amounts = [50_000 + n for n in range(5)]
    for amount in amounts:
        payment = await shop.request("qris", amount, taxed=False)
        await gateway.pay(payment)
        await shop.until(payment, "settled")
    balance = (await system.books())[account]

    page = (await shop.get(f"/api/v1/accounts/{account}/entries", pageSize=2)).json()
    entries = page["entries"]
    while cursor := page["nextCursor"]:
        page = (
            await shop.get(f"/api/v1/accounts/{account}/entries", pageSize=2, cursor=cursor)
        ).json()
        entries += page["entries"]

    assert sum(entry["amount"] for entry in entries) == balance
    assert len({(entry["entryId"], entry["position"]) for entry in entries}) == len(amounts)

"""What a payer could pay with."""

import pytest

from support.customer import Caller, Fields, Gateway, eventually
from support.running import Running

ALL = {
    *(
        "credit_card",
        "bca_va",
        "bni_va",
        "bri_va",
        "cimb_va",
        "permata_va",
        "mandiri_bill",
        "gopay",
        "shopeepay",
    ),
    *("ovo", "qris", "dana", "linkaja", "alfamart", "indomaret", "akulaku", "kredivo", "snap"),
}


async def offered(shop: Caller, **asked: object) -> list[Fields]:
    answer = await shop.get(
        "/api/v1/payment-methods", **{"country": "ID", "amount": 99_000, **asked}
    )
    assert answer.status_code == 200, answer.text
    return list(answer.json()["methods"])


async def test_every_method_is_offered_cheapest_first(shop: Caller) -> None:
    methods = await offered(shop)

    assert {method["code"] for method in methods} == ALL
    fees = [method["fee"]["total"] for method in methods if method["available"]]
    assert fees == sorted(fees)
    card = next(method for method in methods if method["code"] == "credit_card")
    assert card["fee"] == {"percentage": 2_871, "fixed": 2_000, "tax": 536, "total": 5_407}
    assert card["networks"] == ["Visa", "Mastercard", "JCB", "American Express"]


async def test_what_the_payer_prefers_comes_first(shop: Caller) -> None:
    methods = await offered(shop, preference=["gopay", "bri_va"])

    assert [method["code"] for method in methods[:2]] == ["gopay", "bri_va"]


async def test_what_the_amount_rules_out_says_why(shop: Caller) -> None:
    methods = {method["code"]: method for method in await offered(shop, amount=30_000_000)}

    assert not methods["gopay"]["available"]
    assert methods["gopay"]["whyNot"]
    assert methods["bca_va"]["available"]


async def test_nothing_is_offered_elsewhere(shop: Caller) -> None:
    assert not any(method["available"] for method in await offered(shop, country="SG"))


async def test_what_the_list_offers_can_be_charged(shop: Caller) -> None:
    payer = {"name": "Siti Rahayu", "email": "siti@example.id", "phone": "081234567890"}

    for method in await offered(shop):
        if method["available"] and method["code"] != "credit_card":
            await shop.request(method["code"], 99_000, payer=payer)


async def test_a_method_whose_charges_keep_failing_is_degraded_and_avoided(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.fault("html_502", path="/v2/charge", times=3)
    for _ in range(3):
        assert (await shop.ask("alfamart", 50_000)).status_code == 202

    async def degraded() -> None:
        assert [m["code"] for m in await offered(shop) if m["degraded"]] == ["alfamart"]

    await eventually(degraded)
    payment = await shop.request("convenience_store", 50_000)
    assert payment["paymentMethod"] == "indomaret"
    assert payment["attempts"][0]["routingRule"] == "availability"


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"amount": 0}, 422, "request_invalid"),
        ({"amount": -1}, 422, "request_invalid"),
        ({"amount": "1.5"}, 422, "request_invalid"),
        ({"amount": "many"}, 422, "request_invalid"),
        ({"amount": 10**16}, 422, "request_invalid"),
        ({"country": "Indonesia"}, 422, "request_invalid"),
        ({"preference": "barter"}, 422, "method_unknown"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    shop: Caller, asked: dict[str, object], status: int, code: str
) -> None:
    answer = await shop.get(
        "/api/v1/payment-methods", **{"country": "ID", "amount": 99_000, **asked}
    )

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}")

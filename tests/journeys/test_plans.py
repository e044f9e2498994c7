"""Plans and coupons over HTTP: made, changed in versions, listed, retired; and what is refused."""

from typing import Any

import httpx2
import pytest

from support.customer import Caller, Fields, eventually, new_key

PLANS = "/api/v1/plans"
COUPONS = "/api/v1/coupons"
MONTHLY: Fields = {
    "planId": "premium_monthly",
    "name": "Premium",
    "price": 99_000,
    "interval": {"unit": "month"},
}
VERSION: Fields = {name: value for name, value in MONTHLY.items() if name != "planId"}
COUPON: Fields = {"code": "HEMAT-20", "percent": 20}


def told(answer: httpx2.Response, status: int = 201) -> Fields:
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def refused(answer: httpx2.Response, status: int, code: str) -> Fields:
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}"), answer.text
    return dict(answer.json())


async def listed(shop: Caller, path: str, **asked: Any) -> list[Fields]:
    async def caught_up() -> list[Fields]:
        page = told(await shop.get(path, **asked), 200)
        assert page["asOf"]["views"] >= page["asOf"]["head"], page["asOf"]
        return list(page[path.rsplit("/", 1)[-1]])

    return await eventually(caught_up)


async def test_a_plan_is_made_and_sold_dearer_and_retired(shop: Caller) -> None:
    made = told(await shop.post(PLANS, MONTHLY))
    assert {**VERSION, "interval": {"unit": "month", "count": 1}}.items() <= made.items()
    assert (made["version"], made["product"], made["taxMode"]) == (
        1,
        "premium_monthly",
        "inclusive",
    )

    dearer = told(
        await shop.post(f"{PLANS}/premium_monthly/versions", VERSION | {"price": 129_000})
    )
    assert [version["price"] for version in dearer["versions"]] == [99_000, 129_000]
    assert (dearer["version"], dearer["price"]) == (2, 129_000)
    assert told(await shop.get(f"{PLANS}/premium_monthly"), 200) == dearer

    retired = told(await shop.delete(f"{PLANS}/premium_monthly"), 200)
    assert retired["retiredAt"]
    assert told(await shop.delete(f"{PLANS}/premium_monthly"), 200) == retired
    refused(await shop.post(f"{PLANS}/premium_monthly/versions", VERSION), 409, "plan_retired")
    refused(await shop.post(PLANS, MONTHLY), 409, "plan_exists")


async def test_the_same_request_makes_one_plan_and_another_is_told_apart(shop: Caller) -> None:
    key = new_key()

    first = await shop.post(PLANS, MONTHLY, key=key)
    again = await shop.post(PLANS, MONTHLY, key=key)
    other = await shop.post(PLANS, MONTHLY | {"price": 1}, key=key)

    assert told(first) == told(again)
    assert again.headers["Idempotent-Replayed"] == "true"
    refused(other, 422, "idempotency_key_reused")


async def test_plans_are_walked_newest_first(shop: Caller) -> None:
    names = [f"plan_{number}" for number in range(5)]
    for name in names:
        told(await shop.post(PLANS, MONTHLY | {"planId": name}))
    told(await shop.delete(f"{PLANS}/plan_2"), 200)
    await listed(shop, PLANS)

    seen, cursor = [], None
    while True:
        asked = {"pageSize": 2} | ({"cursor": cursor} if cursor else {})
        page = told(await shop.get(PLANS, **asked), 200)
        seen += [plan["planId"] for plan in page["plans"]]
        if (cursor := page["nextCursor"]) is None:
            break

    assert seen == names[::-1]
    assert [plan["planId"] for plan in await listed(shop, PLANS, retired="true")] == ["plan_2"]
    first = (await listed(shop, PLANS))[0]
    assert first["interval"] == {"unit": "month", "count": 1}
    elsewhere = told(await shop.get(PLANS, pageSize=1), 200)["nextCursor"]
    refused(await shop.get(PLANS, retired="true", cursor=elsewhere), 422, "cursor_invalid")


WRONG_PLANS: dict[str, tuple[Fields, str]] = {
    "a price below nothing": ({"price": -1}, "request_invalid"),
    "a price in a text": ({"price": "99000"}, "request_invalid"),
    "a fractional price": ({"price": 99_000.5}, "request_invalid"),
    "dearer than any method takes": ({"price": 10**13}, "plan_terms_refused"),
    "no name": ({"name": ""}, "request_invalid"),
    "a name of two lines": ({"name": "a\nb"}, "plan_terms_refused"),
    "a card for a name": ({"name": "4811 1111 1111 1114"}, "card_number_refused"),
    "an id with a colon": ({"planId": "a:b"}, "request_invalid"),
    "a product with a colon": ({"product": "a:b"}, "request_invalid"),
    "another currency": ({"currency": "USD"}, "currency_unknown"),
    "an interval of nothing": ({"interval": {"unit": "month", "count": 0}}, "request_invalid"),
    "an interval of ages": ({"interval": {"unit": "year", "count": 9}}, "plan_terms_refused"),
    "an unknown unit": ({"interval": {"unit": "fortnight"}}, "request_invalid"),
    "a trial of ages": ({"trialDays": 1_000}, "plan_terms_refused"),
    "an unknown tax mode": ({"taxMode": "none"}, "request_invalid"),
    "an unknown policy": ({"dunningPolicy": "merciless"}, "dunning_policy_unknown"),
    "an unknown proration": ({"proration": "sometimes"}, "request_invalid"),
    "issued long before": ({"issuedDaysAhead": 31}, "plan_terms_refused"),
    "an unknown field": ({"discount": 1}, "request_invalid"),
}


async def test_a_plan_that_cannot_be_is_refused_and_leaves_nothing(shop: Caller) -> None:
    for changes, code in WRONG_PLANS.values():
        refused(await shop.post(PLANS, MONTHLY | changes), 422, code)

    refused(await shop.get(f"{PLANS}/premium_monthly"), 404, "plan_not_found")
    refused(await shop.delete(f"{PLANS}/premium_monthly"), 404, "plan_not_found")
    refused(await shop.post(f"{PLANS}/none/versions", VERSION), 404, "plan_not_found")
    assert await listed(shop, PLANS) == []


async def test_a_coupon_is_made_listed_and_withdrawn(shop: Caller) -> None:
    more = {"periods": 3, "plans": ["premium_monthly"], "most": 10}
    until = {"redeemBy": "2099-01-01T00:00:00+07:00"}
    made = told(await shop.post(COUPONS, COUPON | more | until))
    assert made["redeemBy"] == "2098-12-31T17:00:00Z"
    assert (COUPON | more).items() <= made.items()
    assert made["redeemed"] == 0
    amount = told(await shop.post(COUPONS, {"code": "POTONG", "amount": 10_000}))
    assert (amount["amount"], amount["currency"]) == (10_000, "IDR")

    gone = told(await shop.delete(f"{COUPONS}/POTONG"), 200)

    assert gone["withdrawnAt"]
    assert told(await shop.get(f"{COUPONS}/POTONG"), 200) == gone
    rows = await listed(shop, COUPONS)
    assert [row["code"] for row in rows] == ["POTONG", "HEMAT-20"]
    assert {name: value for name, value in rows[1].items() if value is not None} == made
    refused(await shop.post(COUPONS, COUPON), 409, "coupon_exists")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"code": "hemat"}, "request_invalid"),
        ({"code": "A"}, "request_invalid"),
        ({"percent": 0}, "request_invalid"),
        ({"percent": 101}, "request_invalid"),
        ({"percent": None}, "coupon_terms_refused"),
        ({"amount": 1}, "coupon_terms_refused"),
        ({"percent": None, "amount": 10**13}, "coupon_terms_refused"),
        ({"periods": 0}, "request_invalid"),
        ({"most": 0}, "request_invalid"),
        ({"plans": ["a:b"]}, "request_invalid"),
        ({"currency": "USD"}, "currency_unknown"),
        ({"redeemBy": "2020-01-01T00:00:00+07:00"}, "coupon_terms_refused"),
        ({"redeemBy": "tomorrow"}, "request_invalid"),
    ],
)
async def test_a_coupon_that_cannot_be_is_refused(shop: Caller, changes: Fields, code: str) -> None:
    refused(await shop.post(COUPONS, COUPON | changes), 422, code)

    refused(await shop.get(f"{COUPONS}/HEMAT-20"), 404, "coupon_not_found")
    refused(await shop.delete(f"{COUPONS}/HEMAT-20"), 404, "coupon_not_found")

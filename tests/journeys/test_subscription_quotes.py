"""A change is previewed, promised for a quarter of an hour, and costs what was promised."""

from datetime import timedelta
from typing import Any

import pytest

from support.customer import Fields
from support.market import Market, bill_id, told
from support.moving import Moving


async def bought(market: Market, **more: Any) -> Fields:
    await market.plan("max", 199_000)
    return await market.subscribe(await market.plan(), await market.with_card(), **more)


async def test_an_upgrade_in_mid_month_costs_what_its_quote_says(
    life: Moving, market: Market
) -> None:
    subscription = await bought(market)
    await life.pass_by(days=13, stride_days=13)
    length = await life.system.log_length()

    quote = told(await market.preview(subscription, planId="max"))
    assert await life.system.log_length() == length
    assert (quote["takesEffect"], quote["proration"]) == ("now", "prorate_now")
    assert quote["charge"]["toPay"] == quote["charge"]["amount"]["total"] == 53_571  # of 15/28
    assert quote["nextRenewal"]["bill"]["toPay"] == 199_000
    assert quote["quoteExpiresAt"] == (life.now + timedelta(minutes=15)).isoformat().replace(
        "+00:00", "Z"
    )

    await life.pass_by(minutes=14)
    changed = told(await market.change(subscription, planId="max", quoteId=quote["quoteId"]), 200)
    bill = await market.bill(bill_id(subscription, 2))
    assert {name: bill[name] for name in quote["charge"] if name != "dueAt"} == {
        name: value for name, value in quote["charge"].items() if name != "dueAt"
    }
    assert (bill["status"], bill["reason"]) == ("paid", "change")
    assert (changed["planId"], changed["status"]) == ("max", "active")
    assert changed["nextRenewal"] == quote["nextRenewal"]

    await life.to(life.now.replace(day=28))
    renewal = await market.bill(bill_id(subscription, 3))
    expected = quote["nextRenewal"]["bill"]
    assert {name: renewal[name] for name in expected} == expected


async def test_a_downgrades_credit_pays_the_renewal(life: Moving, market: Market) -> None:
    await market.plan("lite", 49_000)
    subscription = await bought(market)
    await life.pass_by(days=13, stride_days=13)

    quote = told(await market.preview(subscription, planId="lite"))
    told(await market.change(subscription, planId="lite", quoteId=quote["quoteId"]))

    lower = await market.read(subscription)
    assert quote["credited"] == lower["credit"] == 26_786  # 15/28 of the difference
    assert "charge" not in quote
    await life.pass_by(days=15, stride_days=1)
    renewal = await market.bill(bill_id(subscription, 2))
    assert (renewal["creditUsed"], renewal["toPay"]) == (26_786, 49_000 - 26_786)
    assert renewal["status"] == "paid"
    assert (await market.read(subscription))["credit"] == 0


async def test_a_quote_is_good_for_its_own_change_and_its_own_time(
    life: Moving, market: Market
) -> None:
    subscription = await bought(market)
    other = await market.subscribe("pro", await market.with_card())
    quote_id = told(await market.preview(subscription, planId="max"))["quoteId"]
    length = await life.system.log_length()

    refused = {
        "other change": await market.change(
            subscription, planId="max", quantity=2, quoteId=quote_id
        ),
        "other subscription": await market.change(other, planId="max", quoteId=quote_id),
        "made up": await market.change(subscription, planId="max", quoteId="quote_AAAA"),
        "with paying": await market.change(subscription, paymentMethod="bca_va", quoteId=quote_id),
    }
    codes = {name: (one.status_code, one.json()["type"]) for name, one in refused.items()}
    assert codes == {
        "other change": (422, "/problems/quote_invalid"),
        "other subscription": (422, "/problems/quote_invalid"),
        "made up": (422, "/problems/quote_invalid"),
        "with paying": (422, "/problems/change_one_thing"),
    }
    await life.pass_by(minutes=15)
    late = await market.change(subscription, planId="max", quoteId=quote_id)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/quote_expired")
    assert await life.system.log_length() == length


@pytest.mark.parametrize("what", ["subscription", "plan"])
async def test_a_quote_is_stale_once_something_has_happened(
    life: Moving, market: Market, what: str
) -> None:
    subscription = await bought(market)
    quote_id = told(await market.preview(subscription, planId="max"))["quoteId"]
    if what == "plan":
        version = {"name": "Max", "price": 249_000, "interval": {"unit": "month"}}
        told(await market.shop.post("/api/v1/plans/max/versions", version), 201)
    else:
        told(await market.act(subscription, "pause", reason="holidays"))
        told(await market.act(subscription, "resume"))
    length = await life.system.log_length()

    stale = await market.change(subscription, planId="max", quoteId=quote_id)

    assert (stale.status_code, stale.json()["type"]) == (409, "/problems/quote_stale")
    assert await life.system.log_length() == length

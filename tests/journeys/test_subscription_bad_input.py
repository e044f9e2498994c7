"""What cannot be done to a subscription: refused with a stable code, without an event, and without a
charge.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from support.customer import Fields
from support.market import SUBSCRIPTIONS, Market, path, payment, told
from support.moving import Moving, moving

# One system for all of them: a refusal leaves nothing behind, and each test proves it.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Stand:
    """Subscriptions in every state that matters, and who has them."""

    life: Moving
    market: Market
    siti: str  # has a saved card
    budi: str  # has nothing
    card: str  # of Siti
    active: Fields
    incomplete: Fields
    paused: Fields
    leaving: Fields
    ended: Fields
    etag: str  # of `active`, from before its last change


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prepared(shared_database_with_clock: str) -> AsyncIterator[Stand]:
    async with moving(shared_database_with_clock) as life:
        stand = await _stand(life, Market(life.shop, life.gateway))
        await life.rest()
        yield stand


async def _stand(life: Moving, market: Market) -> Stand:
    await _sell(market)
    siti, budi = await market.customer(), await market.customer()
    card = await market.card(siti)
    active, paused, leaving, ended = [await market.subscribe("pro", siti) for _ in range(4)]
    told(await market.act(paused, "pause", reason="holidays"))
    told(await market.end(leaving))
    told(await market.end(ended, effectiveDate="now"))
    told(await market.change(active, couponCode="ONCE"))
    told(await market.change(active, couponCode=""))
    await market.subscribe("pro", siti, couponCode="SCARCE")
    incomplete = await market.subscribe("pro", budi, "bca_va")
    await life.pass_by(days=2, stride_days=2)
    incomplete = await market.subscribe("pro", budi, "bca_va")
    etag = f'"{active["version"]}"'
    return Stand(life, market, siti, budi, card, active, incomplete, paused, leaving, ended, etag)


async def _sell(market: Market) -> None:
    for plan_id, more in {
        "pro": {},
        "max": {"price": 199_000},
        "gone": {},
        "weekly": {"interval": {"unit": "week"}},
        "net": {"taxMode": "exclusive"},
        "dear": {"price": 900_000_000},
    }.items():
        await market.plan(plan_id, **more)
    told(await market.shop.delete("/api/v1/plans/gone"))
    await market.coupon("ONCE", percent=10)
    await market.coupon("SCARCE", percent=10, most=1)
    await market.coupon("TAKEN-BACK", percent=10)
    await market.coupon("MAX-ONLY", percent=10, plans=["max"])
    told(await market.shop.delete("/api/v1/coupons/TAKEN-BACK"))


@pytest_asyncio.fixture(loop_scope="module")
async def stand(prepared: Stand) -> AsyncIterator[Stand]:
    """Whatever is asked must leave the log, and the gateway's book, as they were."""
    system = prepared.life.system
    length, book = await system.log_length(), len(await prepared.life.gateway.book())
    yield prepared
    assert await system.log_length() == length, "a refusal left an event"
    assert len(await prepared.life.gateway.book()) == book, "a refusal charged somebody"


def check(answer: httpx2.Response, status: int, code: str) -> Fields:
    found = (answer.status_code, answer.json().get("type"))
    assert found == (status, f"/problems/{code}"), answer.text
    return dict(answer.json())


# What is asked otherwise than `planId: pro, paymentMethod: auto_debit` of Siti.
NEW: dict[str, tuple[Fields, int, str]] = {
    "unknown plan": ({"planId": "none"}, 404, "plan_not_found"),
    "no plan's id": ({"planId": "a.b"}, 422, "plan_id_malformed"),
    "plan in words": ({"planId": "the pro plan"}, 422, "request_invalid"),
    "retired plan": ({"planId": "gone"}, 409, "plan_retired"),
    "unknown customer": ({"customerId": "nobody"}, 404, "customer_not_found"),
    "no customer's id": ({"customerId": "no body"}, 422, "request_invalid"),
    "unknown method": ({"paymentMethod": "barter"}, 422, "method_unknown"),
    "unknown saved method": (
        {"paymentMethod": f"pm_{'0' * 26}"},
        404,
        "payment_method_not_attached",
    ),
    "card that is not saved": ({"paymentMethod": "credit_card"}, 422, "method_cannot_be_pushed"),
    "OVO": ({"paymentMethod": "ovo"}, 422, "method_cannot_be_pushed"),
    "fallback that needs the payer": (
        {"fallbackMethods": ["ovo"]},
        422,
        "method_cannot_be_pushed",
    ),
    "fallback of nothing": (
        {"paymentMethod": "bca_va", "fallbackMethods": ["qris"]},
        422,
        "fallback_without_pull",
    ),
    "six fallbacks": ({"fallbackMethods": ["bca_va"] * 6}, 422, "request_invalid"),
    "unknown coupon": ({"couponCode": "NONE"}, 404, "coupon_not_found"),
    "no coupon's code": ({"couponCode": "half off"}, 422, "request_invalid"),
    "used up coupon": ({"couponCode": "SCARCE"}, 409, "coupon_used_up"),
    "withdrawn coupon": ({"couponCode": "TAKEN-BACK"}, 409, "coupon_withdrawn"),
    "coupon of another plan": ({"couponCode": "MAX-ONLY"}, 422, "coupon_not_for_plan"),
    "none": ({"quantity": 0}, 422, "request_invalid"),
    "too many": ({"quantity": 100_001}, 422, "request_invalid"),
    "one and a half": ({"quantity": 1.5}, 422, "request_invalid"),
    "the 32nd": ({"billingDay": 32}, 422, "request_invalid"),
    "a day of the month by the week": (
        {"planId": "weekly", "billingDay": 3},
        422,
        "anchor_day_invalid",
    ),
    "another zone": ({"zone": "WEST"}, 422, "request_invalid"),
    "more than the method takes": ({"planId": "dear", "quantity": 9}, 422, "amount_above_maximum"),
    "an unknown field": ({"trialDays": 30}, 422, "request_invalid"),
}


@pytest.mark.parametrize("name", NEW)
async def test_a_subscription_that_cannot_be_is_refused(stand: Stand, name: str) -> None:
    changes, status, code = NEW[name]
    asked = {"planId": "pro", "customerId": stand.siti, "paymentMethod": "auto_debit", **changes}

    check(await stand.market.shop.post(SUBSCRIPTIONS, asked), status, code)


async def test_who_has_saved_nothing_is_told_what_could_be_pulled(stand: Stand) -> None:
    refused = check(await stand.market.ask("pro", stand.budi, "auto_debit"), 422, "nothing_to_pull")

    assert refused["canBePulled"] == ["card", "gopay"]


async def test_nobodys_card_is_charged_for_another(stand: Stand) -> None:
    answer = await stand.market.ask("pro", stand.budi, stand.card)

    check(answer, 404, "payment_method_not_attached")


async def test_a_plan_in_another_currency_is_not_kept(stand: Stand) -> None:
    plan = {"planId": "usd", "name": "Pro", "price": 9, "interval": {"unit": "month"}}

    answer = await stand.market.shop.post("/api/v1/plans", plan | {"currency": "USD"})

    check(answer, 422, "currency_unknown")


CHANGES: dict[str, tuple[Fields, int, str]] = {
    "nothing": ({}, 422, "nothing_changes"),
    "the same plan": ({"planId": "pro"}, 422, "nothing_changes"),
    "unknown plan": ({"planId": "none"}, 404, "plan_not_found"),
    "retired plan": ({"planId": "gone"}, 409, "plan_retired"),
    "yesterday": ({"planId": "max", "effectiveDate": "2027-02-01"}, 422, "effective_date_past"),
    "before it began": (
        {"planId": "max", "effectiveDate": "2026-12-24"},
        422,
        "effective_date_past",
    ),
    "an hour ago": (
        {"planId": "max", "effectiveDate": "2027-02-02T09:00:00+07:00"},
        422,
        "effective_date_past",
    ),
    "someday": ({"planId": "max", "effectiveDate": "someday"}, 422, "request_invalid"),
    "the 30th of February": (
        {"planId": "max", "effectiveDate": "2027-02-30"},
        422,
        "request_invalid",
    ),
    "a time without offset": (
        {"planId": "max", "effectiveDate": "2027-02-10T10:00:00"},
        422,
        "request_invalid",
    ),
    "a number": ({"planId": "max", "effectiveDate": 20_270_210}, 422, "request_invalid"),
    "digits": ({"planId": "max", "effectiveDate": "1802000000"}, 422, "request_invalid"),
    "in two hundred years": (
        {"planId": "max", "effectiveDate": "2227-01-01"},
        422,
        "request_invalid",
    ),
    "tax on top": ({"planId": "net"}, 422, "tax_mode_differs"),
    "unknown proration": ({"planId": "max", "proration": "fair"}, 422, "request_invalid"),
    "coupon used before": ({"couponCode": "ONCE"}, 409, "coupon_used_already"),
    "used up coupon": ({"couponCode": "SCARCE"}, 409, "coupon_used_up"),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_that_cannot_be_is_refused_and_so_is_its_preview(
    stand: Stand, name: str
) -> None:
    asked, status, code = CHANGES[name]

    check(await stand.market.change(stand.active, **asked), status, code)
    check(await stand.market.preview(stand.active, **asked), status, code)


async def test_two_things_at_once_are_refused(stand: Stand) -> None:
    asked: Fields = {"planId": "max", "paymentMethod": "bca_va"}

    check(await stand.market.change(stand.active, **asked), 422, "change_one_thing")
    check(await stand.market.preview(stand.active, **asked), 422, "change_one_thing")
    only_paying = await stand.market.preview(stand.active, paymentMethod="bca_va")
    check(only_paying, 422, "change_one_thing")


async def test_what_was_read_long_ago_is_not_changed(stand: Stand) -> None:
    market = stand.market

    check(
        await market.change(stand.active, if_match=stand.etag, planId="max"), 412, "version_differs"
    )
    check(await market.end(stand.active, if_match=stand.etag), 412, "version_differs")
    check(await market.change(stand.active, if_match="7", planId="max"), 422, "request_invalid")


# The state, the request, and the code of its refusal.
FORBIDDEN: dict[str, tuple[str, str, str, Fields]] = {
    "change of what ended": ("ended", "PUT", "", {"planId": "max"}),
    "change while it is leaving": ("leaving", "PUT", "", {"planId": "max"}),
    "change before it began": ("incomplete", "PUT", "", {"planId": "max"}),
    "change in a pause": ("paused", "PUT", "", {"planId": "max"}),
    "preview of what ended": ("ended", "POST", "/preview", {"planId": "max"}),
    "paying for what ended": ("ended", "PUT", "", {"paymentMethod": "auto_debit"}),
    "end of what ended": ("ended", "DELETE", "", {"reason": "enough"}),
    "pause of what ended": ("ended", "POST", "/pause", {"reason": "holidays"}),
    "pause of a pause": ("paused", "POST", "/pause", {"reason": "holidays"}),
    "pause before it began": ("incomplete", "POST", "/pause", {"reason": "holidays"}),
    "resume of what runs": ("active", "POST", "/resume", {}),
    "reactivation of what runs": ("active", "POST", "/reactivate", {}),
    "no change to withdraw": ("active", "DELETE", "/scheduled-change", {}),
    "no missed period": ("active", "POST", "/missed-periods", {}),
}


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_what_its_state_forbids_is_refused(stand: Stand, name: str) -> None:
    state, method, act, asked = FORBIDDEN[name]
    where = f"{path(getattr(stand, state))}{act}"

    answer = await stand.market.send(method, where, asked)

    check(answer, 409, "subscription_state_forbids")


async def test_what_goes_on_is_not_paid_otherwise_by_the_same_request(stand: Stand) -> None:
    asked = {"paymentMethod": "bca_va"}

    answer = await stand.market.act(stand.leaving, "reactivate", **asked)

    check(answer, 422, "change_one_thing")


ENDS: dict[str, tuple[str, Any, int, str]] = {
    "yesterday": ("DELETE", {"effectiveDate": "2027-02-01"}, 422, "effective_date_past"),
    "never": ("DELETE", {"effectiveDate": "never"}, 422, "request_invalid"),
    "no reason": ("DELETE", {"reason": ""}, 422, "request_invalid"),
    "credit in words": ("DELETE", {"credit": "yes"}, 422, "request_invalid"),
    "a pause that ended": ("POST", {"resumeAt": "2027-02-01"}, 422, "effective_date_past"),
    "a pause that ends now": (
        "POST",
        {"resumeAt": "2027-02-02T10:00:00+07:00"},
        422,
        "effective_date_past",
    ),
}


@pytest.mark.parametrize("name", ENDS)
async def test_an_end_that_cannot_be_is_refused(stand: Stand, name: str) -> None:
    method, asked, status, code = ENDS[name]
    where = path(stand.active) + ("/pause" if method == "POST" else "")

    check(await stand.market.send(method, where, {"reason": "x"} | asked), status, code)


async def test_a_bill_that_is_owed_is_shown_after_every_refusal(stand: Stand) -> None:
    shown = await stand.market.read(stand.incomplete)

    assert payment(shown)["nextAction"]["type"] == "pay_virtual_account"

"""A pull that fails: the policy's steps, another method, and how it ends."""

from typing import Any

from support.customer import DENIED_CARD, Fields
from support.market import Market, bill_id, payment, told
from support.moving import Moving


async def failing(life: Moving, market: Market, **more: Any) -> Fields:
    """A subscription whose card is refused at its first renewal."""
    customer = await market.with_card()
    bought = await market.subscribe(await market.plan(), customer, **more)
    refused = await market.card(customer, DENIED_CARD)
    told(await market.change(bought, paymentMethod=refused))
    await life.pass_by(days=28, stride_days=7)
    return await market.read(bought)


async def test_what_fails_is_dunned_falls_back_and_recovers(life: Moving, market: Market) -> None:
    overdue = await failing(life, market, fallbackMethods=["bca_va"])
    assert (overdue["status"], overdue["access"]) == ("in_grace", True)
    assert overdue["dunning"]["overdueSince"] == "2027-02-28T03:00:00Z"
    assert payment(overdue)["status"] == "denied"
    assert payment(overdue)["failure"]["code"]

    await life.pass_by(days=5)
    fallen_back = await market.read(overdue)
    asked = payment(fallen_back)
    assert fallen_back["status"] == "in_grace"
    assert (asked["status"], asked["nextAction"]["type"]) == ("pending", "pay_virtual_account")

    await market.gateway.pay(asked)
    await life.rest()
    recovered = await market.read(overdue)
    assert (recovered["status"], recovered["openBills"]) == ("active", [])
    assert "dunning" not in recovered
    assert recovered["currentPeriod"]["number"] == 2
    paid = await market.bill(bill_id(overdue, 2))
    assert paid["payments"][-1]["status"] == "settled"
    await life.system.books()


async def test_a_new_card_is_tried_at_once(life: Moving, market: Market) -> None:
    overdue = await failing(life, market)
    good = await market.card(overdue["customerId"])

    recovered = told(await market.change(overdue, paymentMethod=good))

    assert (recovered["status"], recovered["openBills"]) == ("active", [])
    assert recovered["paying"]["savedMethod"] == good


async def test_a_card_that_was_detached_is_a_pull_that_failed(life: Moving, market: Market) -> None:
    bought = await market.subscribe(await market.plan(), await market.with_card())
    methods = f"/api/v1/customers/{bought['customerId']}/payment-methods"
    told(await market.shop.delete(f"{methods}/{bought['paying']['savedMethod']}"))

    await life.pass_by(days=28, stride_days=7)
    overdue = await market.read(bought)
    assert (overdue["status"], payment(overdue)["status"]) == ("in_grace", "failed")
    assert payment(overdue)["failure"]["code"] == "payment_method_not_attached"
    told(await market.end(bought, effectiveDate="now"))
    again = await market.act(bought, "reactivate")

    assert again.status_code == 200, again.text
    assert again.json()["status"] == "incomplete"
    assert payment(again.json())["failure"]["code"] == "payment_method_not_attached"


async def test_who_does_not_pay_loses_access_and_in_the_end_the_subscription(
    life: Moving, market: Market
) -> None:
    overdue = await failing(life, market)

    await life.pass_by(days=7)
    assert _standing(await market.read(overdue)) == ("past_due", False)
    await life.pass_by(days=7)

    ended = await market.read(overdue)
    assert _standing(ended) == ("cancelled", False)
    assert ended["openBills"] == []
    assert (await market.bill(bill_id(overdue, 2)))["status"] == "void"
    length = await life.system.log_length()
    await life.pass_by(days=60, stride_days=10)
    assert await life.system.log_length() == length, "nothing is tried any more"


async def test_ending_it_stops_every_retry(life: Moving, market: Market) -> None:
    overdue = await failing(life, market)

    ended = told(await market.end(overdue, effectiveDate="now"))

    assert _standing(ended) == ("cancelled", False)
    payments = (await market.bill(bill_id(overdue, 2)))["payments"]
    await life.pass_by(days=20, stride_days=5)
    assert (await market.bill(bill_id(overdue, 2)))["payments"] == payments


def _standing(subscription: Fields) -> tuple[str, bool]:
    return subscription["status"], subscription["access"]

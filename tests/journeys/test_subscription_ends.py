"""Trials, pauses, endings, and beginning again."""

from support.market import Market, bill_id, payment, told
from support.moving import Moving


async def test_a_trial_costs_nothing_until_it_ends(life: Moving, market: Market) -> None:
    plan = await market.plan(trialDays=14)
    bought = await market.subscribe(plan, await market.with_card())
    assert (bought["status"], bought["access"], bought["openBills"]) == ("trialing", True, [])
    assert bought["trialEndsAt"] == bought["nextRenewal"]["startsAt"] == "2027-02-14T03:00:00Z"

    await life.pass_by(days=14, stride_days=7)

    begun = await market.read(bought)
    assert (begun["status"], begun["currentPeriod"]["number"]) == ("active", 1)
    assert begun["currentPeriod"]["startsAt"] == "2027-02-14T03:00:00Z"
    assert "trialEndsAt" not in begun
    assert (await market.bill(bill_id(bought, 1)))["toPay"] == 99_000


async def test_it_ends_with_what_is_paid_for_and_may_be_taken_back(
    life: Moving, market: Market
) -> None:
    bought = await market.subscribe(await market.plan(), await market.with_card())

    leaving = told(await market.end(bought))
    assert (leaving["status"], leaving["access"]) == ("cancelling", True)
    assert leaving["cancellation"]["effectiveAt"] == "2027-02-28T03:00:00Z"
    assert "nextRenewal" not in leaving
    assert told(await market.act(bought, "reactivate"))["status"] == "active"
    told(await market.end(bought))
    await life.pass_by(days=28, stride_days=7)

    ended = await market.read(bought)
    assert (ended["status"], ended["access"], ended["openBills"]) == ("cancelled", False, [])
    assert (await market.shop.get(f"/api/v1/bills/{bill_id(bought, 2)}")).status_code == 404


async def test_it_ends_now_and_the_unused_time_is_credit(life: Moving, market: Market) -> None:
    bought = await market.subscribe(await market.plan(), await market.with_card())
    await life.pass_by(days=14, stride_days=14)

    ended = told(await market.end(bought, effectiveDate="now", credit=True))

    assert (ended["status"], ended["access"], ended["credit"]) == ("cancelled", False, 49_500)
    bill = await market.bill(bill_id(bought, 1))
    assert bill["credited"] == 49_500
    assert bill["recognised"] + bill["unearned"] == 89_189 - 44_594  # of its net, what is kept
    await life.system.books()


async def test_it_ends_on_a_day_of_the_subscribers_zone(life: Moving, market: Market) -> None:
    plan, customer = await market.plan(), await market.with_card()
    bought = await market.subscribe(plan, customer, zone="WIT")

    leaving = told(await market.end(bought, effectiveDate="2027-02-10"))

    assert leaving["cancellation"]["effectiveAt"] == "2027-02-09T15:00:00Z"
    await life.pass_by(days=10, stride_days=10)
    assert (await market.read(bought))["status"] == "cancelled"


async def test_what_has_ended_begins_anew_with_a_new_bill(life: Moving, market: Market) -> None:
    customer = await market.with_card()
    bought = await market.subscribe(await market.plan(), customer)
    told(await market.end(bought, effectiveDate="now"))
    await life.pass_by(days=90, stride_days=30)

    again = told(await market.act(bought, "reactivate", paymentMethod="mandiri_bill"))

    assert (again["status"], again["access"]) == ("incomplete", False)
    assert payment(again)["nextAction"]["type"] == "pay_bill"
    await market.gateway.pay(payment(again))
    await life.rest()
    begun = await market.read(bought)
    assert (begun["status"], begun["currentPeriod"]["startsAt"]) == (
        "active",
        life.now.isoformat().replace("+00:00", "Z"),
    )


async def test_what_begins_anew_may_fall_back_otherwise(life: Moving, market: Market) -> None:
    bought = await market.subscribe(await market.plan(), await market.with_card())
    told(await market.end(bought, effectiveDate="now"))

    again = told(await market.act(bought, "reactivate", fallbackMethods=["bca_va", "qris"]))

    assert again["status"] == "active"
    assert again["paying"] == bought["paying"] | {"fallbackMethods": ["bca_va", "qris"]}


async def test_nothing_is_billed_in_a_pause_and_a_new_period_begins_after_it(
    life: Moving, market: Market
) -> None:
    bought = await market.subscribe(await market.plan(), await market.with_card())

    paused = told(await market.act(bought, "pause", reason="holidays", resumeAt="2027-04-10"))
    assert (paused["status"], paused["access"]) == ("paused", False)
    assert paused["resumeAt"] == "2027-04-09T17:00:00Z"
    await life.pass_by(days=60, stride_days=10)
    assert (await market.read(bought))["status"] == "paused"
    assert (await market.shop.get(f"/api/v1/bills/{bill_id(bought, 2)}")).status_code == 404

    await life.to(life.now.replace(month=4, day=10), stride_days=1)
    resumed = await market.read(bought)
    assert (resumed["status"], resumed["access"]) == ("active", True)
    assert resumed["currentPeriod"]["startsAt"] >= "2027-04-09T17:00:00Z"
    assert (await market.bill(bill_id(bought, 2)))["status"] == "paid"


async def test_a_pause_is_ended_by_hand_within_what_is_paid_for(
    life: Moving, market: Market
) -> None:
    bought = await market.subscribe(await market.plan(), await market.with_card())
    told(await market.act(bought, "pause", reason="holidays"))
    await life.pass_by(days=10, stride_days=10)

    resumed = told(await market.act(bought, "resume"))

    assert (resumed["status"], resumed["access"]) == ("active", True)
    assert resumed["currentPeriod"] == bought["currentPeriod"]


async def test_a_coupon_of_everything_costs_and_earns_nothing(life: Moving, market: Market) -> None:
    coupon = await market.coupon("GRATIS", percent=100, periods=1)
    plan, customer = await market.plan(), await market.customer()

    free = await market.subscribe(plan, customer, "bca_va", couponCode=coupon)

    assert (free["status"], free["access"], free["openBills"]) == ("active", True, [])
    bill = await market.bill(bill_id(free, 1))
    assert (bill["status"], bill["toPay"], bill["discount"]) == ("paid", 0, 99_000)
    assert (bill["couponCode"], bill["payments"]) == ("GRATIS", [])
    assert free["nextRenewal"]["bill"]["toPay"] == 99_000  # it was good for one bill
    await life.pass_by(days=14, stride_days=14)
    assert await life.system.books() == {}

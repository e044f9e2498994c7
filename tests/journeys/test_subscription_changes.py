"""Changes on a day, at the next period, in quantity, several in one period; and periods that were missed."""

from support.market import Market, bill_id, told
from support.moving import Moving


async def test_a_change_on_a_day_is_previewed_made_then_and_may_be_withdrawn(
    life: Moving, market: Market
) -> None:
    await market.plan("max", 199_000)
    bought = await market.subscribe(await market.plan(), await market.with_card(), zone="WIT")
    asked = {"planId": "max", "effectiveDate": "2027-02-14"}

    quote = told(await market.preview(bought, **asked))
    assert (quote["takesEffect"], quote["effectiveDate"]) == ("later", "2027-02-13T15:00:00Z")
    waiting = told(await market.change(bought, **asked, quoteId=quote["quoteId"]))
    assert (waiting["planId"], waiting["scheduledChange"]["sold"]["planId"]) == ("pro", "max")
    withdrawn = told(await market.withdraw_change(bought))
    assert "scheduledChange" not in withdrawn
    assert withdrawn["nextRenewal"]["bill"]["toPay"] == 99_000

    told(await market.change(bought, **asked))
    await life.pass_by(days=14, stride_days=0)
    changed, bill = await market.read(bought), await market.bill(bill_id(bought, 2))
    assert (changed["planId"], changed["status"]) == ("max", "active")
    assert bill["startsAt"] == "2027-02-13T15:00:00Z"
    promised = {name: value for name, value in quote["charge"].items() if name != "dueAt"}
    assert {name: bill[name] for name in promised} == promised


async def test_a_change_waits_for_the_next_period(life: Moving, market: Market) -> None:
    await market.plan("max", 199_000)
    bought = await market.subscribe(await market.plan(), await market.with_card())

    waiting = told(await market.change(bought, planId="max", proration="next_period"))
    assert waiting["scheduledChange"]["effectiveAt"] == "2027-02-28T03:00:00Z"
    assert waiting["nextRenewal"]["bill"]["toPay"] == 199_000
    await life.pass_by(days=28, stride_days=7)

    changed = await market.read(bought)
    assert (changed["planId"], changed["currentPeriod"]["number"]) == ("max", 2)
    renewal = await market.bill(bill_id(bought, 2))
    assert (renewal["toPay"], renewal["reason"]) == (199_000, "renewal")


async def test_going_up_and_down_again_costs_nothing(life: Moving, market: Market) -> None:
    bought = await market.subscribe(await market.plan(), await market.with_card())
    await life.pass_by(days=9, stride_days=9)

    up = told(await market.change(bought, quantity=4))
    down = told(await market.change(bought, quantity=1))

    bill = await market.bill(bill_id(bought, 2))
    assert (up["quantity"], down["quantity"]) == (4, 1)
    assert bill["toPay"] == bill["credited"] == down["credit"] > 0
    await life.system.books()


async def test_the_newest_version_of_the_same_plan(life: Moving, market: Market) -> None:
    bought = await market.subscribe(await market.plan(), await market.with_card())
    dearer = {"name": "Pro", "price": 129_000, "interval": {"unit": "month"}}
    told(await market.shop.post("/api/v1/plans/pro/versions", dearer), 201)

    kept = told(await market.change(bought, quantity=2, proration="next_period"))
    assert kept["scheduledChange"]["sold"]["planVersion"] == 1
    moved = told(await market.change(bought, planId="pro", proration="next_period"))

    assert moved["planVersion"] == 1
    assert moved["scheduledChange"]["sold"]["planVersion"] == 2


async def test_a_coupon_is_used_once_and_goes_with_its_plan(life: Moving, market: Market) -> None:
    await market.plan("max", 199_000)
    half = await market.coupon("HALF", percent=50, plans=["pro"])
    plan, customer = await market.plan(), await market.with_card()

    bought = await market.subscribe(plan, customer, couponCode=half)
    again = told(await market.change(bought, quantity=2, couponCode=half))
    other = told(await market.change(bought, planId="max"))

    assert (bought["price"], bought["coupon"]["code"]) == (49_500, "HALF")
    assert again["price"] == 99_000
    assert "coupon" not in other and other["price"] == 2 * 199_000
    used = told(await market.shop.get("/api/v1/coupons/HALF"))
    assert used["redeemed"] == 1


async def test_tax_comes_on_top_and_a_first_period_up_to_the_billing_day_costs_its_part(
    life: Moving, market: Market
) -> None:
    plan = await market.plan("net", 100_000, taxMode="exclusive")

    bought = await market.subscribe(plan, await market.with_card(), billingDay=14)

    first = await market.bill(bill_id(bought, 1))
    assert first["endsAt"] == "2027-02-14T03:00:00Z"
    assert first["amount"]["net"] == 45_161  # 14 of 31 days
    assert first["tax"] == {
        "mode": "exclusive",
        "base": 45_161,
        "otherBase": 41_398,
        "rate": 12,
        "amount": 4_968,
        "words": "PPN 12 % of 11/12 of the price",
    }
    assert bought["nextRenewal"]["bill"]["amount"] == {
        "net": 100_000,
        "tax": 11_000,
        "total": 111_000,
    }


async def test_another_interval_begins_at_once_and_what_is_left_is_credit(
    life: Moving, market: Market
) -> None:
    await market.plan("year", 990_000, interval={"unit": "year"})
    bought = await market.subscribe(await market.plan(), await market.with_card())
    await life.pass_by(days=14, stride_days=14)

    quote = told(await market.preview(bought, planId="year"))
    changed = told(await market.change(bought, planId="year", quoteId=quote["quoteId"]))

    assert changed["currentPeriod"]["endsAt"] == "2028-02-14T03:00:00Z"
    bill = await market.bill(bill_id(bought, 2))
    assert (bill["creditUsed"], bill["toPay"]) == (49_500, 990_000 - 49_500)
    assert {name: bill[name] for name in quote["charge"]} == quote["charge"]


async def test_what_was_missed_in_a_downtime_is_billed_by_hand(
    life: Moving, market: Market
) -> None:
    """Of three that passed, the policy bills the newest by itself, and then the one that runs."""
    bought = await market.subscribe(await market.plan(), await market.with_card())

    await life.leap(life.now.replace(month=6, day=10))
    back = await market.read(bought)
    assert (back["status"], back["missedPeriods"]) == ("active", 2)
    assert back["currentPeriod"]["startsAt"] == "2027-05-31T03:00:00Z"

    assert told(await market.act(bought, "missed-periods"))["missedPeriods"] == 1
    assert told(await market.act(bought, "missed-periods"))["missedPeriods"] == 0
    refused = await market.act(bought, "missed-periods")
    assert (refused.status_code, refused.json()["type"]) == (
        409,
        "/problems/subscription_state_forbids",
    )
    bills = [await market.bill(bill_id(bought, number)) for number in range(2, 6)]
    assert [(bill["reason"], bill["startsAt"][:10], bill["status"]) for bill in bills] == [
        ("renewal", "2027-04-30", "paid"),
        ("renewal", "2027-05-31", "paid"),
        ("missed", "2027-02-28", "paid"),
        ("missed", "2027-03-31", "paid"),
    ]
    await life.system.books()

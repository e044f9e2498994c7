"""Requests that race, repeat, or wait: one wins, once; and either all of it happened or none."""

import asyncio

import httpx2

from support.customer import Fields, eventually, new_key
from support.market import SUBSCRIPTIONS, Market, bill_id, path, payment, told
from support.moving import Moving, moving
from support.running import api_process


async def bought(market: Market) -> Fields:
    await market.plan("max", 199_000)
    return await market.subscribe(await market.plan(), await market.with_card())


Answers = tuple[httpx2.Response, httpx2.Response]


async def race(one: Market, other: Market, subscription: Fields, etag: str = "") -> Answers:
    return await asyncio.gather(
        one.change(subscription, if_match=etag, planId="max"),
        other.change(subscription, if_match=etag, quantity=3),
    )


async def check_one_won(market: Market, subscription: Fields, both: Answers) -> None:
    won, lost = sorted(both, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code in (409, 412)) == (200, True), lost.text
    assert lost.json()["type"].removeprefix("/problems/") in (
        "subscription_moved",
        "version_differs",
        "subscription_bill_open",  # it read what the other had made, and not yet paid
    )
    kept, made = await market.read(subscription), won.json()
    assert (kept["planId"], kept["quantity"]) == (made["planId"], made["quantity"])


async def test_of_two_changes_of_one_version_one_wins(life: Moving, market: Market) -> None:
    """At two processes, so that no lock of one decides."""
    subscription = await bought(market)
    async with api_process(life.system) as (_, url):
        other = Market(market.shop.at(url), market.gateway)

        both = await race(market, other, subscription, f'"{subscription["version"]}"')

    await check_one_won(market, subscription, both)


async def test_of_two_changes_that_really_race_one_wins(life: Moving, market: Market) -> None:
    """Without a version they may also come one after the other, and then both may be made."""
    subscription = await bought(market)
    async with api_process(life.system) as (_, url):
        other = Market(market.shop.at(url), market.gateway)
        for _ in range(20):
            both = await race(market, other, subscription)
            if {answer.status_code for answer in both} != {200}:
                break
            both_made = await market.read(subscription)
            assert (both_made["planId"], both_made["quantity"]) == ("max", 3)
            subscription = await market.subscribe("pro", subscription["customerId"])

    await check_one_won(market, subscription, both)


async def test_an_etag_is_good_for_one_change(life: Moving, market: Market) -> None:
    subscription = await bought(market)
    read = await market.shop.get(path(subscription))
    etag = read.headers["ETag"]
    assert etag == f'"{subscription["version"]}"'

    changed = await market.change(subscription, if_match=etag, planId="max")
    again = await market.end(subscription, if_match=etag)
    anyway = await market.end(subscription, if_match="*")

    assert changed.status_code == 200
    assert changed.headers["ETag"] == f'"{changed.json()["version"]}"' != etag
    assert (again.status_code, again.json()["type"]) == (412, "/problems/version_differs")
    assert anyway.status_code == 200


async def test_ending_races_a_renewal_and_it_was_before_or_after(
    life: Moving, market: Market
) -> None:
    """The renewals are due, and a worker does them while their subscribers leave at once."""
    plan, customer = await market.plan(), await market.with_card()
    many = [await market.subscribe(plan, customer) for _ in range(12)]
    due = life.now.replace(month=2, day=28)
    await life.to(due.replace(day=27), stride_days=27)

    renewing = asyncio.create_task(life.leap(due))
    ended = await asyncio.gather(*(_end_soon(market, one, n) for n, one in enumerate(many)))
    await renewing
    await life.pass_by(hours=2)

    assert [one.status_code for one in ended] == [200] * len(many)
    for one in many:
        assert (await market.read(one))["status"] == "cancelled"
        assert await _second_bill(market, one) in (None, ("paid", "capture"), ("void", "cancel"))
    await life.system.books()


async def test_ending_while_the_renewal_is_charged_takes_the_charge_back(
    life: Moving, market: Market
) -> None:
    bought = await market.subscribe(await market.plan(), await market.with_card())
    await life.pass_by(days=27, stride_days=27)
    before = await life.system.books()
    await market.gateway.fault("do_late", path="/v2/charge", seconds=0.5)
    renewing = asyncio.create_task(life.pass_by(days=1))

    async def opened() -> None:
        assert await _bill(market, bought, 2)

    await eventually(opened)
    ended = told(await market.end(bought, effectiveDate="now"))
    await renewing
    await life.pass_by(hours=2)

    assert (ended["status"], "currentPeriod" in ended) == ("cancelled", False)
    assert await _second_bill(market, bought) == ("void", "cancel")
    after = await life.system.books()
    assert after.get("Income:Subscription:pro", 0) <= before["Income:Subscription:pro"]
    assert sum(after.values()) == 0


async def _second_bill(market: Market, subscription: Fields) -> tuple[str, str] | None:
    """How it stands, and its only charge at the gateway; None when it was never made."""
    bill = await _bill(market, subscription, 2)
    if not bill:
        return None
    charges = [one for paid in bill["payments"] for one in await market.gateway.charges(paid)]
    assert len(charges) == 1
    return bill["status"], charges[0]["transaction_status"]


async def _bill(market: Market, subscription: Fields, number: int) -> Fields:
    answer = await market.shop.get(f"/api/v1/bills/{bill_id(subscription, number)}")
    return dict(answer.json()) if answer.status_code == 200 else {}


async def _end_soon(market: Market, subscription: Fields, after: int) -> httpx2.Response:
    await asyncio.sleep(after * 0.05)
    return await market.end(subscription, effectiveDate="now")


async def test_the_same_request_twice_makes_one_subscription(life: Moving, market: Market) -> None:
    plan, customer, key = await market.plan(), await market.with_card(), new_key()

    first = await market.ask(plan, customer, "auto_debit", key=key)
    length = await life.system.log_length()
    again = await market.ask(plan, customer, "auto_debit", key=key)
    other = await market.ask(plan, customer, "bca_va", key=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency_key_reused")
    assert await life.system.log_length() == length


async def test_who_lost_the_answer_gets_it_though_it_would_be_refused_by_now(
    life: Moving, market: Market
) -> None:
    """The quote has run out and the plan is sold no more."""
    subscription = await bought(market)
    quote_id = told(await market.preview(subscription, planId="max"))["quoteId"]
    asked, key = {"planId": "max", "quoteId": quote_id}, new_key()
    told(await market.send("PUT", path(subscription), asked, key=key))
    sold = {"planId": "pro", "customerId": subscription["customerId"], "paymentMethod": "bca_va"}
    made = told(await market.send("POST", SUBSCRIPTIONS, sold, key="key-of-a-purchase"), 201)
    await _lose_answers(life)
    for plan in ("pro", "max"):
        told(await market.shop.delete(f"/api/v1/plans/{plan}"))
    await life.pass_by(minutes=20)
    length = await life.system.log_length()

    changed = told(await market.send("PUT", path(subscription), asked, key=key))
    again = told(await market.send("POST", SUBSCRIPTIONS, sold, key="key-of-a-purchase"), 201)

    assert changed["planId"] == "max"
    assert again["subscriptionId"] == made["subscriptionId"]
    assert await life.system.log_length() == length


async def _lose_answers(life: Moving) -> None:
    async with life.system.wired.readers.connection() as conn:
        await conn.execute("delete from idempotency_answers")


async def test_a_slow_gateway_is_not_waited_for(database_with_clock: str) -> None:
    async with moving(database_with_clock, answer_within_seconds=0.2) as life:
        market, key = Market(life.shop, life.gateway), new_key()
        plan, customer = await market.plan(), await market.with_card()
        await market.gateway.fault("do_late", path="/v2/charge", seconds=0.6)

        waiting = await market.ask(plan, customer, "auto_debit", key=key)
        again = await market.ask(plan, customer, "auto_debit", key=key)

        assert waiting.status_code == 202, waiting.text
        asked = payment(waiting.json())
        assert (waiting.json()["status"], asked["status"]) == ("incomplete", "dispatched")
        assert again.content == waiting.content
        await asyncio.sleep(0.6)
        await life.rest()
        assert (await market.read(waiting.json()))["status"] == "active"
        assert len(await market.gateway.charges(asked)) == 1


async def test_without_a_gateway_it_is_sold_and_charged_later(life: Moving, market: Market) -> None:
    plan, customer = await market.plan(), await market.with_card()
    await market.gateway.outage(True)

    waiting = await market.ask(plan, customer, "auto_debit")
    assert waiting.status_code == 202, waiting.text
    await market.gateway.outage(False)
    await life.pass_by(hours=1)

    active = await market.read(waiting.json())
    assert (active["status"], active["openBills"]) == ("active", [])

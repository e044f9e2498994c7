"""Things as they stood: `asOf` a position of the log, or a moment."""

import pytest

from support.customer import Caller, Fields, Gateway
from support.market import Market
from support.moving import Moving


async def path(shop: Caller, payment: Fields) -> list[Fields]:
    """The payment's events, once they show; entries are not among them."""
    await shop.topics(payment)
    events = await shop.get(f"/api/v1/payments/{payment['paymentId']}/events")
    return list(events.json()["events"])


async def test_a_payment_is_shown_as_it_stood(shop: Caller, gateway: Gateway) -> None:
    asked = await shop.request("bca_va", 99_000)
    await gateway.pay(asked)
    now = await shop.until(asked, "settled")
    address = f"/api/v1/payments/{asked['paymentId']}"
    events = await path(shop, asked)

    by_position = [
        (await shop.get(address, asOf=event["position"])).json()["status"] for event in events
    ]
    # What was appended together was known together: nobody has seen it requested and not dispatched.
    assert by_position[:3] == ["dispatched"] * 3
    assert {*by_position} >= {"dispatched", "pending", "settled"}
    assert by_position[-1] == "settled"

    last = events[-1]
    whole = (await shop.get(address, asOf=last["recordedAt"])).json()
    seen = whole.pop("asOf")
    assert whole == now
    assert seen["version"] >= last["version"]  # its entries come with it
    assert seen["recordedAt"] == last["recordedAt"]


async def test_a_blank_where_a_plus_sign_was_not_escaped_is_understood(shop: Caller) -> None:
    asked = await shop.request("bca_va")

    answer = await shop.get(f"/api/v1/payments/{asked['paymentId']}", asOf="2099-01-01T00:00 07:00")

    assert answer.json()["status"] == asked["status"]


async def test_before_it_existed_there_was_no_payment(shop: Caller) -> None:
    first = await shop.request("bca_va")
    begun = (await path(shop, await shop.request("bca_va")))[0]
    address = f"/api/v1/payments/{first['paymentId']}"
    born = (await path(shop, first))[0]["position"]

    later = f"/api/v1/payments/{(await shop.request('bca_va'))['paymentId']}"
    for point in (begun["position"], "2020-01-01T00:00:00Z"):
        answer = await shop.get(later, asOf=point)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/payment_not_found")
    assert (await shop.get(address, asOf=born)).status_code == 200


@pytest.mark.parametrize("point", ["0", "-1", "yesterday", "2026-11-23", "2026-11-23T10:00:00", ""])
async def test_what_is_no_point_is_refused(shop: Caller, point: str) -> None:
    asked = await shop.request("bca_va")

    answer = await shop.get(f"/api/v1/payments/{asked['paymentId']}", asOf=point)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/request_invalid")


async def test_a_position_that_the_log_has_not_reached_is_refused(shop: Caller) -> None:
    asked = await shop.request("bca_va")

    answer = await shop.get(f"/api/v1/payments/{asked['paymentId']}", asOf=10**12)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/position_not_reached")


async def test_a_subscription_and_its_bill_are_shown_as_they_stood(
    life: Moving, market: Market
) -> None:
    bought = await market.subscribe(await market.plan(), await market.with_card())
    bill = await market.newest_bill(bought, 1)
    address = f"/api/v1/subscriptions/{bought['subscriptionId']}"
    before = (await market.shop.get(address, asOf=bought["createdAt"])).json()
    await life.pass_by(days=28, stride_days=1)
    renewed = await market.read(bought)

    again = (await market.shop.get(address, asOf=bill["updatedAt"])).json()
    assert renewed["currentPeriod"]["number"] == 2
    assert (again["status"], again["currentPeriod"]["number"]) == ("active", 1)
    assert again["nextRenewal"] == before["nextRenewal"]
    then = (await market.shop.get(f"/api/v1/bills/{bill['billId']}", asOf=bill["updatedAt"])).json()
    assert then.pop("asOf")["position"] > 0
    assert then == {**bill, "recognised": then["recognised"], "unearned": then["unearned"]}


# ── balances ──────────────────────────────────────────────────────────────────────────────────────────────────

PENDING = "/api/v1/accounts/Assets:Gateway:Midtrans:Pending"
TODAY = {"effectiveOn": "2099-01-01"}


async def balance(shop: Caller, **asked: object) -> Fields:
    answer = await shop.get(PENDING, **asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_balance_is_told_for_a_day_and_as_it_was_known(
    shop: Caller, gateway: Gateway
) -> None:
    first, second = [await shop.request("bca_va", 99_000) for _ in range(2)]
    await gateway.pay(first)
    await shop.until(first, "settled")
    known = (await path(shop, first))[-1]
    await gateway.pay(second)
    await shop.until(second, "settled")
    now = (await path(shop, second))[-1]

    def debits(found: Fields) -> int:
        return sum(one["debit"] for one in found["balances"])

    assert debits(await balance(shop, knownAt=now["position"])) == 2 * 99_000
    for same in (
        {"knownAt": known["position"]},
        {"asOf": known["position"]},
        {"knownAt": known["recordedAt"]},
        {"knownAt": known["position"], **TODAY},
    ):
        then = await balance(shop, **same)
        assert debits(then) == 99_000, same
        assert then["position"] >= known["position"]
    assert (await balance(shop, effectiveOn="2020-01-01"))["balances"] == []


async def test_a_trial_balance_of_any_point_sums_to_zero(shop: Caller, gateway: Gateway) -> None:
    payment = await shop.request("bca_va")
    await gateway.pay(payment)
    await shop.until(payment, "settled")
    head = (await path(shop, payment))[-1]["position"]

    for position in range(1, head + 1):
        for address in ("/api/v1/trial-balance", "/api/v1/accounts"):
            found = (await shop.get(address, knownAt=position)).json()
            assert sum(one["balance"] for one in found["accounts"]) == 0
            assert found["position"] >= position


async def test_one_point_is_enough(shop: Caller) -> None:
    answer = await shop.get(PENDING, asOf=1, knownAt=1)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/point_named_twice")


async def test_a_point_that_is_not_reached_is_refused(shop: Caller) -> None:
    answer = await shop.get(PENDING, knownAt=10**12)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/position_not_reached")


async def test_entries_and_events_are_found_by_both_times(shop: Caller, gateway: Gateway) -> None:
    payment = await shop.request("bca_va")
    await gateway.pay(payment)
    await shop.until(payment, "settled")
    events = await path(shop, payment)
    last = events[-1]
    await balance(shop, knownAt=last["position"])  # waits for the read models
    entries = (await shop.get(f"{PENDING}/entries")).json()["entries"]
    assert all(one["occurredAt"] and one["recordedAt"] for one in entries)
    day, at = entries[0]["effectiveOn"], entries[0]["recordedAt"]

    async def found(**asked: object) -> int:
        return len((await shop.get(f"{PENDING}/entries", **asked)).json()["entries"])

    everything = await found()
    assert await found(effectiveFrom=day, effectiveTo=day) == everything
    assert await found(effectiveTo="2020-01-01") == 0
    assert await found(recordedFrom=at) >= 1
    assert await found(recordedTo="2020-01-01T00:00:00Z") == 0
    assert await found(recordedFrom=at, effectiveTo="2020-01-01") == 0

    address = f"/api/v1/payments/{payment['paymentId']}/events"
    late = (await shop.get(address, recordedFrom=last["recordedAt"])).json()["events"]
    assert last in late
    assert len(late) < len(events)
    early = (await shop.get(address, recordedTo=last["recordedAt"])).json()["events"]
    assert early + late == events
    assert (await shop.get(address, occurredTo="2020-01-01T00:00:00Z")).json()["events"] == []

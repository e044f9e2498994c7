"""The checks of chaos about subscriptions: content with a true history, and each sees the fault planted in it."""

from collections.abc import AsyncIterator, Callable, Iterator
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from faults.chaos import event_log
from faults.chaos import subscription_checks as checks
from faults.chaos.event_log import ENTRY, Event
from faults.chaos.seen import Seen
from faults.chaos.subscribers import PLANS
from ledger.identity import new_id
from ledger.money import Money
from ledger.providers.port import ChargeStatus
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.periods import Interval
from support.customer import Fields
from support.stores import context, open_store
from support.subscription_shop import ACCOUNT, BEGIN, CARD, Shop, plan

DAILY = PLANS[0]
WORDS = {
    ChargeStatus.CAPTURED: "capture",
    ChargeStatus.SETTLED: "settlement",
    ChargeStatus.PENDING: "pending",
    ChargeStatus.CANCELLED: "cancel",
    ChargeStatus.EXPIRED: "expire",
}
ALL = (
    checks.a_period_has_one_bill,
    checks.no_period_is_left_out,
    checks.a_paid_bill_has_one_charge,
    checks.deferred_revenue_is_what_is_left_to_earn,
    checks.what_has_ended_is_left_alone,
)


@pytest.fixture
async def seen(ledger_database: str) -> AsyncIterator[Seen]:
    """Three days of somebody who pays by card and of somebody who pays by transfer, and leaves."""
    async with open_store(ledger_database) as opened:
        shop = Shop(opened, ledger_database)
        by_card, by_transfer = [await subscribed(shop, paying) for paying in (CARD, ACCOUNT)]
        (first,) = (await shop.subscriptions.get(by_transfer)).open_bills
        await shop.pays(first.live[0])
        await shop.until(by_card, BEGIN + timedelta(days=2, hours=1))
        await leaves(shop, by_transfer)
        yield looked(shop)


async def subscribed(shop: Shop, paying: e.Paying) -> str:
    terms = plan(interval=Interval("day"), price=Money(DAILY.price), product=DAILY.plan_id)
    command = c.CreateSubscription(
        now=shop.now(),
        subscription_id=new_id("sub"),
        customer_id="cus_1",
        sold=e.Sold(plan_id=DAILY.plan_id, terms=terms),
        paying=paying,
    )
    return (await shop.subscriptions.create(command, context())).stream


async def leaves(shop: Shop, subscription_id: str) -> None:
    command = c.CancelSubscription(now=shop.now(), at=shop.now(), reason="", with_credit=True)
    await shop.subscriptions.do(subscription_id, command, context())


def looked(shop: Shop) -> Seen:
    book = [
        {"order_id": order, "status": WORDS[held.status]}
        for order, held in shop.gateway.held.items()
    ]
    rows: dict[str, list[Fields]] = {"due": [], "clock": [{"now": shop.now()}]}
    return Seen(None, event_log.read(shop.conninfo), book, [], rows)  # type: ignore[arg-type]


def test_a_true_history_is_content(seen: Seen) -> None:
    assert [line for check in ALL for line in check(seen)] == []
    assert checks.told(seen) == {
        "sold": 2,
        "periods": 4,
        "missed": 0,
        "bills": 4,
        "paid": 4,
        "void": 0,
        "dunned": 0,
        "changed": 0,
        "cancelled": 1,
        "days earned": 0,
    }


def of_topic(seen: Seen, topic: str) -> Iterator[Event]:
    return (event for event in seen.log.events if event.topic == topic)


def billed_twice(seen: Seen) -> None:
    seen.log.events.append(next(of_topic(seen, "bill.opened")))


def opened_twice(seen: Seen) -> None:
    opened = next(of_topic(seen, "subscription.period_opened"))
    seen.log.streams[opened.stream].append(opened)


def never_billed(seen: Seen) -> None:
    seen.log.events.remove(next(of_topic(seen, "bill.opened")))


def left_out(seen: Seen) -> None:
    """The second of three periods."""
    (stream,) = {x.stream for x in of_topic(seen, "subscription.period_opened") if number(x) == 3}
    events = seen.log.streams[stream]
    events.remove(next(x for x in events if x.topic.endswith("period_opened") and number(x) == 2))


def number(event: Event) -> int:
    return int(event.fact["number"])


def too_long(seen: Seen) -> None:
    opened = next(of_topic(seen, "subscription.period_opened"))
    opened.fact["ends_at"] = opened.fact["ends_at"].replace("T03", "T04")


def not_renewed(seen: Seen) -> None:
    seen.rows["clock"][0]["now"] += timedelta(days=1)


def charged_twice(seen: Seen) -> None:
    seen.book.append(seen.book[0])


def never_charged(seen: Seen) -> None:
    seen.book[0]["status"] = "cancel"


def another_waits(seen: Seen) -> None:
    """A second payment for a paid bill can still be paid."""
    bill_id, bill = next(iter(seen.log.bills.items()))
    other = next(key for key in seen.log.payments if key != bill.collections[0].payment_id)
    collection = replace(bill.collections[0], payment_id=other)
    seen.log.bills[bill_id] = replace(bill, collections=(*bill.collections, collection))


def lost_in_the_books(seen: Seen) -> None:
    legs = (leg for event in of_topic(seen, ENTRY) for leg in event.fact["legs"])
    next(leg for leg in legs if leg["account"].startswith(checks.DEFERRED))["amount"]["minor"] += 1


def in_no_book(seen: Seen) -> None:
    for entry in list(of_topic(seen, ENTRY))[:1]:
        seen.log.events.remove(entry)


def ended(seen: Seen) -> str:
    return next(of_topic(seen, "subscription.cancelled")).stream


def looked_at_again(seen: Seen) -> None:
    seen.rows["due"].append({"stream": ended(seen), "kind": "advance"})


def ordered_again(seen: Seen) -> None:
    ordered = next(of_topic(seen, "subscription.collection_ordered"))
    seen.log.streams[ended(seen)].append(ordered)


def still_asked_for(seen: Seen) -> None:
    payments = seen.log.payments
    key = next(k for k, one in payments.items() if one.request.subscription_id == ended(seen))
    payments[key] = replace(payments[key], status=checks.STILL_ASKED_FOR[-2])


@pytest.mark.parametrize(
    ("check", "spoil"),
    [
        (checks.a_period_has_one_bill, billed_twice),
        (checks.a_period_has_one_bill, opened_twice),
        (checks.a_period_has_one_bill, never_billed),
        (checks.no_period_is_left_out, left_out),
        (checks.no_period_is_left_out, too_long),
        (checks.no_period_is_left_out, not_renewed),
        (checks.a_paid_bill_has_one_charge, charged_twice),
        (checks.a_paid_bill_has_one_charge, never_charged),
        (checks.a_paid_bill_has_one_charge, another_waits),
        (checks.deferred_revenue_is_what_is_left_to_earn, lost_in_the_books),
        (checks.deferred_revenue_is_what_is_left_to_earn, in_no_book),
        (checks.what_has_ended_is_left_alone, looked_at_again),
        (checks.what_has_ended_is_left_alone, ordered_again),
        (checks.what_has_ended_is_left_alone, still_asked_for),
    ],
    ids=lambda one: one.__name__,
)
def test_a_planted_fault_is_seen(
    seen: Seen, check: Callable[[Seen], Iterator[str]], spoil: Callable[[Any], None]
) -> None:
    spoiled = deepcopy(seen)

    spoil(spoiled)

    assert list(check(spoiled)) != []
    assert list(check(seen)) == []

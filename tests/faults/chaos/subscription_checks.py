"""Subscriptions: their periods, bills and charges, and what is deferred of them. Each check gives one line a
violation.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from faults.chaos.event_log import ENTRY, Event, moment
from faults.chaos.process_checks import OVERDUE
from faults.chaos.seen import LIVE, Seen
from faults.chaos.subscribers import PLANS
from ledger.bills.bill import Bill
from ledger.bills.life import CollectionStatus
from ledger.bills.life import Status as BillStatus
from ledger.identity import BILL, SUBSCRIPTION, payment_of
from ledger.payments.life import Status as PaymentStatus
from ledger.payments.payment import Payment
from ledger.subscriptions.life import ENDED, RUNNING

DEFERRED: Final = "Liabilities:DeferredRevenue:"
DAYS: Final = {plan.plan_id: timedelta(days=plan.days) for plan in PLANS}
# A period may begin elsewhere than where the one before it ended.
BEGINS_ANEW: Final = ("subscription.resumed", "subscription.reactivated", "subscription.changed")
BILLED: Final = ("subscription.period_opened", "subscription.changed")
ENDING: Final = ("subscription.cancelled", "subscription.expired")
STILL_ASKED_FOR: Final = (
    PaymentStatus.REQUESTED,
    PaymentStatus.DISPATCHED,
    PaymentStatus.UNKNOWN,
    PaymentStatus.PENDING,
    PaymentStatus.AUTHORISED,
)


class Turn(NamedTuple):
    number: int
    starts_at: datetime
    ends_at: datetime
    whole: timedelta
    anew: bool


def _subscriptions(seen: Seen) -> Iterator[tuple[str, list[Event]]]:
    for stream, events in seen.log.streams.items():
        if stream.startswith(f"{SUBSCRIPTION}_"):
            yield stream, events


def a_period_has_one_bill(seen: Seen) -> Iterator[str]:
    """Billed anew only after its bill was withdrawn; no bill without its period or change, and the other way round."""
    ordered = Counter[str]()
    for stream, events in _subscriptions(seen):
        standing = set[int]()
        for event in events:
            if event.topic == "subscription.period_opened":
                if event.fact["number"] in standing:
                    yield f"{stream} opened period {event.fact['number']} twice"
                standing.add(event.fact["number"])
            if event.topic == "subscription.period_withdrawn":
                standing.discard(event.fact["number"])
            if event.topic in BILLED and (bill_id := event.fact.get("bill_id")):
                ordered[bill_id] += 1
    opened = Counter(
        event.fact["bill_id"] for event in seen.log.events if event.topic == "bill.opened"
    )
    for bill_id in ordered.keys() | opened.keys():
        if (ordered[bill_id], opened[bill_id]) != (1, 1):
            yield f"{bill_id} was ordered {ordered[bill_id]} times and opened {opened[bill_id]} times"


def no_period_is_left_out(seen: Seen) -> Iterator[str]:
    """From the first to the one that runs now they stand end to end, each as long as its plan says; what passed while
    nobody looked, or while an older bill was owed, is written down as missed.
    """
    (clock,) = seen.rows["clock"]
    for stream, events in _subscriptions(seen):
        turns = _turns(events)
        for before, after in pairwise(turns):
            if after.number != before.number + 1:
                yield f"{stream} went from period {before.number} to {after.number}"
            elif after.starts_at != before.ends_at and not after.anew:
                yield f"{stream} has a gap before period {after.number}"
        for turn in turns:
            if turn.ends_at - turn.starts_at != turn.whole:
                yield f"{stream} has a period {turn.number} of {turn.ends_at - turn.starts_at}"
        running = seen.log.subscriptions[stream].status in RUNNING
        if running and (not turns or turns[-1].ends_at + OVERDUE < clock["now"]):
            yield f"{stream} runs, and has no period at {clock['now']}"


def _turns(events: list[Event]) -> list[Turn]:
    """Those that stand, missed ones included, in the order of their numbers."""
    standing, anew = dict[int, Turn](), False
    for event in events:
        fact = event.fact
        if event.topic == "subscription.changed":
            anew = anew or bool(fact.get("restarts"))
        elif event.topic in BEGINS_ANEW:
            anew = anew or bool(fact.get("anchor"))
        elif event.topic == "subscription.period_withdrawn":
            anew = anew or standing.pop(fact["number"]).anew
        elif event.topic == "subscription.period_opened":
            whole = DAYS[fact["sold"]["plan_id"]]
            starts_at, ends_at = moment(fact["starts_at"]), moment(fact["ends_at"])
            standing[fact["number"]] = Turn(fact["number"], starts_at, ends_at, whole, anew)
            anew = False
        elif event.topic == "subscription.periods_missed":
            starts_at, ends_at = moment(fact["starts_at"]), moment(fact["ends_at"])
            whole = (ends_at - starts_at) / fact["periods"]
            for passed in range(fact["periods"]):
                begins = starts_at + passed * whole
                number = fact["first"] + passed
                standing[number] = Turn(number, begins, begins + whole, whole, anew)
                anew = False
    return [standing[number] for number in sorted(standing)]


def a_paid_bill_has_one_charge(seen: Seen) -> Iterator[str]:
    """At the gateway. Of what else was asked for a bill that is paid or void nothing lives there, but for money that
    is the customer's credit now, or that goes back.
    """
    live = _live(seen)
    for bill_id, bill in seen.log.bills.items():
        payments = [seen.log.payments[one.payment_id] for one in bill.collections]
        if any(one.review for one in payments):
            continue
        theirs = Counter({one.request.payment_id: live[one.request.payment_id] for one in payments})
        for spare in _spare(bill, payments):
            theirs.pop(spare, None)
        if bill.status in (BillStatus.PAID, BillStatus.VOID):
            paying = bill.paid.payment_id if bill.paid else ""
            if +theirs != Counter({paying: 1} if paying else {}):
                yield f"{bill_id} is {bill.status.value} by {paying or 'no payment'}, the gateway has {+theirs}"


def _live(seen: Seen) -> Counter[str]:
    """Charges that are paid or can be, of each payment."""
    live = Counter[str]()
    for one in seen.book:
        place = payment_of(one["order_id"])
        if place and one["status"] in LIVE:
            live[place[0]] += 1
    return live


def _spare(bill: Bill, payments: list[Payment]) -> set[str]:
    credited = {
        one.payment_id for one in bill.collections if one.status is CollectionStatus.CREDITED
    }
    late = {one.request.payment_id for one in payments if any(each.late for each in one.attempts)}
    return credited | late


def deferred_revenue_is_what_is_left_to_earn(seen: Seen) -> Iterator[str]:
    books, schedules = Counter[str](), Counter[str]()
    for event in seen.log.events:
        for leg in event.fact["legs"] if event.topic == ENTRY else ():
            if leg["account"].startswith(DEFERRED):
                books[leg["account"].removeprefix(DEFERRED)] -= leg["amount"]["minor"]
    for bill in seen.log.bills.values():
        for schedule in bill.schedules:
            schedules[schedule.product] += schedule.unearned.minor
    for product in books.keys() | schedules.keys():
        if books[product] != schedules[product]:
            yield f"{product}: {books[product]} deferred in the books, {schedules[product]} by the schedules"


def what_has_ended_is_left_alone(seen: Seen) -> Iterator[str]:
    """Nothing of it is due, open or under way, and nothing was ordered since."""
    due = {row["stream"] for row in seen.rows["due"] if row["kind"] == "advance"}
    for stream, events in _subscriptions(seen):
        state = seen.log.subscriptions[stream]
        if state.status not in ENDED:
            continue
        if stream in due or state.look_at or state.dunning:
            yield f"{stream} has ended, and is to be looked at again: {state.look_at}"
        ended = max(number for number, event in enumerate(events) if event.topic in ENDING)
        if any(event.topic == "subscription.collection_ordered" for event in events[ended:]):
            yield f"{stream} has ended, and a payment was ordered since"
        for payment in seen.log.payments.values():
            of_it = payment.request.subscription_id == stream
            if of_it and payment.status in STILL_ASKED_FOR and not payment.review:
                yield f"{stream} has ended, and {payment.request.payment_id} is {payment.status.value}"


def told(seen: Seen) -> dict[str, int]:
    """What came of them, in numbers."""
    counts = Counter(event.topic for event in seen.log.events)
    bills = [bill for stream, bill in seen.log.bills.items() if stream.startswith(f"{BILL}_")]
    return {
        "sold": counts["subscription.created"],
        "periods": counts["subscription.period_opened"] - counts["subscription.period_withdrawn"],
        "missed": sum(
            event.fact["periods"]
            for event in seen.log.events
            if event.topic == "subscription.periods_missed"
        ),
        "bills": len(bills),
        "paid": sum(bill.status is BillStatus.PAID for bill in bills),
        "void": sum(bill.status is BillStatus.VOID for bill in bills),
        "dunned": counts["subscription.dunning_started"],
        "changed": counts["subscription.changed"],
        "cancelled": counts["subscription.cancelled"],
        "days earned": counts["bill.revenue_recognised"],
    }

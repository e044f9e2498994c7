"""Our log against the gateway's book: charges, entries, refunds, and what was acknowledged. Each check gives one line
a violation.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from faults.chaos.event_log import ENTRY, Event
from faults.chaos.seen import LIVE, Seen, differences
from faults.chaos.system import LOST_AFTER_SECONDS
from ledger.identity import payment_of
from ledger.payments.life import RefundStatus, Status
from ledger.payments.methods import METHODS
from support.customer import Fields

MONEY_FACTS: Final = (
    "payment.captured",
    "payment.settled",
    "payment.refund_accepted",
    "payment.refund_confirmed",
    "payment.late_payment_received",
    "payment.settlement_reversed",
    "payment.chargeback_received",
)
PAID: Final = ("capture", "settlement")


def acknowledged_commands_are_in_the_log(seen: Seen) -> Iterator[str]:
    kept = seen.log.command_ids
    kinds = {line["key"]: line["kind"] for line in seen.told("intent")}
    for line in seen.told("answer"):
        if not 200 <= line["status"] < 300:
            continue
        stream = kept.get(seen.command_id(line["key"]))
        if stream is None and not (kinds[line["key"]] == "cancel" and _is_cancelled(seen, line)):
            yield f"{kinds[line['key']]} {line['key']} was answered {line['status']} and is not in the log"
        elif stream is not None and stream != line["stream"]:
            yield f"{line['key']} was answered with {line['stream']} and stands in {stream}"


def _is_cancelled(seen: Seen, line: Fields) -> bool:
    """A cancel of what is being cancelled already adds nothing."""
    events = seen.log.streams.get(line["stream"], [])
    return any(event.topic in ("payment.cancel_requested", "payment.abandoned") for event in events)


def every_command_was_answered(seen: Seen) -> Iterator[str]:
    ended = {line["key"] for line in seen.told("end")}
    for line in seen.told("intent"):
        if line["key"] not in ended:
            yield f"{line['kind']} {line['key']} {line['path']} never got a final answer"


def every_charge_has_its_intent(seen: Seen) -> Iterator[str]:
    meant = {seen.command_id(line["key"]) for line in seen.told("intent")}
    for one in seen.book:
        place = payment_of(one["order_id"])
        events = seen.log.streams.get(place[0], []) if place else []
        if not events:
            yield f"the gateway charged {one['order_id']}, which is not in our log"
            continue
        assert place is not None
        if events[0].metadata["command_id"] not in meant and not _is_renewal(seen, place[0], meant):
            yield f"{one['order_id']} was asked for by nobody"
        if not any(_dispatches(event, place[1]) for event in events):
            yield f"the gateway charged {one['order_id']}, which was never dispatched"


def _is_renewal(seen: Seen, payment_id: str, meant: set[str]) -> bool:
    """Ordered by a subscription that somebody has asked for."""
    named = seen.log.payments[payment_id].request.subscription_id
    events = seen.log.streams.get(named or "", [])
    ordered = any(
        event.topic == "subscription.collection_ordered" and event.fact["payment_id"] == payment_id
        for event in events
    )
    return ordered and events[0].metadata["command_id"] in meant


def _dispatches(event: Event, attempt: int) -> bool:
    return event.topic == "payment.charge_dispatched" and event.fact["attempt"] == attempt


def no_intent_is_charged_twice(seen: Seen) -> Iterator[str]:
    live = defaultdict(list)
    for one in seen.book:
        place = payment_of(one["order_id"])
        if place and one["status"] in LIVE:
            live[place[0]].append(f"{one['order_id']} {one['status']}")
    for payment_id, charges in live.items():
        if len(charges) > 1:
            yield f"{payment_id} has {len(charges)} live charges: {', '.join(charges)}"
    for order, several in seen.by_order.items():
        if len(several) > 1 and not _is_hosted(seen, order):
            yield f"order id {order} was charged {len(several)} times"


def _is_hosted(seen: Seen, order: str) -> bool:
    """On the gateway's own page a payer may try several times under one order id."""
    place = payment_of(order)
    payment = seen.log.payments.get(place[0]) if place else None
    attempts = payment.attempts if payment else ()
    return any(
        one.order_id == order and METHODS[one.method].mapping.api == "snap" for one in attempts
    )


def no_charge_outlives_its_payment(seen: Seen) -> Iterator[str]:
    """What can still be paid, or is, belongs to a payment that is still open, or is booked as late."""
    for one in seen.book:
        place = payment_of(one["order_id"])
        payment = seen.log.payments.get(place[0]) if place else None
        if place is None or payment is None or payment.review or one["status"] not in LIVE:
            continue
        (attempt,) = [each for each in payment.attempts if each.number == place[1]]
        over = attempt.status in (Status.DENIED, Status.FAILED, Status.CANCELLED, Status.EXPIRED)
        if over and not attempt.late:
            yield f"{one['order_id']} is {one['status']} at the gateway and {attempt.status.value} here"


def charges_are_booked(seen: Seen) -> Iterator[str]:
    """Paid at the gateway and in our books: the same transactions, and the same amounts."""
    theirs = {
        (one["order_id"], one["transaction_id"]): one["gross_amount"]
        for one in seen.book
        if any(step["status"] in PAID for step in one["history"])
    }
    ours = {}
    for payment_id, events in seen.log.streams.items():
        orders = _orders(events)
        for event in events:
            if event.topic in ("payment.captured", "payment.late_payment_received"):
                order = orders[event.fact["attempt"]]
                ours[order, event.fact["transaction_id"]] = event.minor
        if seen.log.payments.get(payment_id) and seen.log.payments[payment_id].review:
            for order in orders.values():  # frozen until a person has looked
                theirs = {key: amount for key, amount in theirs.items() if key[0] != order}
                ours = {key: amount for key, amount in ours.items() if key[0] != order}
    # The bank took it back before anybody had asked: nothing came, and nothing is booked.
    taken_back = {
        (one["order_id"], one["transaction_id"]) for one in seen.book if one["status"] == "deny"
    }
    for key in (theirs.keys() | ours.keys()) - (taken_back - ours.keys()):
        if theirs.get(key) != ours.get(key):
            yield f"{key[0]}: paid {theirs.get(key)} at the gateway, booked {ours.get(key)}"


def _orders(events: list[Event]) -> dict[int, str]:
    return {
        event.fact["attempt"]: event.fact["order_id"]
        for event in events
        if event.topic == "payment.attempt_started"
    }


def states_are_the_gateways(seen: Seen) -> Iterator[str]:
    by_order = seen.by_order
    for payment_id, payment in seen.log.payments.items():
        if payment.review:
            continue
        for words in differences(payment, by_order):
            yield f"{payment_id} {words}"
        hosted = METHODS[payment.attempt.method].mapping.api == "snap"
        known = payment.status in (Status.PENDING, Status.CAPTURED, Status.SETTLED)
        if known and not hosted and payment.attempt.order_id not in by_order:
            yield f"{payment_id} is {payment.status.value} here and unknown to the gateway"


def money_facts_bring_their_entry(seen: Seen) -> Iterator[str]:
    for events in seen.log.streams.values():
        for event, following in zip(events, [*events[1:], None], strict=True):
            if event.topic in MONEY_FACTS and (following is None or following.topic != ENTRY):
                yield f"{event.stream} {event.version} {event.topic} has no entry"


def entries_balance(seen: Seen) -> Iterator[str]:
    for event in seen.log.events:
        if event.topic != ENTRY:
            continue
        sums: Counter[str] = Counter()
        for leg in event.fact["legs"]:
            sums[leg["amount"].get("currency", "IDR")] += leg["amount"]["minor"]
        if uneven := {name: total for name, total in sums.items() if total}:
            yield f"{event.stream} {event.version} sums to {uneven}"
    yield from seen.samples.uneven


def refunds_are_the_gateways(seen: Seen) -> Iterator[str]:
    by_order = seen.by_order
    for payment_id, payment in seen.log.payments.items():
        if payment.review or not payment.attempts:
            continue
        accepted = {
            (refund.refund_id, refund.amount.minor)
            for refund in payment.refunds
            if refund.status in (RefundStatus.ACCEPTED, RefundStatus.CONFIRMED)
        }
        theirs = [
            (refund["refund_key"], refund["amount"])
            for one in by_order.get(payment.attempt.order_id, [])
            for refund in one["refunds"]
        ]
        if sorted(accepted) != sorted(theirs):
            yield f"{payment_id} refunded {sorted(accepted)} here and {sorted(theirs)} there"
        captured = payment.captured.amount.minor if payment.captured else 0
        captured += sum(one.late.amount.minor for one in payment.attempts if one.late)
        if sum(amount for _, amount in accepted) > captured:
            yield f"{payment_id} refunded {sorted(accepted)} of {captured}"


def unknown_is_left_by_evidence(seen: Seen) -> Iterator[str]:
    """By what the gateway said, or by sending the same again once it was lost; never by guessing."""
    for events in seen.log.streams.values():
        sent, doubtful = dict[object, Event](), dict[object, Event]()
        for event in events:
            about = event.fact.get("refund_id", event.fact.get("attempt"))
            if event.topic.endswith("_outcome_unknown"):
                doubtful[about] = event
                continue
            if doubtful.pop(about, None) and not _is_evidence(event, sent.get(about)):
                yield f"{event.stream} {event.version} left unknown by {event.topic}"
            if event.topic.endswith("_dispatched"):
                sent[about] = event


def _is_evidence(event: Event, sent: Event | None) -> bool:
    if "evidence" in event.fact or event.fact.get("code") or event.fact.get("cause"):
        return True
    if event.topic in ("payment.cancel_requested", "payment.review_requested"):
        return True
    lost = timedelta(seconds=LOST_AFTER_SECONDS)
    again = event.topic.endswith("_dispatched") or event.topic == "payment.abandoned"
    return again and sent is not None and event.at >= sent.at + lost

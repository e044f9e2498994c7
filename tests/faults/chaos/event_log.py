"""The product's event log, read by the database's superuser: what the checker compares with the gateway's book."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
import psycopg

from ledger.bills import folding as bills
from ledger.bills.bill import Bill
from ledger.eventstore.mapping import EventMapper
from ledger.identity import BILL, PAYMENT, SUBSCRIPTION
from ledger.payments import folding as payments
from ledger.payments.payment import Payment
from ledger.subscriptions import folding as subscriptions
from ledger.subscriptions.subscription import Subscription
from support.customer import Fields
from support.running import SCHEMA

ENTRY = "journal.entry_posted"
# By the beginning of a stream's name: how its facts move its state.
FOLDS: Final[dict[str, Any]] = {
    PAYMENT: payments.evolve,
    BILL: bills.evolve,
    SUBSCRIPTION: subscriptions.evolve,
}


class Event(NamedTuple):
    position: int
    stream: str
    version: int
    topic: str  # without its version
    fact: Fields
    metadata: Fields
    command_id: str | None

    @property
    def at(self) -> datetime:
        return moment(self.fact["occurred_at"])

    @property
    def recorded_at(self) -> datetime:
        return moment(self.metadata["recorded_at"])

    @property
    def minor(self) -> int:
        return int(self.fact["amount"]["minor"])


@dataclass(frozen=True)
class Log:
    events: list[Event]
    streams: dict[str, list[Event]]
    states: list[bytes]  # of events, as stored
    payments: dict[str, Payment]  # as they stand
    bills: dict[str, Bill]
    subscriptions: dict[str, Subscription]

    @property
    def command_ids(self) -> dict[str, str]:
        """The stream of each command."""
        return {event.command_id: event.stream for event in self.events if event.command_id}


def read(conninfo: str) -> Log:
    """In the order of positions."""
    events, streams, states = [], defaultdict(list), list[bytes]()
    mapper = EventMapper()
    folded: dict[str, dict[str, Any]] = {
        PAYMENT: defaultdict(Payment),
        BILL: defaultdict(Bill),
        SUBSCRIPTION: defaultdict(Subscription),
    }
    with psycopg.connect(conninfo) as conn:
        conn.execute(f'set search_path = "{SCHEMA}"'.encode())
        rows = conn.execute(
            "select notification_id, originator_id, originator_version, topic, state, command_id"
            " from events order by notification_id"
        )
        for position, stream, version, topic, state, command_id in rows:
            raw = bytes(state)
            told: dict[str, Any] = msgspec.json.decode(raw)
            event = Event(position, stream, version, named(topic), told["d"], told["m"], command_id)
            events.append(event)
            streams[stream].append(event)
            states.append(raw)
            kind = stream.partition("_")[0]
            if kind in FOLDS and event.topic != ENTRY:
                known = mapper.decode(stream, version, topic, raw, position).event
                folded[kind][stream] = FOLDS[kind](folded[kind][stream], known)
    return Log(events, dict(streams), states, *map(dict, folded.values()))


def named(topic: str) -> str:
    return topic.rpartition(".")[0]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def story(events: list[Event]) -> list[str]:
    """One line an event, for a report."""
    return [
        f"{event.version} {event.recorded_at:%H:%M:%S.%f} {event.topic} {_brief(event.fact)}"
        for event in events
        if event.topic != ENTRY
    ]


def _brief(fact: Fields) -> str:
    kept = (
        "attempt",
        "order_id",
        "sent_by",
        "sending",
        "cause",
        "code",
        "refund_id",
        "rule",
        "words",
        "number",
        "bill_id",
        "payment_id",
        "action",
        "why",
    )
    return " ".join(f"{name}={fact[name]}" for name in kept if name in fact)[:160]

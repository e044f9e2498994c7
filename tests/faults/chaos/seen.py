"""Everything that the checker looks at, gathered once after healing: our log, the gateway's book, the merchant's
history, what was sampled, and what processes held and wrote.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from faults.chaos import event_log, history
from faults.chaos.event_log import Log
from faults.chaos.sampling import BalanceSamples, Held
from faults.chaos.system import ACCOUNT, System
from ledger.identity import derived_id
from ledger.payments.life import RefundStatus, Status
from ledger.payments.payment import Payment
from support.customer import Fields
from support.running import SCHEMA

WAITS_FOR_US: Final = (Status.REQUESTED, Status.DISPATCHED, Status.UNKNOWN)
REFUND_WAITS_FOR_US: Final = (
    RefundStatus.REQUESTED,
    RefundStatus.DISPATCHED,
    RefundStatus.UNKNOWN,
    RefundStatus.ACCEPTED,  # the bank has confirmed within a second, so it waits for our asking
)
# What the gateway calls it, and what our API does.
SAME: Final = {
    "pending": "pending",
    "authorize": "authorised",
    "capture": "captured",
    "settlement": "settled",
    "partial_refund": "partially_refunded",
    "refund": "refunded",
    "deny": "denied",
    "expire": "expired",
    "cancel": "cancelled",
    "failure": "failed",
}
CAME_TO_NOTHING: Final = ("deny", "expire", "cancel", "failure")
BY_THE_CALENDAR: Final = ("advance", "recognise")
LIVE: Final = ("pending", "authorize", "capture", "settlement", "partial_refund", "refund")


@dataclass
class Seen:
    system: System
    log: Log
    book: list[Fields]  # transactions
    notices: list[Fields]
    rows: dict[str, list[Fields]]  # of tables beside the log
    history: list[Fields] = field(default_factory=list)
    samples: BalanceSamples = field(default_factory=BalanceSamples)
    canaries: dict[str, str] = field(default_factory=dict)  # what it is, by the text itself
    before: dict[str, Held] = field(default_factory=dict)
    after: dict[str, Held] = field(default_factory=dict)
    connections: dict[str, int] = field(default_factory=dict)

    @property
    def by_order(self) -> dict[str, list[Fields]]:
        found = defaultdict(list)
        for one in self.book:
            found[one["order_id"]].append(one)
        return found

    @property
    def lost_orders(self) -> set[str]:
        """Those whose newest notice never went out."""
        newest = {one["order_id"]: one["state"] for one in self.notices if one["kind"] == "true"}
        return {order for order, state in newest.items() if state == "lost"}

    def told(self, what: str) -> Iterable[Fields]:
        return (line for line in self.history if line["what"] == what)

    def command_id(self, key: str) -> str:
        return derived_id("http", ACCOUNT, key)


ROWS: Final = {
    "inbox": "select digest, order_id, received_at, not_before, done_at, outcome, tries from inbox",
    "due": "select d.*, c.not_before as again_at, c.tries,"
    " now() + (select ahead from simulated_clock) as now"
    " from due_work d left join work_claims c using (stream, kind, subject)",
    "clock": "select now() + ahead as now from simulated_clock",
    "answers": "select key, status, body from idempotency_answers",
}


async def look(system: System, **more: Any) -> Seen:
    book, notices = await system.gateway.transactions(), await system.gateway.all_notices()
    log = event_log.read(system.conninfo)
    rows = {name: _rows(system.conninfo, query) for name, query in ROWS.items()}
    return Seen(system, log, book, notices, rows, **more)


def told(system: System) -> list[Fields]:
    return list(history.read(system.folder / "history.jsonl"))


def _rows(conninfo: str, query: str) -> list[Fields]:
    with psycopg.connect(conninfo, row_factory=psycopg.rows.dict_row) as conn:
        conn.execute(f'set search_path = "{SCHEMA}", "{SCHEMA}_read"'.encode())
        return list(conn.execute(query.encode()).fetchall())


def unsettled(seen: Seen) -> list[str]:
    """What still waits for nobody but us, and what the gateway sees otherwise; one line each."""
    by_order = seen.by_order
    found = []
    for payment_id, payment in seen.log.payments.items():
        if payment.review:
            continue
        found += [f"{payment_id} {words}" for words in _waiting(payment)]
        found += [f"{payment_id} {words}" for words in differences(payment, by_order)]
    found += [f"notice about {row['order_id']}" for row in seen.rows["inbox"] if not row["done_at"]]
    found += [
        f"{row['stream']} waits to be looked at ({row['kind']})"
        for row in seen.rows["due"]
        if row["kind"] in BY_THE_CALENDAR and row["due_at"] <= row["now"]
    ]
    return found


def _waiting(payment: Payment) -> list[str]:
    found = []
    if payment.status in WAITS_FOR_US:
        found.append(f"is {payment.status.value}")
    if payment.status is Status.AUTHORISED and payment.capture_asked:
        found.append("is to be captured")
    if payment.status in (Status.PENDING, Status.AUTHORISED) and payment.cancel_asked:
        found.append("is to be cancelled")
    if any(one.late and not one.returned for one in payment.attempts) and not payment.questions:
        found.append("has late money that nobody sends back or asks about")
    return found + [
        f"refund {refund.refund_id} is {refund.status.value}"
        for refund in payment.refunds
        if refund.status in REFUND_WAITS_FOR_US
    ]


def differences(payment: Payment, by_order: dict[str, list[Fields]]) -> list[str]:
    """Between the newest attempt and what the gateway holds under its order id."""
    theirs = by_order.get(payment.attempt.order_id, [])
    if not theirs or payment.status in WAITS_FOR_US:
        return []
    status = SAME.get(theirs[-1]["status"], theirs[-1]["status"])
    if payment.public_status == status or payment.attempt.late:
        return []
    # Paid and then denied is what the gateway makes of a reversal (midtrans.md 11.1).
    if payment.status is Status.REVERSED and theirs[-1]["status"] == "deny":
        return []
    # Given up before the gateway had heard of it, by a clock that leapt; and what came came to nothing.
    unheard = payment.status is Status.CANCELLED and not payment.attempt.transaction_id
    if unheard and theirs[-1]["status"] in CAME_TO_NOTHING:
        return []
    return [f"is {payment.public_status} here and {status} at the gateway"]

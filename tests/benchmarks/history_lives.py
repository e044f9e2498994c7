"""The lives that a made history is of: what happens to a payment, and how many live so.

The facts are the tests' own, and the entries are what the posting rules make of them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from ledger.events import DomainEvent
from ledger.journal.posting_rules import consequence
from ledger.payments import events as e
from support import facts
from support.payment_facts import refund_accepted, refund_confirmed

Commands = Sequence[Sequence[DomainEvent]]  # the facts of each, with their entries


class Life(NamedTuple):
    name: str
    share: int  # of a hundred
    facts: Sequence[DomainEvent]


def _expires(hours: int) -> datetime:
    return facts.after(hours=hours)


def _paid(method: str, amount: int) -> Sequence[DomainEvent]:
    *before, _, captured, settled = facts.paid(method, amount)
    return *before, facts.pending(expires_at=_expires(1)), captured, settled


def _refunded(method: str, amount: int) -> Sequence[DomainEvent]:
    """A third of 99,000, accepted two minutes after, and confirmed a day later."""
    split = {"deferred": 0, "income": 29_730, "tax": 3_270}
    accepted = refund_accepted(33_000, **split, sale=facts.DELIVERED)
    confirmed = refund_confirmed(33_000)
    return (
        *_paid(method, amount),
        facts.refund_requested(),
        facts.refund_dispatched(),
        msgspec.structs.replace(accepted, occurred_at=facts.after(122)),
        msgspec.structs.replace(confirmed, occurred_at=facts.after(days=1)),
    )


def _expired(method: str) -> Sequence[DomainEvent]:
    return *facts.waiting(method)[:-1], facts.pending(expires_at=_expires(24)), facts.expired()


def _waiting(method: str) -> Sequence[DomainEvent]:
    return *facts.waiting(method)[:-1], facts.pending(expires_at=_expires(24))


# fmt: off
LIVES: Final = (
    Life("settled by GoPay",            22, _paid("gopay", 99_000)),
    Life("settled by QRIS",             20, _paid("qris", 49_000)),
    Life("settled by BCA",              18, _paid("bca_va", 250_000)),
    Life("settled by card",             12, _paid("credit_card", 99_000)),
    Life("settled by ShopeePay",         8, _paid("shopeepay", 75_000)),
    Life("refunded in part by GoPay",    3, _refunded("gopay", 99_000)),
    Life("refunded in part by card",     2, _refunded("credit_card", 99_000)),
    Life("expired at BCA",               6, _expired("bca_va")),
    Life("expired with QRIS",            3, _expired("qris")),
    Life("denied by card",               2, (*facts.sent("credit_card"), facts.denied())),
    Life("waiting at BCA",               4, _waiting("bca_va")),
)
# fmt: on


def commands(life: Life, tail: str, customer: str) -> Commands:
    """What each command of this life appends when the payment is `pay_<tail>`; the first begins it."""
    booked = [(fact, *consequence(fact)) for fact in (_own(f, tail, customer) for f in life.facts)]
    return [(*booked[0], *booked[1], *booked[2]), *booked[3:]]


def _own(fact: DomainEvent, tail: str, customer: str) -> DomainEvent:
    """The same fact of this payment, with ids of its own."""
    words: dict[str, object] = {
        "payment_id": f"pay_{tail}",
        "order_id": f"pay_{tail}-1",
        "transaction_id": f"t-{tail}",
        "refund_id": f"ref_{tail}",
    }
    if isinstance(fact, e.PaymentRequested):
        words |= {"customer_id": customer, "metadata": {"orderId": f"order_{tail}"}}
    changed = {name: word for name, word in words.items() if name in fact.__struct_fields__}
    if isinstance(fact, e.PaymentRequested):
        changed |= {"customer_id": customer, "metadata": words["metadata"]}
    return msgspec.structs.replace(fact, **changed)

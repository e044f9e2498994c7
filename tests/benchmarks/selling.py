"""Lives of subscriptions with their bills and payments: two months each, a day's revenue every day.

Facts are the tests' own, and each has the entries that the posting rules make of it.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec

from ledger.bills.events import BillOpened
from ledger.events import DomainEvent
from ledger.identity import BILL, PAYMENT, SUBSCRIPTION, new_id, order_id
from ledger.journal.posting_rules import consequence
from ledger.payments import events as e
from ledger.subscriptions.events import SubscriptionCreated
from support import bill_facts, facts
from support.subscription_facts import BEGUN, PRO
from support.subscription_stories import Bought

Append = tuple[str, Sequence[DomainEvent]]

UNDER_WAY: Final = 1_000  # subscriptions at a time, so that most span two pages of the log
DAYS: Final = 28


def lives(subscriptions: int) -> Iterator[Append]:
    """What follows on a command waits for that of the others."""
    turns = _turns()
    for first in range(0, subscriptions, UNDER_WAY):
        ids = [_Ids() for _ in range(first, min(first + UNDER_WAY, subscriptions))]
        for stream, happened in turns:
            for own in ids:
                yield own.of(stream), [own.told(fact) for fact in happened]


def _turns() -> list[Append]:
    """By the word for the stream: one subscription, its two bills, and their payments."""
    sold = Bought("sub_1", "cus_1", PRO, BEGUN).until(BEGUN + timedelta(days=DAYS))
    subscription = iter([happened for _, (_, happened) in sold.appends])
    turns: list[Append] = []
    for number in ("1", "2"):
        opened, settled = next(subscription), next(subscription)
        turns += [(f"bill {number}", bill) for bill in _bill()[:1]]
        turns += [("subscription", opened), *((f"payment {number}", one) for one in _payment())]
        turns += [("subscription", settled)]
        turns += [(f"bill {number}", bill) for bill in _bill()[1:]]
    return turns


def _bill() -> list[Sequence[DomainEvent]]:
    """Opened and asked for; paid; and each day's revenue with its entry."""
    days = [bill_facts.recognise(bill_facts.end_of_day(day)) for day in range(1, DAYS + 1)]
    opened, begun, paid, *earned = bill_facts.booked(*bill_facts.paid_bill(), *days).facts
    return [(opened, begun), (paid,), *(earned[n : n + 2] for n in range(0, len(earned), 2))]


def _payment() -> list[Sequence[DomainEvent]]:
    paid = facts.paid("credit_card")
    return [
        [booked for one in command for booked in (one, *consequence(one))]
        for command in (paid[:3], *((fact,) for fact in paid[3:]))
    ]


class _Ids:
    def __init__(self) -> None:
        core = new_id(SUBSCRIPTION)[4:]
        self._streams = {
            "subscription": f"{SUBSCRIPTION}_{core}",
            **{f"bill {number}": f"{BILL}_{core}_{number}" for number in ("1", "2")},
            **{f"payment {number}": new_id(PAYMENT) for number in ("1", "2")},
        }
        self._customer = f"cus_{core}"

    def of(self, stream: str) -> str:
        return self._streams[stream]

    def told(self, fact: DomainEvent) -> DomainEvent:
        """The same of these, where a read model looks at it."""
        sold_to: dict[str, Any] = {
            "subscription_id": self._streams["subscription"],
            "customer_id": self._customer,
        }
        match fact:
            case SubscriptionCreated() | BillOpened() | e.PaymentRequested():
                return msgspec.structs.replace(fact, **sold_to)
            case e.AttemptStarted():
                return msgspec.structs.replace(fact, order_id=order_id(new_id(PAYMENT), 1))
        return fact

"""Subscriptions of many customers that live through years: who is asked for money pays at once, unless
they cannot. For read models, which see only what stands in the log.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ledger.events import DomainEvent
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.deciding import SUBSCRIPTION
from ledger.subscriptions.subscription import OpenBill, Subscription
from support.subscription_facts import CARD

Append = tuple[str, list[DomainEvent]]


class Bought:
    """One subscription; `broke` is whether its customer cannot pay just now."""

    def __init__(
        self,
        subscription_id: str,
        customer_id: str,
        what: e.Sold,
        at: datetime,
        *,
        paying: e.Paying = CARD,
        broke: bool = False,
        **more: Any,
    ) -> None:
        self.subscription_id = subscription_id
        self.state = Subscription()
        self.appends: list[tuple[datetime, Append]] = []
        self.broke = broke
        self.now = at
        self._payments = 0
        self._settle(
            c.CreateSubscription(
                now=at,
                subscription_id=subscription_id,
                customer_id=customer_id,
                sold=what,
                paying=paying,
                payment_id=self._payment(),
                **more,
            )
        )

    def until(self, end: datetime) -> "Bought":
        """All that falls due by then, each at its time."""
        while (look_at := self.state.look_at) is not None and look_at <= end:
            self._settle(c.Advance(now=max(look_at, self.now), payment_id=self._payment()))
        self.now = max(end, self.now)
        return self

    def asks(self, command: c.SubscriptionCommand) -> "Bought":
        """At the command's time."""
        self.until(command.now)
        self._settle(command)
        return self

    def change(self, at: datetime, what: e.Sold, mode: Any = "prorate_now") -> "Bought":
        payment_id = self._payment()
        return self.asks(c.ChangeSubscription(now=at, sold=what, mode=mode, payment_id=payment_id))

    def cancel(self, at: datetime, *, now: bool = False) -> "Bought":
        """With what is paid for, or at once."""
        return self.asks(c.CancelSubscription(now=at, at=at if now else None, reason="dear"))

    def pays_at_last(self, at: datetime) -> "Bought":
        """What it owes, by whichever payment it was last asked for."""
        self.until(at)
        self.broke = False
        for bill in self.state.open_bills:
            self._pay(bill, at)
        return self

    def _payment(self) -> str:
        self._payments += 1
        return f"pay_{self.subscription_id}_{self._payments}"

    def _settle(self, command: c.SubscriptionCommand) -> None:
        """And what its customer makes of what is asked for."""
        self._do(command)
        for bill in self.state.open_bills:
            if bill.live and self.broke and bill.saved_method:
                self._refuse(bill, command.now)
            elif bill.live and not self.broke:
                self._pay(bill, command.now)

    def _pay(self, bill: OpenBill, now: datetime) -> None:
        self._do(
            c.RecordBillPaid(
                now=now,
                bill_id=bill.bill_id,
                payment_id=bill.live[-1] if bill.live else "",
                amount=bill.to_pay,
            )
        )

    def _refuse(self, bill: OpenBill, now: datetime) -> None:
        self._do(
            c.RecordBillNotPaid(
                now=now,
                bill_id=bill.bill_id,
                payment_id=bill.live[-1],
                code="51",
                words="no funds",
                trouble="retry_later",
            )
        )

    def _do(self, command: c.SubscriptionCommand) -> None:
        facts = list(SUBSCRIPTION.decide(self.state, command))
        self.state = SUBSCRIPTION.fold(facts, self.state)
        if facts:
            self.appends.append((command.now, (self.subscription_id, facts)))


def in_order(all_of_them: Iterable[Bought]) -> list[Append]:
    """As the log would have it: by time."""
    appends = [append for bought in all_of_them for append in bought.appends]
    return [append for _, append in sorted(appends, key=lambda one: one[0])]

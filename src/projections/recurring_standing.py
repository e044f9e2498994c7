"""What a subscription counts for in recurring revenue, fact by fact; docs/subscriptions-reporting.md
says it in words.

It counts while it is active, cancelling or in grace, once a bill of it was paid. A price is
of a month, without tax, coupon taken off; of a period that was opened ahead it is the next one's.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from ledger.events import DomainEvent
from ledger.money import Money, half_up
from ledger.subscriptions import events as e
from ledger.subscriptions.life import Status
from ledger.subscriptions.periods import Unit
from ledger.subscriptions.pricing import price, share

S = Status

COUNTED: Final = frozenset({S.ACTIVE.value, S.CANCELLING.value, S.IN_GRACE.value})

# A price of one unit, times the first, by the second, is a month's.
TO_A_MONTH: Final[dict[Unit, tuple[int, int]]] = {
    "day": (365, 12),
    "week": (52, 12),
    "month": (1, 1),
    "quarter": (1, 3),
    "year": (1, 12),
}


class Ahead(NamedTuple):
    """What it will count for from `at` on, as things stand."""

    minor: int
    at: datetime


class Standing(msgspec.Struct, gc=False):
    """The columns of the table recurring_standing, in its order."""

    subscription_id: str
    customer_id: str
    plan_id: str
    currency: str
    counts: bool = False
    has_paid: bool = False
    price_minor: int | None = None  # until its first period begins there is none
    next_minor: int | None = None
    next_at: datetime | None = None
    # What was written of it: its level, and the newest movement when it takes effect later.
    level_minor: int = 0
    has_counted: bool = False
    ahead_minor: int | None = None
    ahead_at: datetime | None = None
    ahead_position: int | None = None
    moved_at: datetime | None = None  # no movement is dated before the one it follows

    @property
    def worth(self) -> int:
        """What it counts for now."""
        return self.price_minor or 0 if self.counts and self.has_paid else 0

    @property
    def worth_ahead(self) -> Ahead | None:
        if self.next_minor is None or self.next_at is None or not (self.counts and self.has_paid):
            return None
        return Ahead(self.next_minor, self.next_at)

    @property
    def written_ahead(self) -> Ahead | None:
        if self.ahead_minor is None or self.ahead_at is None:
            return None
        return Ahead(self.ahead_minor, self.ahead_at)

    def passed(self, moment: datetime) -> None:
        """What was ahead has come true by then."""
        if self.next_at is not None and self.next_at <= moment:
            self.price_minor, self.next_minor, self.next_at = self.next_minor, None, None
        if self.ahead_minor is not None and self.ahead_at is not None and self.ahead_at <= moment:
            self.stand_at(self.ahead_minor, self.ahead_at)
            self.ahead_minor = self.ahead_at = self.ahead_position = None

    def stand_at(self, level: int, moment: datetime) -> None:
        self.level_minor, self.moved_at = level, moment
        self.has_counted = self.has_counted or level > 0

    def costs(self, minor: int | None, at: datetime, moment: datetime) -> None:
        """From `at` on."""
        if at > moment:
            self.next_minor, self.next_at = minor, at
        else:
            self.price_minor, self.next_minor, self.next_at = minor, None, None


def a_month(whole: Money, sold: e.Sold, at: datetime) -> int:
    """Of the price of a whole period, as the plan prices it: a month's, without tax, rounded once."""
    terms = sold.terms
    times, by = TO_A_MONTH[terms.interval.unit]
    net = share(whole, terms.tax_mode, at).net.minor
    return half_up(net * times, by * terms.interval.count)


def created(event: e.SubscriptionCreated) -> Standing:
    sold = event.sold
    return Standing(
        event.subscription_id, event.customer_id, sold.plan_id, sold.terms.price.currency
    )


def _opened(s: Standing, event: e.PeriodOpened) -> None:
    """A period that was missed, and is billed later, says nothing of today."""
    if event.reason == "missed":
        return
    s.plan_id = event.sold.plan_id
    s.costs(a_month(event.price, event.sold, event.occurred_at), event.starts_at, event.occurred_at)


def _withdrawn(s: Standing, event: e.PeriodWithdrawn) -> None:
    s.plan_id = event.sold.plan_id
    s.next_minor = s.next_at = None


def _changed(s: Standing, event: e.SubscriptionChanged) -> None:
    """On trial there is no price yet; a first period that is paid ahead costs what is sold now."""
    s.plan_id = event.sold.plan_id
    minor, now = a_month(price(event.sold).net, event.sold, event.occurred_at), event.occurred_at
    if s.price_minor is not None or event.at > now:
        s.costs(minor, event.at, now)
    elif s.next_at is not None:
        s.next_minor = minor


def _settled(s: Standing, event: e.BillSettled) -> None:
    s.counts = event.status in COUNTED
    s.has_paid = s.has_paid or event.status != S.INCOMPLETE.value


def _dunned(s: Standing, event: e.DunningStarted | e.DunningStepTaken) -> None:
    s.counts = event.status in COUNTED


def _paused(s: Standing, event: e.SubscriptionPaused) -> None:
    s.counts = False


def _resumed(s: Standing, event: e.SubscriptionResumed) -> None:
    s.counts = True


def _ended(s: Standing, event: e.SubscriptionCancelled | e.SubscriptionExpired) -> None:
    s.counts, s.next_minor, s.next_at = False, None, None


def _reactivated(s: Standing, event: e.SubscriptionReactivated) -> None:
    """Until its first new bill is paid."""
    s.plan_id = event.sold.plan_id
    s.counts = False
    s.price_minor = s.next_minor = s.next_at = None


MOVES: Final[dict[type[DomainEvent], Callable[[Standing, Any], None]]] = {
    e.PeriodOpened: _opened,
    e.PeriodWithdrawn: _withdrawn,
    e.SubscriptionChanged: _changed,
    e.BillSettled: _settled,
    e.DunningStarted: _dunned,
    e.DunningStepTaken: _dunned,
    e.SubscriptionPaused: _paused,
    e.SubscriptionResumed: _resumed,
    e.SubscriptionCancelled: _ended,
    e.SubscriptionExpired: _ended,
    e.SubscriptionReactivated: _reactivated,
}

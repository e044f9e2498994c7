"""A subscription: its state, and what may happen next.

How facts move it is in folding.py; what is decided, in opening.py, collecting.py, dunning.py,
changing.py and ending.py; the table of its life is in life.py.
"""

from datetime import datetime

import msgspec

from ledger.errors import Conflict, NotFound
from ledger.events import DomainEvent
from ledger.money import Money
from ledger.payments.events import Share
from ledger.subscriptions import events as e
from ledger.subscriptions.life import NEXT, OVERDUE, RUNNING, Status
from ledger.subscriptions.periods import Calendar, Period
from ledger.subscriptions.proration import Change

NOTHING = Share(net=Money(0), tax=Money(0))


class SubscriptionNotFound(NotFound):
    code = "subscription_not_found"
    title = "There is no subscription under this id."


class SubscriptionStateForbids(Conflict):
    code = "subscription_state_forbids"
    title = "The subscription is in a state in which this is not possible."


class OpenBill(msgspec.Struct, frozen=True, kw_only=True):
    """A bill that is to be paid. `live` are payments under way for it."""

    bill_id: str
    period: int
    to_pay: Money
    credit: Money  # that paid the rest
    carried: Share
    opened_at: datetime
    due_at: datetime
    attempts: int = 0
    live: tuple[str, ...] = ()
    method: str = ""  # of the newest attempt
    saved_method: str = ""
    expires_at: datetime | None = None  # of its instructions
    trouble: str = ""
    reminded: int = 0
    written_off: bool = False


class Charged(msgspec.Struct, frozen=True, kw_only=True):
    """A period that was opened: the prices in force in it, and what was billed for it so far."""

    number: int
    starts_at: datetime
    ends_at: datetime
    sold_on: datetime  # fixes the tax rate
    changes: tuple[Change, ...]
    share: Share
    bills: tuple[e.Credited, ...]  # newest last, with what of the period each charges
    sold_before: e.Sold

    @property
    def period(self) -> Period:
        return Period(self.number, self.starts_at, self.ends_at)


class Dunning(msgspec.Struct, frozen=True, kw_only=True):
    bill_id: str
    policy: str
    version: int
    overdue_since: datetime
    step: int  # the next one
    step_at: datetime | None


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    status: Status = Status.NEW
    created: e.SubscriptionCreated | None = None
    sold: e.Sold | None = None
    paying: e.Paying = e.Paying(method="")
    calendar: Calendar | None = None
    first: int = 1  # the number of the period that begins at the calendar's anchor
    starts_at: datetime | None = None  # the first of this calendar; it may begin in a whole one
    opened: int = 0  # the newest period that was opened
    bills: int = 0
    charged: tuple[Charged, ...] = ()  # the newest two periods
    open_bills: tuple[OpenBill, ...] = ()
    credit: Money = Money(0)
    carried: Share = NOTHING
    dunning: Dunning | None = None
    scheduled: e.ChangeScheduled | None = None
    cancel: e.CancellationScheduled | None = None
    resume_at: datetime | None = None
    incomplete_since: datetime | None = None
    trial_reminded: bool = False
    missed: tuple[e.PeriodsMissed, ...] = ()
    access: bool = False
    facts: int = 0
    look_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def subscription_id(self) -> str:
        return self.creation.subscription_id

    @property
    def creation(self) -> e.SubscriptionCreated:
        """Raises SubscriptionNotFound on an empty stream."""
        if self.created is None:
            raise SubscriptionNotFound()
        return self.created

    @property
    def what(self) -> e.Sold:
        self.creation  # noqa: B018  raises on an empty stream
        assert self.sold is not None
        return self.sold

    @property
    def schedule(self) -> Calendar:
        self.creation  # noqa: B018  raises on an empty stream
        assert self.calendar is not None
        return self.calendar

    @property
    def has_access(self) -> bool:
        return self.access if self.status in OVERDUE else self.status in RUNNING

    @property
    def trial_ends_at(self) -> datetime | None:
        return self.creation.trial_ends_at if self.status is Status.TRIALING else None

    @property
    def newest(self) -> Charged | None:
        return self.charged[-1] if self.charged else None

    @property
    def paid_until(self) -> datetime | None:
        """The end of the newest period with nothing left to pay."""
        owed = {bill.period for bill in self.open_bills}
        paid = [one.ends_at for one in self.charged if one.number not in owed]
        return max(paid, default=None)

    def period(self, number: int) -> Period:
        """Of this calendar; periods before its anchor were of another one."""
        found = self.schedule.period(number - self.first)
        return Period(number, found.starts_at, found.ends_at)

    @property
    def next_starts_at(self) -> datetime:
        """Of the period that is to be opened next."""
        begins = self.period(self.opened + 1).starts_at
        return max(begins, self.starts_at or begins)

    def charged_at(self, moment: datetime) -> Charged | None:
        return next((c for c in self.charged if c.starts_at <= moment < c.ends_at), None)

    def find_bill(self, bill_id: str) -> OpenBill | None:
        return next((bill for bill in self.open_bills if bill.bill_id == bill_id), None)


def may(subscription: Subscription, event: type[DomainEvent]) -> bool:
    return (subscription.status, event) in NEXT


def require(subscription: Subscription, event: type[DomainEvent]) -> None:
    """Raises SubscriptionNotFound on an empty stream, or SubscriptionStateForbids without such a
    row.
    """
    if may(subscription, event):
        return
    if subscription.status is Status.NEW:
        raise SubscriptionNotFound()
    raise SubscriptionStateForbids(
        f"This is not possible while the subscription is {subscription.status.value}.",
        subscription_status=subscription.status.value,
    )

"""A subscription: its state, and what may happen next.

How facts move it is in folding.py; what is decided, in the files that deciding.py names; the table
of its life is in life.py.
"""

from datetime import datetime

import msgspec

from ledger.errors import Conflict, NotFound
from ledger.events import DomainEvent
from ledger.money import Money
from ledger.share import Share
from ledger.subscriptions import events as e
from ledger.subscriptions.charged import Charged
from ledger.subscriptions.life import NEXT, OVERDUE, RUNNING, Status
from ledger.subscriptions.periods import Calendar, Period

NOTHING = Share(net=Money(0), tax=Money(0))


class SubscriptionNotFound(NotFound):
    code = "subscription_not_found"
    title = "There is no subscription under this id."


class SubscriptionStateForbids(Conflict):
    code = "subscription_state_forbids"
    title = "The subscription is in a state in which this is not possible."


class OpenBill(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A bill that is to be paid. `live` are payments under way for it, `pulling` is the one of them
    that we collect ourselves.
    """

    bill_id: str
    period: int
    to_pay: Money
    credit: Money  # that paid the rest
    carried: Share
    opened_at: datetime
    due_at: datetime
    attempts: int = 0
    live: tuple[str, ...] = ()
    pulling: str = ""
    method: str = ""  # of the newest attempt
    saved_method: str = ""
    expires_at: datetime | None = None  # of its instructions
    over_since: datetime | None = None  # they ran out, and nobody paid
    trouble: str = ""
    reminded: int = 0
    written_off: bool = False
    credited: Share = NOTHING  # by changes, once it is paid again


class Missed(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A period that passed without a bill, and what was subscribed to then."""

    number: int
    starts_at: datetime
    ends_at: datetime
    sold: e.Sold


class Dunning(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    bill_id: str
    policy: str
    version: int
    overdue_since: datetime
    step: int  # the next one
    step_at: datetime | None


class Subscription(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    status: Status = Status.NEW
    created: e.SubscriptionCreated | None = None
    sold: e.Sold | None = None
    paying: e.Paying = e.Paying(method="")
    calendar: Calendar | None = None
    first: int = 1  # the number of the period that begins at the calendar's anchor
    starts_at: datetime | None = None  # the first of this calendar; it may begin in a whole one
    opened: int = 0  # the newest period that was opened
    bills: int = 0
    charged: tuple[Charged, ...] = ()  # the running period, and the next once it was opened
    open_bills: tuple[OpenBill, ...] = ()
    credit: Money = Money(0)
    carried: Share = NOTHING
    dunning: Dunning | None = None
    scheduled: e.ChangeScheduled | None = None
    cancel: e.CancellationScheduled | None = None
    resume_at: datetime | None = None
    incomplete_since: datetime | None = None
    trial_reminded: bool = False
    missed: tuple[Missed, ...] = ()
    has_lived: bool = False  # it was paid, or on trial
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

    def owes(self, number: int) -> bool:
        """Anything for a period."""
        return any(bill.period == number for bill in self.open_bills)

    @property
    def paid_until(self) -> datetime | None:
        """The end of the newest period that was billed, with nothing left to pay for it."""
        paid = (one.ends_at for one in self.charged if one.bills and not self.owes(one.number))
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

    def sold_at(self, moment: datetime) -> e.Sold:
        """What is in force: a bill that was issued ahead may be for something else already."""
        running = self.charged_at(moment)
        return running.sold if running else self.what

    def free_from(self, now: datetime) -> datetime:
        """Where the first period begins that neither runs nor is paid for."""
        newest = self.newest
        if newest and newest.starts_at > now and self.find_bill(newest.bill_id):
            return newest.starts_at
        return self.next_starts_at

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

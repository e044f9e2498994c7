"""When somebody has to look at a subscription again, for each thing that waits for a moment."""

from datetime import datetime, timedelta
from typing import Final

from ledger.plans.terms import Proration
from ledger.subscriptions import events as e
from ledger.subscriptions.life import OVERDUE, Status
from ledger.subscriptions.subscription import OpenBill, Subscription

S = Status

INCOMPLETE_FOR: Final = timedelta(days=1)  # how long a first bill may wait to be paid
TRIAL_ENDING: Final = timedelta(days=3)
REMINDED_BEFORE: Final = timedelta(days=1)

# Later than this it was a downtime: what follows keeps its distance instead of coming all at once.
DOWNTIME: Final = timedelta(hours=12)

BILLING: Final = (S.TRIALING, S.ACTIVE, S.CANCELLING)
CHANGEABLE: Final = (S.TRIALING, S.ACTIVE)


def cancels_at(s: Subscription) -> datetime | None:
    return s.cancel.at if s.cancel else None


def resumes_at(s: Subscription) -> datetime | None:
    return s.resume_at if s.status is S.PAUSED else None


def expires_at(s: Subscription) -> datetime | None:
    since = s.incomplete_since
    return since + INCOMPLETE_FOR if s.status is S.INCOMPLETE and since else None


def pulls_at(s: Subscription) -> datetime | None:
    """A bill that was pushed, and is to be pulled since the way of paying changed."""
    if s.status not in BILLING:
        return None
    return min((bill.due_at for bill in s.open_bills if is_to_be_pulled(s, bill)), default=None)


def overdue_at(s: Subscription) -> datetime | None:
    if s.status not in BILLING:
        return None
    return min((bill.due_at for bill in s.open_bills if may_be_overdue(s, bill)), default=None)


def steps_at(s: Subscription) -> datetime | None:
    return s.dunning.step_at if s.dunning and s.status in OVERDUE else None


def changes_at(s: Subscription) -> datetime | None:
    """A change within what was charged. It waits for open bills; what begins with a period that is
    not opened yet comes with it.
    """
    scheduled, newest = s.scheduled, s.newest
    if scheduled is None or s.status not in CHANGEABLE or scheduled.at >= s.next_starts_at:
        return None
    if waits_for_period(s, scheduled.sold, scheduled.mode):
        return None
    if newest is None:
        return scheduled.at if s.status is S.TRIALING else None
    ahead = newest.bill_id if newest.starts_at >= scheduled.at else ""  # it is billed anew
    if newest.ends_at <= scheduled.at or any(bill.bill_id != ahead for bill in s.open_bills):
        return None
    return scheduled.at


def waits_for_period(s: Subscription, sold: e.Sold, mode: Proration) -> bool:
    """Another interval without proration begins with a period, too."""
    restarts = sold.terms.interval != s.what.terms.interval
    return mode == "next_period" or (mode == "none" and restarts)


def opens_at(s: Subscription) -> datetime | None:
    """None while nothing more is to be billed; an overdue bill comes first."""
    if s.status not in BILLING:
        return None
    starts_at, change = s.next_starts_at, changes_at(s)
    if s.cancel and s.cancel.at <= starts_at:
        return None
    return max(issued_at(s, starts_at), change or issued_at(s, starts_at))


def issued_at(s: Subscription, starts_at: datetime) -> datetime:
    """Who has to act is told in time, though not before the period before has begun."""
    before = s.newest.starts_at if s.newest else s.creation.occurred_at
    return max(starts_at - ahead(s), min(before, starts_at))


def ahead(s: Subscription) -> timedelta:
    return timedelta(0) if s.paying.is_pulled else timedelta(days=s.what.terms.issued_days_ahead)


def trial_reminds_at(s: Subscription) -> datetime | None:
    ends_at = s.trial_ends_at
    return ends_at - TRIAL_ENDING if ends_at and not s.trial_reminded else None


def reissues_at(s: Subscription) -> datetime | None:
    """Instructions that ran out before the bill was due."""
    if s.status not in BILLING:
        return None
    return min((b.over_since for b in s.open_bills if is_to_be_reissued(s, b)), default=None)  # type: ignore[type-var]


def reminds_at(s: Subscription) -> datetime | None:
    if s.status not in BILLING:
        return None
    moments = (_reminder_at(bill) for bill in s.open_bills if is_to_be_reminded(s, bill))
    return min(moments, default=None)


def is_to_be_pulled(s: Subscription, bill: OpenBill) -> bool:
    return s.paying.is_pulled and is_pushed(bill)


def is_to_be_reissued(s: Subscription, bill: OpenBill) -> bool:
    return bill.over_since is not None and not is_to_be_pulled(s, bill)


def is_to_be_reminded(s: Subscription, bill: OpenBill) -> bool:
    """Who has had a day at least to pay, and has to."""
    pushed = is_pushed(bill) and not is_to_be_pulled(s, bill)
    return pushed and not bill.reminded and bill.opened_at < _reminder_at(bill)


def _reminder_at(bill: OpenBill) -> datetime:
    return bill.due_at - REMINDED_BEFORE


def may_be_overdue(s: Subscription, bill: OpenBill) -> bool:
    """What is being pulled is as good as paid until it has failed."""
    return not (bill.pulling or bill.written_off or is_to_be_pulled(s, bill))


def is_pushed(bill: OpenBill) -> bool:
    """By its newest attempt."""
    return not bill.saved_method

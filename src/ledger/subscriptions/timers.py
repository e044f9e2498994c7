"""When somebody has to look at a subscription again: the earliest of all that waits for a moment."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from ledger.subscriptions.life import OVERDUE, Status
from ledger.subscriptions.subscription import OpenBill, Subscription

S = Status

INCOMPLETE_FOR: Final = timedelta(days=1)  # how long a first bill may wait to be paid
TRIAL_ENDING: Final = timedelta(days=3)
REMINDED_BEFORE: Final = timedelta(days=1)

BILLING: Final = (S.TRIALING, S.ACTIVE, S.CANCELLING)


def next_look(subscription: Subscription) -> datetime | None:
    return min(_moments(subscription), default=None)


def _moments(s: Subscription) -> Iterator[datetime]:
    if s.cancel:
        yield s.cancel.at
    if s.resume_at and s.status is S.PAUSED:
        yield s.resume_at
    if s.status is S.INCOMPLETE and s.incomplete_since:
        yield s.incomplete_since + INCOMPLETE_FOR
    if s.scheduled and s.status in (S.TRIALING, S.ACTIVE):
        yield s.scheduled.at
    if s.dunning and s.dunning.step_at and s.status in OVERDUE:
        yield s.dunning.step_at
    if opens_at := next_opens_at(s):
        yield opens_at
    if s.status is S.TRIALING and not s.trial_reminded and s.trial_ends_at:
        yield s.trial_ends_at - TRIAL_ENDING
    if s.status in BILLING:
        for bill in s.open_bills:
            yield from _of_bill(bill)


def _of_bill(bill: OpenBill) -> Iterator[datetime]:
    """Before it is due, its payer is reminded; from then on it is overdue, unless we are just
    collecting it ourselves.
    """
    if may_be_overdue(bill):
        yield bill.due_at
    if is_pushed(bill) and not bill.reminded and bill.opened_at < bill.due_at - REMINDED_BEFORE:
        yield bill.due_at - REMINDED_BEFORE


def is_pushed(bill: OpenBill) -> bool:
    return not bill.saved_method


def may_be_overdue(bill: OpenBill) -> bool:
    """What is pulled and under way is as good as paid until it has failed."""
    return is_pushed(bill) or not bill.live


def next_opens_at(s: Subscription) -> datetime | None:
    """None while nothing more is to be billed; an overdue bill comes first."""
    if s.status not in BILLING:
        return None
    starts_at = s.next_starts_at
    if s.cancel and s.cancel.at <= starts_at:
        return None
    return starts_at - ahead(s)


def ahead(s: Subscription) -> timedelta:
    """Who has to act is told in time."""
    return timedelta(0) if s.paying.is_pulled else timedelta(days=s.what.terms.issued_days_ahead)

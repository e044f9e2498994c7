"""What time brings: of all that is due, the first thing in this order."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from ledger.errors import LedgerError
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.changing import carry_out
from ledger.subscriptions.dunning import start_dunning, take_step
from ledger.subscriptions.ending import cancel_now, expire, resume
from ledger.subscriptions.life import OVERDUE, Status
from ledger.subscriptions.opening import renew
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import OpenBill, Subscription
from ledger.subscriptions.timers import (
    BILLING,
    INCOMPLETE_FOR,
    REMINDED_BEFORE,
    TRIAL_ENDING,
    is_pushed,
    may_be_overdue,
    next_opens_at,
)

S = Status


def advance(subscription: Subscription, command: c.Advance) -> Story:
    """No fact when nothing is due."""
    story = Story(subscription)
    for turn in TURNS:
        if turn.is_due(subscription, command.now):
            turn.act(story, command)
            break
    return story


class Turn(NamedTuple):
    is_due: Callable[[Subscription, datetime], bool]
    act: Callable[[Story, c.Advance], None]


def _cancel_due(s: Subscription, now: datetime) -> bool:
    return s.cancel is not None and s.cancel.at <= now


def _cancel(story: Story, command: c.Advance) -> None:
    scheduled = story.state.cancel
    assert scheduled is not None
    cancel_now(story, command, scheduled.with_credit, scheduled.reason, "schedule")


def _resume_due(s: Subscription, now: datetime) -> bool:
    return s.status is S.PAUSED and s.resume_at is not None and s.resume_at <= now


def _resume(story: Story, command: c.Advance) -> None:
    story.add(*resume(story.state, command, "schedule").facts)


def _expiry_due(s: Subscription, now: datetime) -> bool:
    since = s.incomplete_since
    return s.status is S.INCOMPLETE and since is not None and since + INCOMPLETE_FOR <= now


def _overdue(s: Subscription, now: datetime) -> bool:
    """Of what runs. A payment that is pulled is waited for."""
    if s.status not in BILLING or s.dunning:
        return False
    return any(bill.due_at <= now and may_be_overdue(bill) for bill in s.open_bills)


def _dun(story: Story, command: c.Advance) -> None:
    start_dunning(story, command.now, "not_paid_in_time")


def _step_due(s: Subscription, now: datetime) -> bool:
    step_at = s.dunning.step_at if s.dunning and s.status in OVERDUE else None
    return step_at is not None and step_at <= now


def _change_due(s: Subscription, now: datetime) -> bool:
    return s.scheduled is not None and s.status in (S.TRIALING, S.ACTIVE) and s.scheduled.at <= now


def _change(story: Story, command: c.Advance) -> None:
    """What cannot be carried out any more is withdrawn, and says why."""
    scheduled, before = story.state.scheduled, len(story.facts)
    assert scheduled is not None
    if story.state.next_starts_at <= command.now:
        renew(story, command)  # it takes over what is scheduled for the new period
        return
    try:
        carry_out(story, command, scheduled.sold, scheduled.mode, _as_of(story, command.now))
    except LedgerError as refusal:
        assert len(story.facts) == before, "a refusal comes before any fact"
        story.add(e.ChangeWithdrawn(occurred_at=command.now, why=refusal.code))


def _as_of(story: Story, now: datetime) -> datetime:
    """As it was asked and previewed, however late the worker; after a pause that is no more."""
    scheduled = story.state.scheduled
    assert scheduled is not None
    return scheduled.at if story.state.charged_at(scheduled.at) else now


def _opening_due(s: Subscription, now: datetime) -> bool:
    opens_at = next_opens_at(s)
    return opens_at is not None and opens_at <= now


def _reminder_of(s: Subscription, now: datetime) -> OpenBill | None:
    if s.status not in BILLING:
        return None
    return next(
        (
            bill
            for bill in s.open_bills
            if is_pushed(bill)
            and not bill.reminded
            and bill.opened_at < bill.due_at - REMINDED_BEFORE <= now < bill.due_at
        ),
        None,
    )


def _remind(story: Story, command: c.Advance) -> None:
    bill = _reminder_of(story.state, command.now)
    assert bill is not None
    story.add(e.ReminderDue(occurred_at=command.now, bill_id=bill.bill_id, kind="before_due"))


def _trial_ending(s: Subscription, now: datetime) -> bool:
    ends_at = s.trial_ends_at
    return ends_at is not None and not s.trial_reminded and ends_at - TRIAL_ENDING <= now


def _remind_of_trial(story: Story, command: c.Advance) -> None:
    story.add(e.ReminderDue(occurred_at=command.now, bill_id="", kind="trial_ending"))


TURNS: Final = (
    Turn(_cancel_due, _cancel),
    Turn(_resume_due, _resume),
    Turn(_expiry_due, expire),
    Turn(_overdue, _dun),
    Turn(_step_due, take_step),
    Turn(_trial_ending, _remind_of_trial),
    Turn(_change_due, _change),
    Turn(_opening_due, renew),
    Turn(lambda s, now: _reminder_of(s, now) is not None, _remind),
)

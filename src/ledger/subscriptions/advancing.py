"""What time brings: a table of moments. Of all that is due, the first thing in this order is done."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from ledger.errors import LedgerError
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions import timers
from ledger.subscriptions.asking import order
from ledger.subscriptions.changing import carry_out
from ledger.subscriptions.dunning import start_dunning, take_step
from ledger.subscriptions.ending import cancel_now, expire, resume
from ledger.subscriptions.opening import renew
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import OpenBill, Subscription


class Turn(NamedTuple):
    """Whoever acts on a moment that has come adds a fact, and so moves it."""

    when: Callable[[Subscription], datetime | None]
    act: Callable[[Story, c.Advance], None]


def advance(story: Story, command: c.Advance) -> None:
    """No fact when nothing is due."""
    for turn in TURNS:
        moment = turn.when(story.state)
        if moment is not None and moment <= command.now:
            turn.act(story, command)
            return


def next_look(subscription: Subscription) -> datetime | None:
    """The earliest of all moments."""
    moments = (turn.when(subscription) for turn in TURNS)
    return min((moment for moment in moments if moment is not None), default=None)


def _cancel(story: Story, command: c.Advance) -> None:
    cancel = story.state.cancel
    assert cancel is not None
    cancel_now(story, command, cancel.with_credit, cancel.reason, "schedule", at=cancel.at)


def _resume(story: Story, command: c.Advance) -> None:
    resume(story, command, planned=story.state.resume_at)


def _pull(story: Story, command: c.Advance) -> None:
    bill = _first(story.state, timers.is_to_be_pulled)
    order(story, command, bill.bill_id, "method_changed")


def _dun(story: Story, command: c.Advance) -> None:
    start_dunning(story, command.now, "not_paid_in_time")


def _change(story: Story, command: c.Advance) -> None:
    """What cannot be carried out any more is withdrawn, and says why."""
    scheduled = story.state.scheduled
    assert scheduled is not None
    attempt = Story(story.state)
    try:
        carry_out(attempt, command, scheduled.sold, scheduled.mode, scheduled.at)
    except LedgerError as refusal:
        story.add(e.ChangeWithdrawn(occurred_at=command.now, why=refusal.code))
    else:
        story.add(*attempt.facts)


def _remind_of_trial(story: Story, command: c.Advance) -> None:
    story.add(e.ReminderDue(occurred_at=command.now, bill_id="", kind="trial_ending"))


def _reissue(story: Story, command: c.Advance) -> None:
    bill = _first(story.state, timers.is_to_be_reissued)
    order(story, command, bill.bill_id, "instructions_over")


def _remind(story: Story, command: c.Advance) -> None:
    bill = _first(story.state, timers.is_to_be_reminded)
    story.add(e.ReminderDue(occurred_at=command.now, bill_id=bill.bill_id, kind="before_due"))


def _first(s: Subscription, is_meant: Callable[[Subscription, OpenBill], bool]) -> OpenBill:
    """Of bills in the order in which they fall due."""
    return min((b for b in s.open_bills if is_meant(s, b)), key=lambda bill: bill.due_at)


TURNS: Final = (
    Turn(timers.cancels_at, _cancel),
    Turn(timers.resumes_at, _resume),
    Turn(timers.expires_at, expire),
    Turn(timers.pulls_at, _pull),
    Turn(timers.overdue_at, _dun),
    Turn(timers.steps_at, take_step),
    Turn(timers.changes_at, _change),
    Turn(timers.opens_at, renew),
    Turn(timers.trial_reminds_at, _remind_of_trial),
    Turn(timers.reissues_at, _reissue),
    Turn(timers.reminds_at, _remind),
)

"""Pausing, resuming, cancelling and beginning again; and another way of paying."""

from datetime import datetime

from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.asking import order
from ledger.subscriptions.changing import EffectiveDatePast, withdraw_ahead
from ledger.subscriptions.difference import NONE, difference
from ledger.subscriptions.dunning import drop_all
from ledger.subscriptions.life import OVERDUE, Status
from ledger.subscriptions.opening import open_next
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import (
    OpenBill,
    Subscription,
    SubscriptionStateForbids,
    may,
    require,
)
from ledger.subscriptions.timers import DOWNTIME

S = Status


def cancel(story: Story, command: c.CancelSubscription) -> None:
    """One that is not running, or is overdue, ends at once; what is owed is dropped."""
    s, now = story.state, command.now
    require(s, e.SubscriptionCancelled)
    if command.at is not None and command.at < now:
        raise EffectiveDatePast()
    at = command.at or s.free_from(now)
    if at <= now or not may(s, e.CancellationScheduled):
        cancel_now(story, command, command.with_credit, command.reason, "request")
        return
    known = s.cancel and (s.cancel.at, s.cancel.reason, s.cancel.with_credit)
    if known == (at, command.reason, command.with_credit):
        return
    withdraw_ahead(story, now, at, "cancelled")
    story.add(
        e.CancellationScheduled(
            occurred_at=now, at=at, reason=command.reason, with_credit=command.with_credit
        )
    )


def cancel_now(
    story: Story,
    command: c.Command,
    with_credit: bool,
    reason: str,
    by: str,
    at: datetime | None = None,
) -> None:
    """As of `at`, when it was scheduled."""
    now = command.now
    drop_all(story, now, "cancelled")
    at = at or now
    unused = difference(story.state, at, None) if with_credit else NONE
    story.add(
        e.SubscriptionCancelled(
            occurred_at=now,
            at=at,
            reason=reason,
            by=by,  # type: ignore[arg-type]
            credited=unused.credited,
            repriced=unused.repriced,
            carried=unused.carried,
        )
    )


def expire(story: Story, command: c.Command) -> None:
    """The first bill was not paid. One that had lived before is cancelled again."""
    if story.state.has_lived:
        cancel_now(story, command, False, "not_paid_in_time", "incomplete")
        return
    drop_all(story, command.now, "not_paid_in_time")
    story.add(e.SubscriptionExpired(occurred_at=command.now))


def pause(story: Story, command: c.PauseSubscription) -> None:
    require(story.state, e.SubscriptionPaused)
    if command.resume_at is not None and command.resume_at <= command.now:
        raise EffectiveDatePast()
    withdraw_ahead(story, command.now, command.now, "paused")
    story.add(
        e.SubscriptionPaused(
            occurred_at=command.now, reason=command.reason, resume_at=command.resume_at
        )
    )


def resume(story: Story, command: c.Acting, planned: datetime | None = None) -> None:
    """It goes on where it was, or anew when what was paid for is over or was never paid."""
    s, now = story.state, command.now
    require(s, e.SubscriptionResumed)
    at = planned if planned and now - planned <= DOWNTIME else now
    anew = s.next_starts_at <= at or any(bill.written_off for bill in s.open_bills)
    if anew:
        drop_all(story, now, "resumed_anew")
    story.add(
        e.SubscriptionResumed(
            occurred_at=now, why="schedule" if planned else "asked", anchor=at if anew else None
        )
    )
    if anew:
        open_next(story, command, "reactivation")


def reactivate(story: Story, command: c.ReactivateSubscription) -> None:
    s, now = story.state, command.now
    if may(s, e.CancellationWithdrawn):
        story.add(e.CancellationWithdrawn(occurred_at=now))
        return
    require(s, e.SubscriptionReactivated)
    drop_all(story, now, "begun_anew")
    due = s.scheduled is not None and s.scheduled.at <= now
    story.add(
        e.SubscriptionReactivated(
            occurred_at=now,
            anchor=now,
            sold=s.scheduled.sold if s.scheduled and due else s.what,
            paying=command.paying or s.paying,
        )
    )
    open_next(story, command, "reactivation")


def change_paying(story: Story, command: c.ChangePaying) -> None:
    """What is due and not being pulled is tried at once."""
    s = story.state
    require(s, e.PayingChanged)
    story.add(e.PayingChanged(occurred_at=command.now, paying=command.paying))
    waiting = _waiting_bill(s)
    if waiting and s.status in (S.INCOMPLETE, *OVERDUE, S.UNPAID):
        order(story, command, waiting.bill_id, "method_changed")


def _waiting_bill(s: Subscription) -> OpenBill | None:
    """The one on which it depends whether the subscription runs, or else the oldest."""
    dunned = s.dunning.bill_id if s.dunning else ""
    waiting = [bill for bill in s.open_bills if not bill.pulling]
    return next(
        (bill for bill in waiting if bill.bill_id == dunned or bill.written_off),
        waiting[0] if waiting and not dunned else None,
    )


def withdraw_change(story: Story, command: c.WithdrawChange) -> None:
    require(story.state, e.ChangeWithdrawn)
    if story.state.scheduled is None:
        raise SubscriptionStateForbids("No change is scheduled.")
    story.add(e.ChangeWithdrawn(occurred_at=command.now, why=command.why))

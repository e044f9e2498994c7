"""Pausing, resuming, cancelling and beginning again."""

from datetime import datetime

from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.asking import order
from ledger.subscriptions.changing import EffectiveDatePast, difference, withdraw_ahead
from ledger.subscriptions.dunning import drop_all
from ledger.subscriptions.life import OVERDUE, Status
from ledger.subscriptions.opening import open_next
from ledger.subscriptions.pricing import price
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import (
    Subscription,
    SubscriptionStateForbids,
    may,
    require,
)

S = Status


def cancel(subscription: Subscription, command: c.CancelSubscription) -> Story:
    """One that is not running, or is overdue, ends at once; what is owed is dropped."""
    require(subscription, e.SubscriptionCancelled)
    now = command.now
    if command.at is not None and command.at < now:
        raise EffectiveDatePast()
    story = Story(subscription)
    at = command.at or _end_of_what_is_paid(subscription, now)
    if at <= now or not may(subscription, e.CancellationScheduled):
        cancel_now(story, command, command.with_credit, command.reason, "request")
        return story
    withdraw_ahead(story, now, at, "cancelled")
    story.add(
        e.CancellationScheduled(
            occurred_at=now, at=at, reason=command.reason, with_credit=command.with_credit
        )
    )
    return story


def _end_of_what_is_paid(s: Subscription, now: datetime) -> datetime:
    if s.status is S.TRIALING:
        return s.trial_ends_at or now
    running = s.charged_at(now)
    return running.ends_at if running else now


def cancel_now(story: Story, command: c.Command, with_credit: bool, reason: str, by: str) -> None:
    now = command.now
    drop_all(story, now, "cancelled")
    s = story.state
    unused = difference(s, now, price(s.what).net.zero(), "") if with_credit else None
    story.add(
        e.SubscriptionCancelled(
            occurred_at=now,
            at=now,
            reason=reason,
            by=by,  # type: ignore[arg-type]
            credited=unused.less if unused else (),
            repriced=unused.repriced if unused else (),
        )
    )


def expire(story: Story, command: c.Command) -> None:
    """The first bill was not paid. One that had lived before is cancelled again."""
    drop_all(story, command.now, "not_paid_in_time")
    if story.state.opened > 1 or len(story.state.charged) > 1:
        cancel_now(story, command, False, "not_paid_in_time", "incomplete")
    else:
        story.add(e.SubscriptionExpired(occurred_at=command.now))


def pause(subscription: Subscription, command: c.PauseSubscription) -> Story:
    require(subscription, e.SubscriptionPaused)
    if command.resume_at is not None and command.resume_at <= command.now:
        raise EffectiveDatePast()
    story = Story(subscription)
    withdraw_ahead(story, command.now, command.now, "paused")
    story.add(
        e.SubscriptionPaused(
            occurred_at=command.now, reason=command.reason, resume_at=command.resume_at
        )
    )
    return story


def resume(subscription: Subscription, command: c.Acting, why: str = "asked") -> Story:
    require(subscription, e.SubscriptionResumed)
    story = Story(subscription)
    now = command.now
    over = subscription.next_starts_at <= now and subscription.opened > 0
    if subscription.opened == 0:
        over = subscription.next_starts_at <= now
    story.add(e.SubscriptionResumed(occurred_at=now, why=why, anchor=now if over else None))
    if over:
        drop_all(story, now, "resumed_anew")
        open_next(story, command, "reactivation")
    return story


def reactivate(subscription: Subscription, command: c.ReactivateSubscription) -> Story:
    story = Story(subscription)
    now = command.now
    if may(subscription, e.CancellationWithdrawn):
        story.add(e.CancellationWithdrawn(occurred_at=now))
        return story
    require(subscription, e.SubscriptionReactivated)
    drop_all(story, now, "begun_anew")
    story.add(
        e.SubscriptionReactivated(
            occurred_at=now,
            anchor=now,
            sold=subscription.what,
            paying=command.paying or subscription.paying,
        )
    )
    open_next(story, command, "reactivation")
    return story


def change_paying(subscription: Subscription, command: c.ChangePaying) -> Story:
    """What is due and not under way is tried at once."""
    require(subscription, e.PayingChanged)
    story = Story(subscription)
    story.add(e.PayingChanged(occurred_at=command.now, paying=command.paying))
    waiting = next(
        (bill for bill in subscription.open_bills if not bill.saved_method or not bill.live), None
    )
    if waiting and subscription.status in (S.INCOMPLETE, *OVERDUE, S.UNPAID):
        order(story, command, waiting.bill_id, "method_changed")
    return story


def withdraw_change(subscription: Subscription, command: c.WithdrawChange) -> Story:
    if subscription.scheduled is None:
        require(subscription, e.ChangeWithdrawn)
        raise SubscriptionStateForbids("No change is scheduled.")
    story = Story(subscription)
    story.add(e.ChangeWithdrawn(occurred_at=command.now, why=command.why))
    return story

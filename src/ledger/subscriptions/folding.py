"""How each fact moves a subscription: pure, total, and silent about what may happen, which life.py
says.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from ledger.events import DomainEvent
from ledger.money import Money
from ledger.subscriptions import charged, owing
from ledger.subscriptions import events as e
from ledger.subscriptions.life import NEXT, Status
from ledger.subscriptions.periods import Calendar
from ledger.subscriptions.pricing import counted
from ledger.subscriptions.subscription import NOTHING, Missed, OpenBill, Subscription

PERIODS_KEPT: Final = 2  # the running one, and the next when it was billed ahead
S = Status


def evolve(subscription: Subscription, event: DomainEvent) -> Subscription:
    """Kinds of later versions, and what comes before the beginning, leave it as it is."""
    known = subscription.created is not None or isinstance(event, e.SubscriptionCreated)
    if not known or type(event) not in EFFECTS or not isinstance(event, e.SubscriptionEvent):
        return subscription
    moved = replace(
        subscription,
        status=NEXT.get((subscription.status, type(event))) or subscription.status,
        facts=subscription.facts + 1,
        look_at=event.next_at,
        updated_at=event.occurred_at,
    )
    return EFFECTS[type(event)](moved, event)


def _created(new: Subscription, event: e.SubscriptionCreated) -> Subscription:
    return replace(
        new,
        status=S.TRIALING if event.trial_ends_at else S.INCOMPLETE,
        created=event,
        sold=event.sold,
        paying=event.paying,
        calendar=event.calendar,
        first=event.first,
        starts_at=event.starts_at,
        credit=event.sold.terms.price.zero(),
        incomplete_since=None if event.trial_ends_at else event.occurred_at,
        has_lived=event.trial_ends_at is not None,
    )


def _period_opened(old: Subscription, event: e.PeriodOpened) -> Subscription:
    bill = OpenBill(
        bill_id=event.bill_id,
        period=event.number,
        to_pay=event.share.total - event.credit,
        credit=event.credit,
        carried=event.carried,
        opened_at=event.occurred_at,
        due_at=event.due_at,
    )
    with_bill = replace(
        old,
        bills=old.bills + 1,
        credit=old.credit - event.credit,
        carried=old.carried - event.carried,
        charged=tuple(charged.carried_on(one, event.bill_id) for one in old.charged),
        open_bills=(*old.open_bills, bill),
    )
    if event.reason == "missed":
        return replace(with_bill, missed=old.missed[1:], sold=counted(old.what, event.sold))
    opened = charged.opened(event, old.period(event.number), before=old.what)
    return replace(
        with_bill,
        sold=event.sold,
        opened=event.number,
        charged=(*with_bill.charged, opened)[-PERIODS_KEPT:],
        trial_reminded=old.trial_reminded or event.starts_at <= event.occurred_at,
    )


def _periods_missed(old: Subscription, event: e.PeriodsMissed) -> Subscription:
    periods = (old.period(event.first + times) for times in range(event.periods))
    missed = (
        Missed(
            number=one.number,
            starts_at=max(one.starts_at, event.starts_at),
            ends_at=one.ends_at,
            sold=old.what,
        )
        for one in periods
    )
    return replace(old, opened=old.opened + event.periods, missed=(*old.missed, *missed))


def _period_withdrawn(old: Subscription, event: e.PeriodWithdrawn) -> Subscription:
    left = (one for one in old.charged if one.number != event.number)
    return replace(
        owing.without_bill(old, event.bill_id),
        opened=event.number - 1,
        sold=event.sold,
        charged=tuple(charged.taken_back(one, event.bill_id) for one in left),
        credit=old.credit + event.credit,
        carried=old.carried + event.carried,
    )


def _changed(old: Subscription, event: e.SubscriptionChanged) -> Subscription:
    changed = replace(
        _repriced(old, event.repriced, event.sold),
        sold=event.sold,
        scheduled=None,
        carried=old.carried + event.carried,
        credit=old.credit - event.credit + _sum(event.credited, old.credit),
    )
    if event.restarts:
        changed = _anchored(changed, _restart(old, event), event.sold)
    if not event.bill_id or event.due_at is None:
        return changed
    running = old.charged_at(event.at)
    bill = OpenBill(
        bill_id=event.bill_id,
        period=running.number if running else old.opened,
        to_pay=event.charge.total - event.credit,
        credit=event.credit,
        carried=NOTHING,
        opened_at=event.occurred_at,
        due_at=event.due_at,
    )
    return replace(changed, bills=old.bills + 1, open_bills=(*old.open_bills, bill))


def _restart(old: Subscription, event: e.SubscriptionChanged) -> datetime:
    """A trial ends when it would have."""
    return event.at if old.opened else max(event.at, old.next_starts_at)


def _repriced(
    old: Subscription, repriced: tuple[e.Repriced, ...], sold: e.Sold | None = None
) -> Subscription:
    by_number = {one.number: one for one in repriced}
    return replace(
        old,
        charged=tuple(
            charged.repriced(one, by_number[one.number], sold) if one.number in by_number else one
            for one in old.charged
        ),
    )


def _sum(credited: tuple[e.Credited, ...], like: Money) -> Money:
    return sum((one.share.total for one in credited), like.zero())


def _anchored(old: Subscription, anchor: datetime, sold: e.Sold) -> Subscription:
    """Periods of before that would go on are cut short there."""
    calendar = Calendar(anchor=anchor, interval=sold.terms.interval, zone=old.schedule.zone)
    return replace(
        old,
        calendar=calendar,
        first=old.opened + 1,
        starts_at=anchor,
        charged=tuple(one for one in old.charged if one.ends_at <= anchor),
    )


def _change_scheduled(old: Subscription, event: e.ChangeScheduled) -> Subscription:
    return replace(old, scheduled=event)


def _change_withdrawn(old: Subscription, event: e.ChangeWithdrawn) -> Subscription:
    return replace(old, scheduled=None)


def _paying_changed(old: Subscription, event: e.PayingChanged) -> Subscription:
    return replace(old, paying=event.paying)


def _paused(old: Subscription, event: e.SubscriptionPaused) -> Subscription:
    return replace(old, resume_at=event.resume_at)


def _resumed(old: Subscription, event: e.SubscriptionResumed) -> Subscription:
    on_trial = event.anchor is None and old.opened == 0
    status = S.CANCELLING if old.cancel else S.TRIALING if on_trial else S.ACTIVE
    resumed = replace(old, status=status, resume_at=None)
    return _anchored(resumed, event.anchor, old.what) if event.anchor else resumed


def _cancellation_scheduled(old: Subscription, event: e.CancellationScheduled) -> Subscription:
    return replace(old, cancel=event, scheduled=None)


def _cancellation_withdrawn(old: Subscription, event: e.CancellationWithdrawn) -> Subscription:
    """Whoever never paid is still on trial."""
    first = old.newest
    unpaid = old.opened == 0 or (old.opened == 1 and first and old.find_bill(first.bill_id))
    on_trial = unpaid and old.creation.trial_ends_at is not None
    return replace(old, cancel=None, status=S.TRIALING if on_trial else S.ACTIVE)


def _cancelled(old: Subscription, event: e.SubscriptionCancelled) -> Subscription:
    return replace(
        _repriced(old, event.repriced),
        credit=old.credit + _sum(event.credited, old.credit),
        carried=old.carried + event.carried,
        cancel=None,
        scheduled=None,
        dunning=None,
        resume_at=None,
        incomplete_since=None,
    )


def _expired(old: Subscription, event: e.SubscriptionExpired) -> Subscription:
    return replace(old, scheduled=None, incomplete_since=None)


def _reactivated(old: Subscription, event: e.SubscriptionReactivated) -> Subscription:
    again = replace(
        old,
        sold=event.sold,
        paying=event.paying,
        missed=(),
        scheduled=None,
        cancel=None,
        incomplete_since=event.occurred_at,
    )
    return _anchored(again, event.anchor, event.sold)


EFFECTS: Final[dict[type[DomainEvent], Callable[[Subscription, Any], Subscription]]] = {
    e.SubscriptionCreated: _created,
    e.PeriodOpened: _period_opened,
    e.PeriodsMissed: _periods_missed,
    e.PeriodWithdrawn: _period_withdrawn,
    e.CollectionOrdered: owing.collection_ordered,
    e.CollectionImpossible: owing.collection_impossible,
    e.CollectionFailed: owing.collection_failed,
    e.BillSettled: owing.bill_settled,
    e.RefundNoted: owing.refund_noted,
    e.BillUnsettled: owing.bill_unsettled,
    e.DunningStarted: owing.dunning_started,
    e.DunningStepTaken: owing.dunning_step,
    e.ReminderDue: owing.reminder,
    e.CreditGiven: owing.credit_given,
    e.SubscriptionChanged: _changed,
    e.ChangeScheduled: _change_scheduled,
    e.ChangeWithdrawn: _change_withdrawn,
    e.PayingChanged: _paying_changed,
    e.SubscriptionPaused: _paused,
    e.SubscriptionResumed: _resumed,
    e.CancellationScheduled: _cancellation_scheduled,
    e.CancellationWithdrawn: _cancellation_withdrawn,
    e.SubscriptionCancelled: _cancelled,
    e.SubscriptionExpired: _expired,
    e.SubscriptionReactivated: _reactivated,
    e.BillDropped: owing.bill_dropped,
}

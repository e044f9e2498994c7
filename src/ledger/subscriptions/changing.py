"""Another plan, price, quantity or coupon; by table of modes, and exact to the rupiah.

What a period costs is computed from all the prices that were in force in it; a change brings the
difference to what the period has been charged. A preview is this same code.
"""

from datetime import datetime
from typing import NamedTuple

from ledger.errors import Conflict, Rejected
from ledger.money import Money
from ledger.payments.events import Share
from ledger.plans.terms import Proration
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.asking import order
from ledger.subscriptions.dunning import drop
from ledger.subscriptions.life import Status
from ledger.subscriptions.opening import bill_id_of, check_quantity, open_next, take_over
from ledger.subscriptions.policies import current
from ledger.subscriptions.pricing import minus, plus, price, share, total
from ledger.subscriptions.proration import Change, due, stretches
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import (
    NOTHING,
    Charged,
    Subscription,
    SubscriptionStateForbids,
    require,
)


class EffectiveDatePast(Rejected):
    code = "effective_date_past"
    title = "The effective date lies in the past or in a closed period."


class NothingChanges(Rejected):
    code = "nothing_changes"
    title = "The subscription is as asked for already."


class TaxModeDiffers(Rejected):
    code = "tax_mode_differs"
    title = "Plans with and without tax in their price change only from one period to the next."


class BillIsOpen(Conflict):
    code = "subscription_bill_open"
    title = "A bill of the running period is not paid yet; the change can be made once it is."


class PlanCurrencyDiffers(Rejected):
    code = "plan_currency_differs"
    title = "A subscription keeps its currency."


def change(subscription: Subscription, command: c.ChangeSubscription) -> Story:
    require(subscription, e.SubscriptionChanged)
    _check(subscription, command)
    mode = command.mode or command.sold.terms.proration
    asked_at = command.quoted_at or command.now
    at = command.at or asked_at
    if at < asked_at:
        raise EffectiveDatePast()
    story = Story(subscription)
    if mode == "next_period" or (mode == "none" and _restarts(subscription, command.sold)):
        at = max(at, _next_boundary(subscription, at))
    if at > asked_at:
        _schedule(story, command, at, mode)
    else:
        carry_out(story, command, command.sold, mode, at, command.quote_id)
    return story


def _check(s: Subscription, command: c.ChangeSubscription) -> None:
    sold, what = command.sold, s.what
    if sold.terms.price.currency != what.terms.price.currency:
        raise PlanCurrencyDiffers(currency=what.terms.price.currency)
    check_quantity(sold.quantity)
    current(sold.terms.dunning_policy)
    if sold == what and s.scheduled is None:
        raise NothingChanges()


def _restarts(s: Subscription, sold: e.Sold) -> bool:
    return sold.terms.interval != s.what.terms.interval


def _next_boundary(s: Subscription, at: datetime) -> datetime:
    """Where the first period begins that does not hold `at`; one billed ahead is billed anew."""
    running = s.charged_at(at)
    return running.ends_at if running else s.next_starts_at


def _schedule(story: Story, command: c.ChangeSubscription, at: datetime, mode: Proration) -> None:
    withdraw_ahead(story, command.now, at, "changed")
    if story.state.newest and story.state.newest.starts_at >= at:
        raise EffectiveDatePast("The period that begins then is paid for already.")
    story.add(e.ChangeScheduled(occurred_at=command.now, at=at, sold=command.sold, mode=mode))


def withdraw_ahead(story: Story, now: datetime, at: datetime, why: str) -> None:
    """A period that begins at `at` or later, and was billed ahead but not paid, is taken back."""
    s = story.state
    newest = s.newest
    if newest is None or newest.starts_at < at or newest.starts_at <= now:
        return
    bill = next((b for b in s.open_bills if b.period == newest.number), None)
    if bill is None:
        return
    story.add(
        e.PeriodWithdrawn(
            occurred_at=now,
            number=newest.number,
            bill_id=bill.bill_id,
            payment_ids=bill.live,
            credit=bill.credit,
            carried=bill.carried,
            sold=newest.sold_before,
            why=why,
        )
    )


def carry_out(
    story: Story,
    command: c.Acting,
    sold: e.Sold,
    mode: Proration,
    at: datetime,
    quote_id: str = "",
) -> None:
    """Now. Raises BillIsOpen, TaxModeDiffers, or SubscriptionStateForbids while the next period
    waits to be opened.
    """
    withdraw_ahead(story, command.now, at, "changed")
    s = story.state
    if s.status is Status.TRIALING and not s.charged:
        _on_trial(story, command.now, sold, at, mode)
        return
    if s.charged_at(at) is None:
        raise SubscriptionStateForbids("The next period is just being opened; repeat the request.")
    if s.open_bills:
        raise BillIsOpen()
    if mode in ("none", "next_period"):
        take_over(story, command.now, sold, at, mode)
        return
    if sold.terms.tax_mode != s.what.terms.tax_mode:
        raise TaxModeDiffers()
    _prorate(story, command, sold, mode, at, quote_id)


def _on_trial(story: Story, now: datetime, sold: e.Sold, at: datetime, mode: Proration) -> None:
    """Nothing was charged; the trial ends when it would have."""
    story.add(
        e.SubscriptionChanged(
            occurred_at=now,
            at=at,
            sold=sold,
            mode=mode,
            repriced=(),
            charge=NOTHING,
            carried=NOTHING,
            credited=(),
            restarts=False,
        )
    )


class Difference(NamedTuple):
    """What a change brings for each period: more or less, and whose bills it is about."""

    more: Share
    less: tuple[e.Credited, ...]
    repriced: tuple[e.Repriced, ...]


def _prorate(
    story: Story,
    command: c.Acting,
    sold: e.Sold,
    mode: Proration,
    at: datetime,
    quote_id: str,
) -> None:
    s = story.state
    restarts = _restarts(s, sold)
    new_price = price(s.what).net.zero() if restarts else price(sold).net
    bill_id = bill_id_of(s)
    found = difference(s, at, new_price, bill_id if mode == "prorate_now" else "")
    now_charged = found.more if mode == "prorate_now" else NOTHING
    carried = minus(found.more, now_charged)
    billed = bool(total(now_charged))
    story.add(
        e.SubscriptionChanged(
            occurred_at=command.now,
            at=at,
            sold=sold,
            mode=mode,
            repriced=found.repriced,
            charge=now_charged,
            carried=carried,
            credited=found.less,
            bill_id=bill_id if billed else "",
            credit=min(s.credit, total(now_charged)) if billed else s.credit.zero(),
            due_at=command.now if billed else None,
            restarts=restarts,
            quote_id=quote_id,
        )
    )
    bill = story.state.find_bill(bill_id)
    if billed and bill and bill.to_pay:
        order(story, command, bill_id, "due")
    if restarts:
        open_next(story, command, "change")


def difference(s: Subscription, at: datetime, new_price: Money, bill_id: str) -> Difference:
    """From `at` on a whole period costs `new_price`. What is more is charged on the bill."""
    more, less, repriced = NOTHING, list[e.Credited](), list[e.Repriced]()
    for charged in s.charged:
        if charged.ends_at <= at:
            continue
        from_ = max(at, charged.starts_at)
        target = _target(s, charged, from_, new_price)
        gap = minus(target, charged.share)
        if total(gap).minor > 0:
            more = plus(more, gap)
            bills = (
                (*charged.bills, e.Credited(bill_id=bill_id, share=gap))
                if bill_id
                else charged.bills
            )
            less += _taken_off(charged.bills, NOTHING)[1]
        else:
            bills, taken = _taken_off(charged.bills, minus(NOTHING, gap))
            less += taken
        repriced.append(
            e.Repriced(number=charged.number, at=from_, price=new_price, share=target, bills=bills)
        )
    return Difference(more, tuple(less), tuple(repriced))


def _target(s: Subscription, charged: Charged, at: datetime, new_price: Money) -> Share:
    changes = (*charged.changes, Change(at, new_price))
    owed = due(stretches(charged.period, changes, s.what.terms.proration_by))
    return share(owed, s.what.terms.tax_mode, charged.sold_on)


def _taken_off(
    bills: tuple[e.Credited, ...], off: Share
) -> tuple[tuple[e.Credited, ...], list[e.Credited]]:
    """The newest bills first. Every bill is named, so that each learns what it is for now."""
    left, kept, taken = off, list[e.Credited](), list[e.Credited]()
    for bill in reversed(bills):
        part = left if total(left) <= total(bill.share) else bill.share
        left = minus(left, part)
        kept.append(e.Credited(bill_id=bill.bill_id, share=minus(bill.share, part)))
        taken.append(e.Credited(bill_id=bill.bill_id, share=part))
    return tuple(reversed(kept)), taken


def drop_open(story: Story, now: datetime, why: str) -> None:
    for bill in story.state.open_bills:
        story.add(drop(bill, now, why))

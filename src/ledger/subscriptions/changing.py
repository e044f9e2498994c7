"""Another plan, price, quantity or coupon; by table of modes, and exact to the rupiah.

What a period costs is computed from all the prices that were in force in it; a change brings the
difference to what the period has been charged. A preview is this same code.
"""

from datetime import datetime
from typing import Final

from ledger.errors import Conflict, Rejected
from ledger.money import Money
from ledger.plans.terms import Proration
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.asking import can_be_asked, credit_for, due_soon, order
from ledger.subscriptions.difference import Difference, difference
from ledger.subscriptions.life import Status
from ledger.subscriptions.opening import bill_id_of, check_quantity, open_next, take_over
from ledger.subscriptions.policies import current
from ledger.subscriptions.pricing import counted
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import (
    NOTHING,
    Subscription,
    SubscriptionStateForbids,
    require,
)
from ledger.subscriptions.timers import waits_for_period


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


PRORATING: Final = ("prorate_now", "prorate_at_renewal")


def change(story: Story, command: c.ChangeSubscription) -> None:
    """A newer change takes the place of one that was scheduled."""
    s, now = story.state, command.now
    require(s, e.SubscriptionChanged)
    asked_at = command.quoted_at or now
    at = command.at or asked_at
    if at < asked_at:
        raise EffectiveDatePast()
    _check(s, command.sold, asked_at)
    mode = command.mode or command.sold.terms.proration
    if waits_for_period(s, command.sold, mode):
        at = _next_boundary(s, at, asked_at)
    if s.scheduled:
        story.add(e.ChangeWithdrawn(occurred_at=now, why="replaced"))
    if at > asked_at:
        _schedule(story, command, at, mode)
    else:
        carry_out(story, command, command.sold, mode, at, command.quote_id)


def _check(s: Subscription, sold: e.Sold, now: datetime) -> None:
    if sold.terms.price.currency != s.what.terms.price.currency:
        raise PlanCurrencyDiffers(currency=s.what.terms.price.currency)
    check_quantity(sold.quantity)
    current(sold.terms.dunning_policy)
    in_force = (s.what, s.sold_at(now))
    if s.scheduled is None and all(_same(sold, one) for one in in_force):
        raise NothingChanges()


def _same(one: e.Sold, other: e.Sold) -> bool:
    """But for how far a coupon is used up."""
    return (one.plan_id, one.terms, one.quantity, one.coupon) == (
        *(other.plan_id, other.terms, other.quantity, other.coupon),
    )


def _next_boundary(s: Subscription, at: datetime, now: datetime) -> datetime:
    """Where the first period begins, at `at` or later, that is not paid for. One that was issued ahead
    is billed anew.
    """
    free = s.free_from(now)
    if at <= free:
        return free
    period = s.schedule.period_at(at)
    return at if period.starts_at == at else period.ends_at


def _schedule(story: Story, command: c.ChangeSubscription, at: datetime, mode: Proration) -> None:
    """Raises TaxModeDiffers now, if it would then."""
    s = story.state
    within = _next_boundary(s, at, command.now) != at
    if mode in PRORATING and within and s.charged:
        _require_same_tax(s, command.sold)
    withdraw_ahead(story, command.now, at, "changed")
    story.add(e.ChangeScheduled(occurred_at=command.now, at=at, sold=command.sold, mode=mode))


def withdraw_ahead(story: Story, now: datetime, at: datetime, why: str) -> None:
    """A period that begins at `at` or later, and was billed ahead but not paid, is taken back."""
    newest = story.state.newest
    if newest is None or newest.starts_at < at or newest.starts_at <= now:
        return
    bill = story.state.find_bill(newest.bill_id)
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
    """As of `at`. Raises BillIsOpen, TaxModeDiffers, or SubscriptionStateForbids while the next period
    waits to be opened.
    """
    withdraw_ahead(story, command.now, at, "changed")
    s = story.state
    if s.status is Status.TRIALING and not s.charged:
        take_over(story, command.now, sold, at, mode)
        return
    if not any(charged.ends_at > at for charged in s.charged):
        raise SubscriptionStateForbids("The next period is just being opened; repeat the request.")
    if s.open_bills:
        raise BillIsOpen()
    if mode not in PRORATING:
        take_over(story, command.now, sold, at, mode)
        return
    _require_same_tax(s, sold)
    _prorate(story, command, sold, mode, at, quote_id)


def _require_same_tax(s: Subscription, sold: e.Sold) -> None:
    if any(charged.sold.terms.tax_mode != sold.terms.tax_mode for charged in s.charged):
        raise TaxModeDiffers()


def _billed(s: Subscription, found: Difference, mode: Proration) -> tuple[Money, bool]:
    """What of a bill for the change its own and earlier credit pays, and whether there is a bill: what
    is too little to be asked for comes on the next one.
    """
    costs = found.more.total
    given = sum((one.share.total for one in found.credited), s.credit)
    credit = credit_for(given, costs, s.paying)
    if mode == "prorate_at_renewal" or not costs or not can_be_asked(costs - credit, s.paying):
        return s.credit.zero(), False
    return credit, True


def _prorate(
    story: Story,
    command: c.Acting,
    sold: e.Sold,
    mode: Proration,
    at: datetime,
    quote_id: str,
) -> None:
    """With another interval, what was charged ends at `at`, and a new period begins there."""
    s, bill_id = story.state, bill_id_of(story.state)
    sold = counted(sold, s.what)
    restarts = sold.terms.interval != s.what.terms.interval
    until = None if restarts else sold
    found = difference(s, at, until, bill_id)
    credit, billed = _billed(s, found, mode)
    if not billed:
        found = difference(s, at, until)
    story.add(
        e.SubscriptionChanged(
            occurred_at=command.now,
            at=at,
            sold=sold,
            mode=mode,
            repriced=found.repriced,
            charge=found.more if billed else NOTHING,
            carried=found.carried if billed else found.carried + found.more,
            credited=found.credited,
            bill_id=bill_id if billed else "",
            credit=credit,
            due_at=due_soon(s, command.now) if billed else None,
            restarts=restarts,
            quote_id=quote_id,
        )
    )
    if billed and found.more.total > credit:
        order(story, command, bill_id, "due")
    if restarts:
        open_next(story, command, "change")

"""Beginning a subscription, and opening one period after the other; each brings its bill."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from ledger.errors import Rejected
from ledger.plans.terms import Proration
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.asking import credit_for, due_at, order
from ledger.subscriptions.life import Status
from ledger.subscriptions.periods import MONTHS, ZONES, Calendar, Period
from ledger.subscriptions.policies import current
from ledger.subscriptions.pricing import Price, counted, price, share
from ledger.subscriptions.proration import Change, due, stretches
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import (
    NOTHING,
    Subscription,
    SubscriptionStateForbids,
    require,
)


class AnchorDayInvalid(Rejected):
    code = "anchor_day_invalid"
    title = "A billing day is 1 to 31, for plans by month, quarter or year."


class QuantityInvalid(Rejected):
    code = "quantity_invalid"
    title = "A quantity is a whole number from 1 to 100,000."


def create(story: Story, command: c.CreateSubscription) -> None:
    require(story.state, e.SubscriptionCreated)
    terms = command.sold.terms
    current(terms.dunning_policy)
    check_quantity(command.sold.quantity)
    trial = timedelta(days=terms.trial_days)
    starts_at = command.now + trial
    calendar, first = _calendar(command, starts_at)
    story.add(
        e.SubscriptionCreated(
            occurred_at=command.now,
            subscription_id=command.subscription_id,
            customer_id=command.customer_id,
            sold=command.sold,
            paying=command.paying,
            calendar=calendar,
            first=first,
            starts_at=starts_at,
            trial_ends_at=starts_at if trial else None,
            metadata=command.metadata,
        )
    )
    if not trial:
        open_next(story, command, "first")


def check_quantity(quantity: int) -> None:
    """Raises QuantityInvalid."""
    if not 1 <= quantity <= 100_000:
        raise QuantityInvalid(quantity=quantity)


def _calendar(command: c.CreateSubscription, starts_at: datetime) -> tuple[Calendar, int]:
    """And the number of the period at its anchor, so that number 1 holds `starts_at`."""
    interval = command.sold.terms.interval
    if command.anchor_day is None:
        return Calendar(anchor=starts_at, interval=interval, zone=command.zone), 1
    if interval.unit not in MONTHS or not 1 <= command.anchor_day <= 31:
        raise AnchorDayInvalid(anchor_day=command.anchor_day, unit=interval.unit)
    local = starts_at.astimezone(ZONES[command.zone])
    anchor = _latest_with_day(local, command.anchor_day)
    calendar = Calendar(anchor=anchor, interval=interval, zone=command.zone)
    return calendar, 1 - calendar.period_at(starts_at).number


def _latest_with_day(local: datetime, day: int) -> datetime:
    """The same time of day, in the latest month so far that is long enough."""
    month = local.replace(day=1)
    while True:
        try:
            return month.replace(day=day)
        except ValueError:
            month = (month - timedelta(days=1)).replace(day=1)


def open_next(story: Story, command: c.Acting, reason: str) -> None:
    """What was scheduled for its beginning, or for before it, comes first."""
    scheduled = story.state.scheduled
    if scheduled and scheduled.at <= story.state.next_starts_at:
        at = story.state.next_starts_at
        take_over(story, command.now, scheduled.sold, at, scheduled.mode)
    s = story.state
    number = s.opened + 1
    period = Period(number, s.next_starts_at, s.period(number).ends_at)
    _open(story, command, reason, period, s.what, _cost(s, number, period.starts_at))


def take_over(story: Story, now: datetime, sold: e.Sold, at: datetime, mode: Proration) -> None:
    """Nothing that was charged is charged again."""
    what = story.state.what
    story.add(
        e.SubscriptionChanged(
            occurred_at=now,
            at=at,
            sold=counted(sold, what),
            mode=mode,
            repriced=(),
            charge=NOTHING,
            carried=NOTHING,
            credited=(),
            restarts=sold.terms.interval != what.terms.interval,
        )
    )


def _cost(s: Subscription, number: int, starts_at: datetime) -> Price:
    """A period that is entered late costs its part; the coupon takes off the same part."""
    whole, period = price(s.what), s.period(number)
    if period.starts_at >= starts_at:
        return whole
    by = s.what.terms.proration_by
    zero = Change(period.starts_at, whole.net.zero())
    full = due(stretches(period, (zero, Change(starts_at, whole.full)), by))
    net = due(stretches(period, (zero, Change(starts_at, whole.net)), by))
    return Price(full, full - net)


def _open(
    story: Story, command: c.Acting, reason: str, period: Period, sold: e.Sold, cost: Price
) -> None:
    s, now = story.state, command.now
    charged = share(cost.net, sold.terms.tax_mode, now)
    whole = charged + s.carried
    opened = e.PeriodOpened(
        occurred_at=now,
        number=period.number,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        bill_id=bill_id_of(s),
        reason=reason,  # type: ignore[arg-type]
        price=price(sold).net,
        discount=cost.discount,
        charged=charged,
        share=whole,
        carried=s.carried,
        credit=credit_for(s.credit, whole.total, s.paying),
        due_at=due_at(s, period.starts_at, now),
        sold=_one_bill_less(sold),
    )
    story.add(opened)
    if whole.total > opened.credit:
        order(story, command, opened.bill_id, "due" if period.starts_at <= now else "issued_ahead")


def bill_id_of(s: Subscription) -> str:
    """Of the bill that is made next."""
    return f"bill_{s.subscription_id.removeprefix('sub_')}_{s.bills + 1}"


def _one_bill_less(sold: e.Sold) -> e.Sold:
    if not sold.coupon_left or not price(sold).discount:
        return sold
    return replace(sold, coupon_left=sold.coupon_left - 1)


def renew(story: Story, command: c.Acting) -> None:
    """The next period. After a downtime only the newest ones by themselves."""
    s, now = story.state, command.now
    number, passed = s.opened + 1, 0
    while s.period(number + passed).ends_at <= now:
        passed += 1
    too_many = passed - current(s.what.terms.dunning_policy).missed_periods
    if too_many > 0:
        story.add(
            e.PeriodsMissed(
                occurred_at=now,
                first=number,
                periods=too_many,
                starts_at=s.next_starts_at,
                ends_at=s.period(number + too_many - 1).ends_at,
            )
        )
    open_next(story, command, "first" if s.opened == 0 else "renewal")


def bill_missed(story: Story, command: c.BillMissed) -> None:
    """As it was subscribed to then; a coupon only if there still is one."""
    s = story.state
    s.creation  # noqa: B018  raises on an empty stream
    if not s.missed or s.status is not Status.ACTIVE:
        raise SubscriptionStateForbids("No period was missed, or the subscription is not active.")
    oldest = s.missed[0]
    sold = replace(oldest.sold, coupon=s.what.coupon, coupon_left=s.what.coupon_left)
    period = Period(oldest.number, oldest.starts_at, oldest.ends_at)
    _open(story, command, "missed", period, sold, price(sold))

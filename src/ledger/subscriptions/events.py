"""Everything that can happen to a subscription, in the order of its life.

What it costs stands on its bills, what is paid on their payments; all three go into the log in one
append.
"""

from datetime import datetime
from typing import Literal

import msgspec

from ledger.bills.events import Reason, Trouble
from ledger.coupons.terms import CouponTerms
from ledger.events import DomainEvent
from ledger.money import Money
from ledger.plans.terms import PlanTerms, Proration
from ledger.share import Share
from ledger.subscriptions.periods import Calendar


class SubscriptionEvent(DomainEvent, kw_only=True):
    """`next_at`, on the last fact of a decision: when to look at the subscription again."""

    next_at: datetime | None = None


class Paying(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How bills are paid: pulled from a saved method of the customer, or pushed by the payer.

    `fallback` are methods of the catalogue to offer when a pull fails, best first.
    """

    method: str  # of the catalogue
    saved_method: str = ""
    fallback: tuple[str, ...] = ()

    @property
    def is_pulled(self) -> bool:
        return self.saved_method != ""


class Sold(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is subscribed to: a version of a plan, how many of it, less a coupon."""

    plan_id: str
    terms: PlanTerms
    quantity: int = 1
    coupon: CouponTerms | None = None
    coupon_left: int | None = None  # bills it is still good for; None: all


class SubscriptionCreated(SubscriptionEvent, topic="subscription.created.v1"):
    """Incomplete until its first bill is paid, or on trial until `trial_ends_at`.

    Its first period, number 1, begins at `starts_at`; period `first` begins at the anchor.
    """

    subscription_id: str
    customer_id: str
    sold: Sold
    paying: Paying
    calendar: Calendar
    first: int
    starts_at: datetime
    trial_ends_at: datetime | None = None
    metadata: dict[str, str] = {}


class PeriodOpened(SubscriptionEvent, topic="subscription.period_opened.v1"):
    """Nobody else can open this period. Its bill stands beside it in the same append.

    `number` goes on through pauses and new anchors; the first is 1.
    """

    number: int
    starts_at: datetime
    ends_at: datetime
    bill_id: str
    reason: Reason
    price: Money  # of the whole period, in the plan's pricing, coupon taken off
    discount: Money
    share: Share  # of the whole bill
    carried: Share  # a part of it: what changes of the period before had left to this bill
    credit: Money  # of the bill, from the subscription's credit
    due_at: datetime
    sold: Sold  # as billed; the coupon's count is what is left after it
    charged: Share  # for the period itself


class PeriodsMissed(SubscriptionEvent, topic="subscription.periods_missed.v1"):
    """Nobody ran while these passed, or an older bill was not paid; they are billed only when a
    person says so.
    """

    first: int
    periods: int
    starts_at: datetime
    ends_at: datetime


class CollectionOrdered(SubscriptionEvent, topic="subscription.collection_ordered.v1"):
    """A payment for a bill is asked for, as the first try or a later one of the policy."""

    bill_id: str
    payment_id: str
    method: str
    saved_method: str
    attempt: int  # of this bill, from 1
    why: Literal["due", "issued_ahead", "retry", "fallback", "method_changed", "instructions_over"]
    expires_at: datetime | None = None


class CollectionImpossible(SubscriptionEvent, topic="subscription.collection_impossible.v1"):
    """No payment could be asked for; the policy goes on as if it had failed."""

    bill_id: str
    attempt: int
    method: str
    saved_method: str
    code: str
    words: str


class Credited(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a change takes off a bill of the running period."""

    bill_id: str
    share: Share


class BillSettled(SubscriptionEvent, topic="subscription.bill_settled.v1"):
    """A bill is paid. `status` is what the subscription is from now on.

    `credited`: paid again, after a payment that did not last; what changes had taken off is again.
    """

    bill_id: str
    payment_id: str
    amount: Money
    status: Literal[
        "incomplete",
        "active",
        "past_due",
        "in_grace",
        "unpaid",
        "paused",
        "cancelling",
        "cancelled",
        "expired",
    ]
    recovered: bool = False  # it was overdue
    withdrawn: tuple[str, ...] = ()  # other payments that were under way for it
    credited: tuple[Credited, ...] = ()


class CollectionFailed(SubscriptionEvent, topic="subscription.collection_failed.v1"):
    bill_id: str
    payment_id: str
    code: str
    words: str
    trouble: Trouble


class DunningStarted(SubscriptionEvent, topic="subscription.dunning_started.v1"):
    """A bill is overdue: its policy's steps follow, counted from `overdue_since`."""

    bill_id: str
    policy: str
    policy_version: int
    overdue_since: datetime
    why: str
    status: Literal["in_grace", "past_due"]
    access: bool
    step_at: datetime | None  # of the first step


class DunningStepTaken(SubscriptionEvent, topic="subscription.dunning_step_taken.v1"):
    bill_id: str
    step: int
    action: Literal["retry", "remind", "fallback", "end_grace", "cancel", "pause", "mark_unpaid"]
    done: bool  # False: it was passed over
    why: str
    status: Literal["in_grace", "past_due", "cancelled", "paused", "unpaid"]
    access: bool
    step_at: datetime | None  # of the next one


class ReminderDue(SubscriptionEvent, topic="subscription.reminder_due.v1"):
    """Webhooks and mail tell the customer; without personal data here."""

    bill_id: str
    kind: Literal["before_due", "due", "overdue", "method_needed", "trial_ending"]


class CreditGiven(SubscriptionEvent, topic="subscription.credit_given.v1"):
    """Below zero: given credit is withdrawn; what was used of it is owed and comes on the next bill."""

    amount: Money
    why: Literal[
        "change", "cancellation", "paid_twice", "bill_void", "payment_undone", "bill_reopened"
    ]
    bill_id: str = ""


class RefundNoted(SubscriptionEvent, topic="subscription.refund_noted.v1"):
    """So much of what was paid for a bill went back to the payer, and cannot become credit; below zero,
    it came back.
    """

    bill_id: str
    share: Share


class BillUnsettled(SubscriptionEvent, topic="subscription.bill_unsettled.v1"):
    """A payment did not last; the bill is due again."""

    bill_id: str
    period: int
    payment_id: str
    to_pay: Money
    credit: Money = Money(0)  # that pays the rest of it
    credited: Share = Share(net=Money(0), tax=Money(0))  # by changes; given once it is paid again


class Repriced(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A period that was opened: what a whole one costs from `at` on, and what it is charged in all."""

    number: int
    at: datetime
    price: Money
    share: Share
    bills: tuple[Credited, ...]  # what of it each bill charges now


class SubscriptionChanged(SubscriptionEvent, topic="subscription.changed.v1"):
    """Another plan, version, quantity or coupon, from `at` on.

    `charge` is billed now on `bill_id`, `carried` comes on the next bill (below zero: less than was
    carried before), `credited` is taken off bills of periods that were opened and given as credit (a
    share of nothing: the bill is only for another product now). `restarts`: the interval changed, so
    that a new period begins then.
    """

    at: datetime
    sold: Sold
    mode: Proration
    repriced: tuple[Repriced, ...]
    charge: Share
    carried: Share
    credited: tuple[Credited, ...]
    bill_id: str = ""
    credit: Money = Money(0)  # of the new bill, from the subscription's credit
    due_at: datetime | None = None
    restarts: bool = False
    quote_id: str = ""


class ChangeScheduled(SubscriptionEvent, topic="subscription.change_scheduled.v1"):
    at: datetime
    sold: Sold
    mode: Proration


class ChangeWithdrawn(SubscriptionEvent, topic="subscription.change_withdrawn.v1"):
    why: str


class PayingChanged(SubscriptionEvent, topic="subscription.paying_changed.v1"):
    paying: Paying


class SubscriptionPaused(SubscriptionEvent, topic="subscription.paused.v1"):
    """Nothing is billed. Periods that are paid for run on; a new one begins when it is resumed."""

    reason: str
    resume_at: datetime | None = None


class SubscriptionResumed(SubscriptionEvent, topic="subscription.resumed.v1"):
    """With an `anchor`, what was paid for was over, and a period begins there."""

    why: str
    anchor: datetime | None = None


class CancellationScheduled(SubscriptionEvent, topic="subscription.cancellation_scheduled.v1"):
    at: datetime
    reason: str
    with_credit: bool


class CancellationWithdrawn(SubscriptionEvent, topic="subscription.cancellation_withdrawn.v1"):
    """It goes on as it was."""


class SubscriptionCancelled(SubscriptionEvent, topic="subscription.cancelled.v1"):
    """Every retry stops. `credited` is taken off bills of the running period and given as credit."""

    at: datetime
    reason: str
    by: Literal["request", "schedule", "policy", "incomplete"]
    credited: tuple[Credited, ...] = ()
    repriced: tuple[Repriced, ...] = ()
    carried: Share = Share(net=Money(0), tax=Money(0))  # below zero: no longer comes on a next bill


class SubscriptionExpired(SubscriptionEvent, topic="subscription.expired.v1"):
    """Its first bill was not paid in time."""


class SubscriptionReactivated(SubscriptionEvent, topic="subscription.reactivated.v1"):
    """From now on again, with a period that begins at `anchor`."""

    anchor: datetime
    sold: Sold
    paying: Paying


class PeriodWithdrawn(SubscriptionEvent, topic="subscription.period_withdrawn.v1"):
    """It was opened ahead and is not wanted as it was; its bill is void."""

    number: int
    bill_id: str
    payment_ids: tuple[str, ...]
    credit: Money  # that the bill had used
    carried: Share
    sold: Sold  # as before it was opened
    why: str


class BillDropped(SubscriptionEvent, topic="subscription.bill_dropped.v1"):
    """Nobody has to pay it any more; payments under way for it are withdrawn."""

    bill_id: str
    payment_ids: tuple[str, ...]
    credit: Money  # that the bill had used
    why: str

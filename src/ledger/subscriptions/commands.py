"""What can be asked of a subscription. Deciders are pure, so a command carries the time and the ids."""

from datetime import datetime

import msgspec

from ledger.bills.events import Trouble
from ledger.money import Money
from ledger.plans.terms import Proration
from ledger.share import Share
from ledger.subscriptions.events import Paying, Sold
from ledger.subscriptions.periods import Zone


class Command(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`facts`: how many had happened when it was made; it is refused once there are more."""

    now: datetime
    facts: int | None = None


class Refusal(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Why no payment can be asked for."""

    code: str
    words: str


class Acting(Command, frozen=True, kw_only=True):
    """What may ask for a payment: under this new id, unless it was `refused` just now."""

    payment_id: str = ""
    refused: Refusal | None = None


class CreateSubscription(Acting, frozen=True, kw_only=True):
    """`anchor_day` is the day of the month on which later periods begin; without it, today's."""

    subscription_id: str
    customer_id: str
    sold: Sold
    paying: Paying
    zone: Zone = "WIB"
    anchor_day: int | None = None
    metadata: dict[str, str] = {}


class Advance(Acting, frozen=True, kw_only=True):
    """Do the next thing that is due by now; no fact when nothing is."""


class ChangeSubscription(Acting, frozen=True, kw_only=True):
    """`at` None is now. With `quoted_at` the change that was previewed is made: as of that moment."""

    sold: Sold
    mode: Proration | None = None  # None: as the plan says
    at: datetime | None = None
    quoted_at: datetime | None = None
    quote_id: str = ""


class WithdrawChange(Command, frozen=True, kw_only=True):
    why: str


class ChangePaying(Acting, frozen=True, kw_only=True):
    """A bill that is overdue, or the first one, is tried at once by the new method; one that was
    issued ahead is pulled when it is due.
    """

    paying: Paying


class PauseSubscription(Command, frozen=True, kw_only=True):
    reason: str
    resume_at: datetime | None = None


class ResumeSubscription(Acting, frozen=True, kw_only=True):
    pass


class CancelSubscription(Command, frozen=True, kw_only=True):
    """`at` None is the end of what is paid for; the past is refused, `now` is at once. One that is not
    running, or has an overdue bill, ends at once.
    """

    at: datetime | None
    reason: str
    with_credit: bool = False


class ReactivateSubscription(Acting, frozen=True, kw_only=True):
    """One that is to be cancelled goes on; one that has ended begins anew."""

    paying: Paying | None = None


class BillMissed(Acting, frozen=True, kw_only=True):
    """A person bills the oldest period that was missed."""


class RecordBillPaid(Command, frozen=True, kw_only=True):
    bill_id: str
    payment_id: str
    amount: Money


class RecordBillNotPaid(Command, frozen=True, kw_only=True):
    bill_id: str
    payment_id: str
    code: str
    words: str
    trouble: Trouble


class RecordBillReopened(Command, frozen=True, kw_only=True):
    """`credited` is what changes had given the customer for it, which is withdrawn until it is paid
    again; `credit` pays the rest of it, as before.
    """

    bill_id: str
    period: int
    payment_id: str
    to_pay: Money
    credited: Money
    credited_share: Share = Share(net=Money(0), tax=Money(0))  # the same, as revenue and tax
    credit: Money = Money(0)


class RecordCredit(Command, frozen=True, kw_only=True):
    """Given by a bill, or withdrawn when below zero."""

    bill_id: str
    amount: Money


class RecordRefund(Command, frozen=True, kw_only=True):
    """Of what was paid for a bill; below zero when a refund did not last."""

    bill_id: str
    share: Share


SubscriptionCommand = (
    CreateSubscription
    | Advance
    | ChangeSubscription
    | WithdrawChange
    | ChangePaying
    | PauseSubscription
    | ResumeSubscription
    | CancelSubscription
    | ReactivateSubscription
    | BillMissed
    | RecordBillPaid
    | RecordBillNotPaid
    | RecordBillReopened
    | RecordCredit
    | RecordRefund
)

"""What follows from getting a bill's money, or not."""

from collections.abc import Sequence

from ledger.events import DomainEvent
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.dunning import start_dunning
from ledger.subscriptions.life import ENDED, OVERDUE, Status
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import OpenBill, Subscription

S = Status


def record_paid(subscription: Subscription, command: c.RecordBillPaid) -> Sequence[DomainEvent]:
    """A bill that was dropped is not open: its money is credit, which the bill says."""
    bill = subscription.find_bill(command.bill_id)
    if bill is None:
        return []
    others = tuple(one for one in bill.live if one != command.payment_id)
    status = _settled_status(subscription, bill)
    return [
        e.BillSettled(
            occurred_at=command.now,
            bill_id=bill.bill_id,
            payment_id=command.payment_id,
            amount=command.amount,
            status=status.value,  # type: ignore[arg-type]
            recovered=subscription.status in (*OVERDUE, S.UNPAID) and status is S.ACTIVE,
            withdrawn=others,
        )
    ]


def _settled_status(s: Subscription, bill: OpenBill) -> Status:
    dunned = s.dunning is not None and s.dunning.bill_id != bill.bill_id
    if s.status in (S.PAUSED, *ENDED) or (s.status in OVERDUE and dunned):
        return s.status
    if s.status is S.UNPAID and any(b.written_off for b in s.open_bills if b is not bill):
        return s.status
    return S.CANCELLING if s.cancel else S.ACTIVE


def record_not_paid(
    subscription: Subscription, command: c.RecordBillNotPaid
) -> Sequence[DomainEvent]:
    bill = subscription.find_bill(command.bill_id)
    if bill is None or command.payment_id not in bill.live:
        return []
    story = Story(subscription)
    story.add(
        e.CollectionFailed(
            occurred_at=command.now,
            bill_id=bill.bill_id,
            payment_id=command.payment_id,
            code=command.code,
            words=command.words,
            trouble=command.trouble,
        )
    )
    start_dunning(story, command.now, command.code)
    return story.facts


def record_reopened(
    subscription: Subscription, command: c.RecordBillReopened
) -> Sequence[DomainEvent]:
    """What it had paid for is owed again."""
    if subscription.find_bill(command.bill_id):
        return []
    story = Story(subscription)
    if command.credited:
        story.add(
            e.CreditGiven(
                occurred_at=command.now,
                amount=-command.credited,
                why="bill_reopened",
                bill_id=command.bill_id,
            )
        )
    story.add(
        e.BillUnsettled(
            occurred_at=command.now,
            bill_id=command.bill_id,
            period=command.period,
            payment_id=command.payment_id,
            to_pay=command.to_pay,
        )
    )
    start_dunning(story, command.now, "payment_undone")
    return story.facts


def record_credit(subscription: Subscription, command: c.RecordCredit) -> Sequence[DomainEvent]:
    if not command.amount:
        return []
    return [
        e.CreditGiven(
            occurred_at=command.now,
            amount=command.amount,
            why="paid_twice" if command.amount.minor > 0 else "payment_undone",
            bill_id=command.bill_id,
        )
    ]

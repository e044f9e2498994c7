"""What follows from getting a bill's money, or not."""

from ledger.money import Money
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.dunning import start_dunning
from ledger.subscriptions.life import ENDED, RUNNING, Status
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import OpenBill, Subscription

S = Status
Recording = c.RecordBillPaid | c.RecordBillReopened | c.RecordCredit


def record_paid(story: Story, command: c.RecordBillPaid) -> None:
    """A bill that was dropped is not open: its money is credit, which the bill says."""
    s = story.state
    bill = s.find_bill(command.bill_id)
    if bill is None:
        return
    status, again = _settled_status(s, bill), bill.credited.total
    story.add(
        e.BillSettled(
            occurred_at=command.now,
            bill_id=bill.bill_id,
            payment_id=command.payment_id,
            amount=command.amount,
            status=status.value,  # type: ignore[arg-type]
            recovered=s.status not in (S.INCOMPLETE, *RUNNING) and status in RUNNING,
            withdrawn=tuple(one for one in bill.live if one != command.payment_id),
            credited=(e.Credited(bill_id=bill.bill_id, share=bill.credited),) if again else (),
        )
    )
    if again:
        story.add(_credit(command, again, "change"))


def _settled_status(s: Subscription, bill: OpenBill) -> Status:
    """It runs again, unless something else stands in the way."""
    others = [one for one in s.open_bills if one is not bill]
    given_up = any(one.written_off for one in others)
    stays = {
        S.INCOMPLETE: any(one.period == s.opened for one in others),
        S.IN_GRACE: s.dunning is not None and s.dunning.bill_id != bill.bill_id,
        S.PAST_DUE: s.dunning is not None and s.dunning.bill_id != bill.bill_id,
        S.UNPAID: given_up,
        S.PAUSED: given_up or not bill.written_off,  # a policy paused it, or a person
        **dict.fromkeys(ENDED, True),
    }
    if stays.get(s.status, False):
        return s.status
    return S.CANCELLING if s.cancel else S.ACTIVE


def record_not_paid(story: Story, command: c.RecordBillNotPaid) -> None:
    bill = story.state.find_bill(command.bill_id)
    if bill is None or command.payment_id not in bill.live:
        return
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


def record_reopened(story: Story, command: c.RecordBillReopened) -> None:
    """What it had paid for is owed again."""
    if story.state.find_bill(command.bill_id):
        return
    if command.credited:
        story.add(_credit(command, -command.credited, "bill_reopened"))
    story.add(
        e.BillUnsettled(
            occurred_at=command.now,
            bill_id=command.bill_id,
            period=command.period,
            payment_id=command.payment_id,
            to_pay=command.to_pay,
            credit=command.credit,
            credited=command.credited_share,
        )
    )
    start_dunning(story, command.now, "payment_undone")


def record_credit(story: Story, command: c.RecordCredit) -> None:
    if command.amount:
        why = "paid_twice" if command.amount.minor > 0 else "payment_undone"
        story.add(_credit(command, command.amount, why))


def record_refund(story: Story, command: c.RecordRefund) -> None:
    if command.share.total:
        noted = e.RefundNoted(occurred_at=command.now, bill_id=command.bill_id, share=command.share)
        story.add(noted)


def _credit(command: Recording, amount: Money, why: str) -> e.CreditGiven:
    return e.CreditGiven(
        occurred_at=command.now,
        amount=amount,
        why=why,  # type: ignore[arg-type]
        bill_id=command.bill_id,
    )

"""Opening a bill, asking for its money, and taking it; or giving it up.

What records a payment is never refused; what changes nothing brings no fact.
"""

from collections.abc import Sequence

from ledger.bills import commands as c
from ledger.bills import events as e
from ledger.bills.bill import Bill, BillInconsistent, may, require
from ledger.bills.earning import timed
from ledger.bills.folding import evolve
from ledger.bills.life import CAPTURED, CollectionStatus
from ledger.events import DomainEvent
from ledger.share import Share

Facts = Sequence[DomainEvent]


def open_bill(bill: Bill, command: c.OpenBill) -> Facts:
    """Once. Raises BillInconsistent: another bill stands there, or the credit is more than it costs."""
    opened = command.opened
    if bill.opened is not None:
        if bill.opened.bill_id != opened.bill_id:
            raise BillInconsistent(f"Bill {bill.opened.bill_id} stands where another was opened.")
        return []
    begun = evolve(bill, opened)
    if begun.to_pay.minor < 0:
        raise BillInconsistent("More credit is used than the bill costs.")
    if begun.to_pay:
        return [opened]
    nothing = Share(net=begun.to_pay, tax=begun.to_pay)
    return [opened, _paid(begun, command, "", nothing)]


def begin_collection(bill: Bill, command: c.BeginCollection) -> Facts:
    if bill.find_collection(command.payment_id):
        return []
    require(bill, e.BillCollectionBegun)
    return [
        e.BillCollectionBegun(
            occurred_at=command.now,
            payment_id=command.payment_id,
            amount=bill.to_pay,
            share=bill.payment_share,
            method=command.method,
            saved_method=command.saved_method,
            expires_at=command.expires_at,
        )
    ]


def record_paid(bill: Bill, command: c.RecordPaid) -> Facts:
    """By a payment that it asked for and that is enough; the money of any other is credit."""
    asked = bill.find_collection(command.payment_id)
    if bill.opened is None or (asked and asked.status in CAPTURED):
        return []
    if asked and may(bill, e.BillPaid) and command.share.total >= bill.to_pay:
        return [_paid(bill, command, command.payment_id, command.share)]
    return [
        e.BillPaidTwice(
            occurred_at=command.now,
            payment_id=command.payment_id,
            amount=command.share.total,
            share=command.share,
            product=bill.opened.product,
        )
    ]


def _paid(bill: Bill, command: c.Command, payment_id: str, share: Share) -> e.BillPaid:
    paid = e.BillPaid(
        occurred_at=command.now,
        payment_id=payment_id,
        amount=share.total,
        share=share,
        credit=bill.terms.credit,
        credit_share=bill.credit_share,
        product=bill.terms.product,
        recognise_at=None,
    )
    return timed(bill, paid, command.now)


def record_not_paid(bill: Bill, command: c.RecordNotPaid) -> Facts:
    asked = bill.find_collection(command.payment_id)
    if asked is None or asked.status is not CollectionStatus.BEGUN:
        return []
    return [
        e.BillCollectionFailed(
            occurred_at=command.now,
            payment_id=command.payment_id,
            code=command.code,
            words=command.words,
            trouble=command.trouble,
        )
    ]


def void_bill(bill: Bill, command: c.VoidBill) -> Facts:
    """No fact when it was paid or void already: who was faster has won."""
    credit = bill.terms.credit
    if not may(bill, e.BillVoided):
        return []
    return [e.BillVoided(occurred_at=command.now, reason=command.reason, credit=credit)]


def write_off_bill(bill: Bill, command: c.WriteOffBill) -> Facts:
    bill.terms  # noqa: B018  raises on an empty stream
    if not may(bill, e.BillWrittenOff):
        return []
    return [e.BillWrittenOff(occurred_at=command.now, reason=command.reason)]

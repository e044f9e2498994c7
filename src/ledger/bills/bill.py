"""A bill: its state, and what may happen next.

How facts move it is in folding.py, the table of its life in life.py.
"""

from datetime import datetime

import msgspec

from ledger.bills import events as e
from ledger.bills.life import NEXT, CollectionStatus, Status
from ledger.errors import Conflict, LedgerError, NotFound
from ledger.events import DomainEvent
from ledger.money import Money, half_up
from ledger.share import Share


class BillNotFound(NotFound):
    code = "bill_not_found"
    title = "There is no bill under this id."


class BillStateForbids(Conflict):
    code = "bill_state_forbids"
    title = "The bill is in a state in which this is not possible."


class BillInconsistent(LedgerError):
    """Never the caller's fault: whoever opened it got ids or amounts wrong."""

    code = "bill_inconsistent"
    title = "A bill was to be opened with an id or amounts that do not fit."


class Collection(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A payment for the bill, asked for by it or not."""

    payment_id: str
    amount: Money
    share: Share
    status: CollectionStatus = CollectionStatus.BEGUN
    method: str = ""
    saved_method: str = ""
    expires_at: datetime | None = None
    failure: str = ""
    failure_words: str = ""
    trouble: e.Trouble | None = None


class Schedule(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`net` revenue of a product, earned evenly by days; of one that was closed, what it had earned."""

    product: str
    net: Money
    starts_at: datetime
    ends_at: datetime
    earned: Money

    @property
    def unearned(self) -> Money:
        return self.net - self.earned


class Refund(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Of the paying payment, or of one whose money was credit: then `withdrawn` is set."""

    refund_id: str
    asked: e.BillRefundAsked | None = None
    refunded: e.BillRefunded | None = None
    withdrawn: e.BillCreditWithdrawn | None = None
    failed: bool = False
    gone: bool = False  # the payment that it is of did not last

    @property
    def is_over(self) -> bool:
        """The gateway has said what became of it."""
        return self.failed or self.refunded is not None or self.withdrawn is not None

    @property
    def counts(self) -> Share | None:
        """What it takes of what paid the bill, from when it is asked for until it has failed."""
        if self.failed or self.gone:
            return None
        if self.asked:
            return self.asked.share
        was = self.refunded
        return Share(net=was.net, tax=was.amount - was.net) if was else None


class Bill(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    status: Status = Status.NEW
    opened: e.BillOpened | None = None
    collections: tuple[Collection, ...] = ()
    paid: e.BillPaid | None = None
    product: str = ""  # in force
    schedules: tuple[Schedule, ...] = ()
    earned_through: datetime | None = None
    recognise_at: datetime | None = None
    credited: Share | None = None  # by changes, of what its payment and credit had paid
    refunds: tuple[Refund, ...] = ()
    disputed: bool = False
    updated_at: datetime | None = None

    @property
    def terms(self) -> e.BillOpened:
        """What was billed; raises BillNotFound on an empty stream."""
        if self.opened is None:
            raise BillNotFound()
        return self.opened

    @property
    def to_pay(self) -> Money:
        return self.terms.share.total - self.terms.credit

    @property
    def credit_share(self) -> Share:
        """What of the bill's net and tax its credit pays; below zero for what is owed from before."""
        whole, credit = self.terms.share, self.terms.credit
        total = whole.total.minor
        minor = half_up(whole.tax.minor * credit.minor, total) if total else 0
        tax = Money(minor, credit.currency)
        return Share(net=credit - tax, tax=tax)

    @property
    def payment_share(self) -> Share:
        """What of them is left for a payment."""
        return self.terms.share - self.credit_share

    @property
    def running(self) -> Schedule | None:
        """Of which something is left to earn."""
        last = self.schedules[-1] if self.schedules else None
        return last if last and last.unearned else None

    @property
    def unearned(self) -> Money:
        return self.running.unearned if self.running else self.to_pay.zero()

    def find_collection(self, payment_id: str) -> Collection | None:
        return next((one for one in self.collections if one.payment_id == payment_id), None)

    def find_refund(self, refund_id: str) -> Refund | None:
        return next((one for one in self.refunds if one.refund_id == refund_id), None)


def may(bill: Bill, event: type[DomainEvent]) -> bool:
    return (bill.status, event) in NEXT


def require(bill: Bill, event: type[DomainEvent]) -> None:
    """Raises BillNotFound on an empty stream, or BillStateForbids without such a row."""
    bill.terms  # noqa: B018  raises on an empty stream
    if not may(bill, event):
        raise BillStateForbids(
            f"This is not possible while the bill is {bill.status.value}.",
            bill_status=bill.status.value,
        )

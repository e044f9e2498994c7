"""The whole life of a bill, as a table.

Deciders read the left two columns (`may`), `evolve` the right one.
"""

from enum import StrEnum
from typing import Final

from ledger.bills import events as e
from ledger.events import DomainEvent


class Status(StrEnum):
    NEW = "new"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    WRITTEN_OFF = "written_off"


S = Status

OWED: Final = (S.OPEN, S.WRITTEN_OFF)  # a payment that comes pays it
BEGUN: Final = tuple(s for s in S if s is not S.NEW)

# from            event                     to (None: stays)
TRANSITIONS: Final[tuple[tuple[tuple[Status, ...], type[DomainEvent], Status | None], ...]] = (
    ((S.NEW,),    e.BillOpened,             S.OPEN),
    (OWED,        e.BillCollectionBegun,    None),
    (BEGUN,       e.BillCollectionFailed,   None),
    (OWED,        e.BillPaid,               S.PAID),
    (BEGUN,       e.BillPaidTwice,          None),
    (BEGUN,       e.BillCreditWithdrawn,    None),
    ((S.PAID,),   e.RevenueRecognised,      None),
    ((S.PAID,),   e.BillChanged,            None),
    ((S.PAID,),   e.BillRefundAsked,        None),
    (BEGUN,       e.BillRefundDropped,      None),
    ((S.PAID,),   e.BillRefunded,           None),
    (BEGUN,       e.BillRefundFailed,       None),  # the payment may have been undone since
    ((S.PAID,),   e.BillDisputed,           None),
    ((S.PAID,),   e.BillReopened,           S.OPEN),
    (OWED,        e.BillVoided,             S.VOID),
    ((S.OPEN,),   e.BillWrittenOff,         S.WRITTEN_OFF),
)  # fmt: skip

NEXT: Final = {
    (status, event): to or status for sources, event, to in TRANSITIONS for status in sources
}


class CollectionStatus(StrEnum):
    BEGUN = "begun"
    FAILED = "failed"
    PAID = "paid"
    CREDITED = "credited"  # its money is the customer's credit
    UNDONE = "undone"


# A payment is captured once in its life.
CAPTURED: Final = frozenset(
    {CollectionStatus.PAID, CollectionStatus.CREDITED, CollectionStatus.UNDONE}
)

"""What can be asked of a bill. Those that record what happened elsewhere are never refused."""

from datetime import datetime
from typing import Literal

import msgspec

from ledger.bills.events import BillOpened, Trouble
from ledger.money import Money
from ledger.share import Share


class Command(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime


class OpenBill(Command, frozen=True, kw_only=True):
    """Paid at once when there is nothing to pay. `opened.occurred_at` is `now`."""

    opened: BillOpened


class BeginCollection(Command, frozen=True, kw_only=True):
    payment_id: str
    method: str
    saved_method: str = ""
    expires_at: datetime | None = None


class RecordPaid(Command, frozen=True, kw_only=True):
    """A payment for this bill was captured, with this split into revenue and tax."""

    payment_id: str
    amount: Money
    share: Share


class RecordNotPaid(Command, frozen=True, kw_only=True):
    payment_id: str
    code: str
    words: str
    trouble: Trouble


class RecordUndone(Command, frozen=True, kw_only=True):
    """A captured payment did not last; its entries were taken back."""

    payment_id: str
    amount: Money
    share: Share
    why: Literal["cancelled", "reversed"]


class AskRefund(Command, frozen=True, kw_only=True):
    """Whether so much of a payment may go back; the payment asks before it is sent."""

    payment_id: str
    refund_id: str
    amount: Money


class RecordRefunded(Command, frozen=True, kw_only=True):
    payment_id: str
    refund_id: str
    amount: Money
    net: Money


class RecordRefundFailed(Command, frozen=True, kw_only=True):
    refund_id: str


class RecordDisputed(Command, frozen=True, kw_only=True):
    payment_id: str
    amount: Money


class Recognise(Command, frozen=True, kw_only=True):
    """Revenue earned by `now`."""


class ChangeBill(Command, frozen=True, kw_only=True):
    """From `at` on it is for another product, or for less: `credited` of it goes to the customer."""

    at: datetime
    credited: Share
    product: str


class VoidBill(Command, frozen=True, kw_only=True):
    reason: str


class WriteOffBill(Command, frozen=True, kw_only=True):
    reason: str


BillCommand = (
    OpenBill
    | BeginCollection
    | RecordPaid
    | RecordNotPaid
    | RecordUndone
    | AskRefund
    | RecordRefunded
    | RecordRefundFailed
    | RecordDisputed
    | Recognise
    | ChangeBill
    | VoidBill
    | WriteOffBill
)

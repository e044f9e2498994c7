"""What the gateway model holds, and the ways in which a call of it can end."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from ledger.money import Money
from ledger.payments.methods import METHODS, Method
from ledger.providers.port import (
    DUPLICATE,
    NEVER_SEEN,
    ChargeOrder,
    ChargeStatus,
    DidNot,
    ObservedRefund,
    Unknown,
)

S = ChargeStatus
LIVE: Final = frozenset({S.PENDING, S.CHALLENGED, S.AUTHORISED, S.CAPTURED, S.SETTLED})

CALL_SECONDS: Final = 10.0  # as the adapter's deadline
KEY_LASTS: Final = timedelta(minutes=5)  # midtrans.md 1.4
LATE_BY: Final = timedelta(seconds=100)  # with all else before it, less than T_late
SHOWN_AFTER: Final = timedelta(seconds=100)  # until then an order may be there and not be shown
HOLD_LASTS: Final = timedelta(hours=3)  # of seven days, to be at rest sooner
PAGE_METHOD: Final = METHODS["gopay"]  # what payers pick on the hosted page


class Fault(StrEnum):
    NOT_SENT = "refused before a byte had left"
    BUSY = "refused for now"
    REFUSED = "refused for good"
    SILENT = "nothing arrived, and no answer came"
    LATE = "it arrived, long after we had stopped waiting"
    ANSWER_LOST = "done, and the answer was lost"
    DENIED = "the bank says no"
    CHALLENGED = "fraud screening wants a person"
    NOT_SHOWN = "it is there, and is not shown yet"
    LISTED_THEN_DENIED = "listed while the bank was asked, which then said no"


_ANYWHERE: Final = (Fault.NOT_SENT, Fault.BUSY, Fault.SILENT, Fault.LATE, Fault.ANSWER_LOST)
FAULTS: Final = (
    *(("charge", f) for f in (*_ANYWHERE, Fault.REFUSED, Fault.DENIED, Fault.CHALLENGED)),
    *(("inquiry", f) for f in (Fault.SILENT, Fault.NOT_SENT, Fault.BUSY, Fault.NOT_SHOWN)),
    *(("capture", f) for f in (*_ANYWHERE, Fault.DENIED)),
    *(("cancel", f) for f in _ANYWHERE),
    *(("refund", f) for f in (*_ANYWHERE, Fault.DENIED, Fault.LISTED_THEN_DENIED)),
)
REFUSALS: Final = {
    Fault.NOT_SENT: DidNot(code="not_sent", words="no connection", retryable=True),
    Fault.BUSY: DidNot(code="rate_limited", words="slow down", retryable=True),
    Fault.REFUSED: DidNot(code="request_invalid", words="no"),
}
TIMEOUT: Final = Unknown(cause="timeout")
NOWHERE: Final = DidNot(code=NEVER_SEEN, words="Transaction doesn't exist.")
KNOWN: Final = DidNot(code=DUPLICATE, words="The order id is taken.")
NOT_ALLOWED: Final = DidNot(code="status_change_refused", words="not in this state")


@dataclass(eq=False)
class Transaction:
    transaction_id: str
    order_id: str
    method: Method
    amount: Money
    status: ChargeStatus
    began: datetime
    expires_at: datetime
    capture_later: bool = False
    refunds: dict[str, ObservedRefund] = field(default_factory=dict)
    chargeback: Money | None = None
    was_cancelled_pending: bool = False
    late: bool = False  # paid when it was over
    changed: datetime | None = None

    @property
    def frees_its_order_id(self) -> bool:
        return self.status is S.EXPIRED or self.was_cancelled_pending

    @property
    def refunded(self) -> int:
        return sum(refund.amount.minor for refund in self.refunds.values())


@dataclass(eq=False)
class Page:
    order: ChargeOrder
    token: str
    expires_at: datetime
    open: bool = True


class Posted(NamedTuple):
    """A notice; only its order id may be believed."""

    digest: str
    order_id: str
    transaction_id: str
    status: ChargeStatus

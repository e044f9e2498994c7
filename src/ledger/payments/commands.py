"""What can be asked of a payment. Deciders are pure, so a command carries the time, chance and
look-ups it needs.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from ledger.money import Money
from ledger.payments.events import Fee, PaymentRequested, Sale
from ledger.providers.port import Outcome

Health = Mapping[str, Literal["ok", "degraded"]]


class Command(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime


class RequestPayment(Command, frozen=True, kw_only=True):
    """`request.occurred_at` is `now`; the method is chosen by routing. With `sent_by`, the first attempt
    is dispatched in the same append, and who wins it sends.
    """

    request: PaymentRequested
    country: str
    health: Health
    sent_by: str = ""


class ImportPayment(Command, frozen=True, kw_only=True):
    """A payment that another system took. Without `fee` the catalogue's is taken."""

    payment_id: str
    reference: str
    amount: Money
    method: str
    settled_at: datetime
    sale: Sale
    taxed: bool = True
    fee: Fee | None = None
    order_id: str = ""
    transaction_id: str = ""
    subscription_id: str = ""
    customer_id: str = ""
    metadata: dict[str, str] = {}


class DispatchCharge(Command, frozen=True, kw_only=True):
    """`lost_after_seconds` is given when the gateway said just now that it never saw this order id."""

    attempt: int
    sent_by: str
    lost_after_seconds: float | None = None


class RecordCharge(Command, frozen=True, kw_only=True):
    """What became of a charge that was sent. `retry_after_seconds` is drawn by the caller (full
    jitter).

    `sending` says which sending this answers, 0 the latest: what is proved of one says nothing of a
    later one.
    """

    attempt: int
    outcome: Outcome
    retry_after_seconds: float
    health: Health
    sending: int = 0


class RecordInquiry(Command, frozen=True, kw_only=True):
    """What the gateway says now about an attempt, live or over. `available` is our balance there.
    `asked_at` is when it was asked; without it, just now.

    `lease_seconds`: a sender that has recorded nothing for so long is gone. `lost_after_seconds`:
    what the gateway has not seen for so long after we sent it will not arrive any more.
    """

    attempt: int
    lease_seconds: float
    outcome: Outcome
    health: Health
    available: Money
    lost_after_seconds: float = 120.0  # reliability.md 4.2, T_late
    asked_at: datetime | None = None


class RequestCapture(Command, frozen=True, kw_only=True):
    amount: Money | None


class RecordCapture(Command, frozen=True, kw_only=True):
    outcome: Outcome


class RequestCancel(Command, frozen=True, kw_only=True):
    reason: str


class WithdrawPayment(Command, frozen=True, kw_only=True):
    """Cancel it if that is still possible; nobody waits for an answer."""

    reason: str


class RecordCancel(Command, frozen=True, kw_only=True):
    outcome: Outcome


class RequestRefund(Command, frozen=True, kw_only=True):
    """`amount` None asks for all that is left."""

    refund_id: str
    amount: Money | None
    reason: str


class DispatchRefund(Command, frozen=True, kw_only=True):
    refund_id: str
    sent_by: str
    lost_after_seconds: float | None = None


class RecordRefund(Command, frozen=True, kw_only=True):
    """`sending` as in RecordCharge."""

    refund_id: str
    outcome: Outcome
    retry_after_seconds: float
    available: Money
    sending: int = 0


class DecideReview(Command, frozen=True, kw_only=True):
    """A person's answer to an open question; what is empty of rule and subject leaves no choice.

    `outcome` is what the gateway holds just now, for decisions that need it.
    """

    rule: str
    decision: str
    by: str
    reason: str
    subject: str = ""
    outcome: Outcome | None = None


PaymentCommand = (
    RequestPayment
    | ImportPayment
    | DispatchCharge
    | RecordCharge
    | RecordInquiry
    | RequestCapture
    | RecordCapture
    | RequestCancel
    | WithdrawPayment
    | RecordCancel
    | RequestRefund
    | DispatchRefund
    | RecordRefund
    | DecideReview
)

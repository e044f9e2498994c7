"""A transaction and the states it can pass through."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

Fields = dict[str, Any]


class Status(StrEnum):
    PENDING = "pending"
    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    SETTLEMENT = "settlement"
    DENY = "deny"
    CANCEL = "cancel"
    EXPIRE = "expire"
    FAILURE = "failure"
    PARTIAL_REFUND = "partial_refund"
    REFUND = "refund"
    PARTIAL_CHARGEBACK = "partial_chargeback"
    CHARGEBACK = "chargeback"


S = Status


class State(NamedTuple):
    notice_code: str
    inquiry_code: str
    leads_to: tuple[Status, ...]


# midtrans.md 10.4 (notice code), 6 (inquiry code), 11.1 (next states). `capture -> capture` is the
# approval of a challenged card; `expire -> settlement` is money that arrives late (11.4).
STATES: Final = {
    S.PENDING: State(
        "201",
        "201",
        (S.SETTLEMENT, S.CAPTURE, S.AUTHORIZE, S.DENY, S.CANCEL, S.EXPIRE, S.FAILURE),
    ),
    S.AUTHORIZE: State("200", "200", (S.CAPTURE, S.CANCEL, S.DENY, S.EXPIRE)),
    S.CAPTURE: State("200", "200", (S.CAPTURE, S.SETTLEMENT, S.CANCEL, S.DENY)),
    S.SETTLEMENT: State(
        "200", "200", (S.REFUND, S.PARTIAL_REFUND, S.CHARGEBACK, S.PARTIAL_CHARGEBACK, S.DENY)
    ),
    S.PARTIAL_REFUND: State("200", "200", (S.PARTIAL_REFUND, S.REFUND)),
    S.REFUND: State("200", "200", ()),
    S.PARTIAL_CHARGEBACK: State("200", "200", (S.CHARGEBACK,)),
    S.CHARGEBACK: State("200", "200", ()),
    S.DENY: State("202", "202", ()),
    S.FAILURE: State("202", "202", ()),
    S.CANCEL: State("202", "200", ()),
    S.EXPIRE: State("202", "407", (S.SETTLEMENT,)),
}


class NotPossible(Exception):
    """What was asked of a customer, a bank or the clock cannot happen in this state."""


@dataclass(slots=True, kw_only=True)
class Refund:
    serial: int
    uuid: str
    key: str
    amount: int
    reason: str
    method: str  # online (direct) or offline
    created_at: datetime
    bank_confirmed_at: datetime | None = None
    bank_denied_at: datetime | None = None
    request: int | None = None  # serial of the request that asked for it

    @property
    def status(self) -> str:
        if self.bank_denied_at:
            return "denied"
        return "confirmed" if self.bank_confirmed_at else "accepted"

    @property
    def changed_at(self) -> datetime:
        return self.bank_denied_at or self.bank_confirmed_at or self.created_at


@dataclass(slots=True, kw_only=True)
class Transaction:
    transaction_id: str
    order_id: str
    method_name: str
    payment_type: str  # may change when a wallet's QR code is paid through QRIS
    gross_amount: int
    created_at: datetime
    expires_at: datetime
    notify_urls: tuple[str, ...]
    fraud_status: str | None = "accept"
    status: Status = Status.PENDING
    detail: Fields = field(default_factory=dict)  # the method's own fields, shown everywhere
    once: Fields = field(default_factory=dict)  # shown by the charge only: actions, redirect_url
    echoes: Fields = field(default_factory=dict)  # custom fields and metadata
    options: Fields = field(default_factory=dict)  # the method's object in the request
    history: list[tuple[datetime, Status]] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    settled_at: datetime | None = None
    card_number: str = ""
    denial: str = ""  # why a card was refused, in words
    authorized_amount: int | None = None
    chargeback_amount: int = 0
    idempotency_key: str | None = None
    charge_requests: int = 1
    request: int | None = None  # serial of the request that made it; None for a customer's choice
    changed_at_request: int = 0  # how many requests had come when it last changed
    reversed_after_seconds: float | None = None  # a settlement of it will not last

    @property
    def standing_refunds(self) -> list[Refund]:
        """Without those that the bank refused after all."""
        return [refund for refund in self.refunds if refund.bank_denied_at is None]

    @property
    def refunded(self) -> int:
        return sum(refund.amount for refund in self.standing_refunds)

    @property
    def refundable(self) -> int:
        return self.gross_amount - self.refunded

    @property
    def frees_its_order_id(self) -> bool:
        """After expiry, or cancelled while pending, the order id may be charged again (6, 14)."""
        path = [status for _, status in self.history[-2:]]
        return self.status is S.EXPIRE or path == [S.PENDING, S.CANCEL]

    def move(self, to: Status, now: datetime) -> None:
        if to not in STATES[self.status].leads_to:
            raise NotPossible(f"A transaction that is {self.status} cannot become {to}.")
        self.status = to
        self.history.append((now, to))
        if to is S.SETTLEMENT:
            self.settled_at = now

    def take_back(self, refund: Refund, now: datetime) -> None:
        """The bank refuses a refund that Midtrans had accepted: the money is the merchant's again.

        No page says what a transaction then becomes (midtrans.md 6 has the immediate refusal only),
        so it is not in the table: we let it be what the other refunds make of it.
        """
        refund.bank_denied_at = now
        self.status = S.PARTIAL_REFUND if self.standing_refunds else S.SETTLEMENT
        self.history.append((now, self.status))

"""What we ask of a payment gateway, in our words. An adapter translates and decides nothing.

Every call ends in one of three outcomes: `Did` (it answered, and this is what it holds), `DidNot`
(it provably did not act) or `Unknown` (anything else: time-out, reset, nonsense, 5xx after the
request left).
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from ledger.errors import Rejected
from ledger.money import Money
from ledger.payments.events import Evidence, Instructions
from ledger.payments.methods import Method


class ChargeStatus(StrEnum):
    """Where the gateway says a transaction stands."""

    PENDING = "pending"
    CHALLENGED = "challenged"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    SETTLED = "settled"
    DENIED = "denied"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    CHARGED_BACK = "charged_back"


class ObservedRefund(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A refund as the gateway lists it; `refund_id` is the key we gave it."""

    refund_id: str
    amount: Money
    gateway_id: str = ""
    confirmed_at: datetime | None = None


class Observation(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the gateway holds about one order id. Refunded transactions are SETTLED with `refunds`."""

    order_id: str
    transaction_id: str
    status: ChargeStatus
    amount: Money
    evidence: Evidence
    instructions: Instructions = Instructions(kind="none")
    expires_at: datetime | None = None
    occurred_at: datetime | None = None
    refunds: tuple[ObservedRefund, ...] = ()
    chargeback: Money | None = None
    code: str = ""
    words: str = ""


class Listener(Protocol):
    """Is told what the gateway holds, and the raw bytes that say so. It does not wait or raise."""

    def __call__(self, seen: Observation, body: bytes, /) -> None: ...


def nobody_listens(seen: Observation, body: bytes, /) -> None:
    """What is heard is not kept."""


class Did(msgspec.Struct, frozen=True, gc=False):
    observation: Observation


class DidNot(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Proved not done: refused before a byte was written, or by a documented refusal.

    `never_seen` is the answer of an inquiry for an order id the gateway does not know; `duplicate`
    says that it knows the order id already, so an inquiry is due.
    """

    code: str
    words: str
    retryable: bool = False


class Unknown(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    cause: str
    detail: str = ""


Outcome = Did | DidNot | Unknown

NEVER_SEEN = "never_seen"
DUPLICATE = "duplicate"


class Payer(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Who pays, in clear text: only ever in memory and on the way to the gateway."""

    name: str = ""
    email: str = ""
    phone: str = ""


class ChargeOrder(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    order_id: str
    method: Method
    amount: Money
    capture_later: bool = False
    card_token: str = ""
    payer: Payer = Payer()
    expires_after_seconds: int | None = None
    product: str = "General"
    # What the payer had saved before: its token, and for a wallet the account that it is of. Tokens of
    # wallets may be out of date: the adapter finds out the one that holds now.
    saved: Literal["card", "gopay", ""] = ""
    saved_token: str = ""
    account_id: str = ""


class NoticeForged(Rejected):
    code = "notice_forged"
    title = "The signature of this notice is not the gateway's."


class NoticeMalformed(Rejected):
    code = "notice_malformed"
    title = "This is not a notice of the gateway."


class Notice(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A checked notice: it says that something happened to an order, and is a reason to ask, never
    a fact.
    """

    order_id: str
    transaction_id: str
    status_words: str
    digest: str


class Provider(Protocol):
    """Moves money for us. Every call takes the id of what it is about; repeating it is safe."""

    name: str

    async def charge(self, order: ChargeOrder) -> Outcome: ...

    async def inquire(self, order_id: str, transaction_id: str = "") -> Outcome:
        """Some channels of the hosted page know a transaction only by the gateway's own id."""
        ...

    async def capture(self, order_id: str, transaction_id: str, amount: Money) -> Outcome: ...

    async def cancel(
        self, order_id: str, session_token: str = "", transaction_id: str = ""
    ) -> Outcome:
        """With a session token, a hosted page under which nothing was tried yet is closed too: then
        `never_seen`.
        """
        ...

    async def expire(self, order_id: str) -> Outcome: ...

    async def approve(self, order_id: str) -> Outcome: ...

    async def deny(self, order_id: str) -> Outcome: ...

    async def refund(
        self,
        order_id: str,
        refund_id: str,
        amount: Money,
        reason: str,
        transaction_id: str = "",
    ) -> Outcome: ...

    def read_notice(self, body: bytes) -> Notice:
        """Raises NoticeMalformed or NoticeForged."""
        ...

    async def close(self) -> None: ...

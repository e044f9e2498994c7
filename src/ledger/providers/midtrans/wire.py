"""Answers as they travel: tolerant of new fields, strict about types; amounts and times to our own
kinds.
"""

import re
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from ledger.clock import WIB
from ledger.money import EXPONENTS, Money


class Unusable(Exception):
    """The answer cannot be relied on; `cause` becomes that of an `Unknown` outcome."""

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(cause)
        self.cause, self.detail = cause, detail[:255]


class VaNumber(msgspec.Struct, frozen=True, gc=False):
    bank: str = ""
    va_number: str = ""


class Action(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    url: str = ""


class RefundEntry(msgspec.Struct, frozen=True, gc=False):
    """One of `refunds[]`. A refund made in the dashboard may lack our key."""

    refund_amount: str
    refund_key: str | None = None
    refund_chargeback_uuid: str | None = None
    refund_chargeback_id: int | str | None = None
    bank_confirmed_at: str | None = None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """Any Core API answer, success or error (midtrans.md 1.8, 4.1, 6); a missing field means null."""

    status_code: str | None = None
    status_message: str | None = None
    validation_messages: list[str] | None = None
    order_id: str | None = None
    transaction_id: str | None = None
    transaction_status: str | None = None
    fraud_status: str | None = None
    gross_amount: str | None = None
    currency: str | None = None
    payment_type: str | None = None
    transaction_time: str | None = None
    settlement_time: str | None = None
    expiry_time: str | None = None
    channel_response_code: str | None = None
    channel_response_message: str | None = None
    approval_code: str | None = None
    acquirer: str | None = None
    issuer: str | None = None
    bank: str | None = None
    va_numbers: list[VaNumber] | None = None
    permata_va_number: str | None = None
    biller_code: str | None = None
    bill_key: str | None = None
    store: str | None = None
    payment_code: str | None = None
    qr_string: str | None = None
    redirect_url: str | None = None
    actions: list[Action] | None = None
    refund_amount: str | None = None
    refund_key: str | None = None
    refund_chargeback_uuid: str | None = None
    refund_chargeback_id: int | str | None = None
    refunds: list[RefundEntry] | None = None

    @property
    def words(self) -> str:
        parts = [self.status_message or "", *(self.validation_messages or ())]
        return " ".join(filter(None, parts))[:255]


class SnapAnswer(msgspec.Struct, frozen=True, gc=False):
    """Snap: a token and its page, the end of one, or a list of errors (midtrans.md 7.1, 7.3)."""

    token: str | None = None
    redirect_url: str | None = None
    canceled_at: str | None = None
    error_messages: list[str] | None = None

    @property
    def words(self) -> str:
        return " ".join(self.error_messages or ())[:255]


class Option(msgspec.Struct, frozen=True, gc=False):
    """Of what a linked wallet can pay from."""

    name: str = ""
    active: bool = False
    token: str = ""


class Options(msgspec.Struct, frozen=True, gc=False):
    payment_options: list[Option] = []


class Account(msgspec.Struct, frozen=True, gc=False):
    """A linked GoPay account (midtrans.md 9)."""

    status_code: str | None = None
    status_message: str | None = None
    account_status: str | None = None
    metadata: Options | None = None

    @property
    def options(self) -> list[Option]:
        return self.metadata.payment_options if self.metadata else []


_ANSWER: Final = msgspec.json.Decoder(Answer)
_SNAP_ANSWER: Final = msgspec.json.Decoder(SnapAnswer)
_ACCOUNT: Final = msgspec.json.Decoder(Account)


T = TypeVar("T")


def answer(raw: bytes) -> Answer:
    return _decoded(_ANSWER, raw)


def snap_answer(raw: bytes) -> SnapAnswer:
    return _decoded(_SNAP_ANSWER, raw)


def account(raw: bytes) -> Account:
    return _decoded(_ACCOUNT, raw)


def _decoded(decoder: msgspec.json.Decoder[T], raw: bytes) -> T:
    """HTML, half an answer or a number where text belongs: all of it is unusable (reliability.md
    T10).
    """
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        raise Unusable("answer_malformed", str(broken)) from None


_AMOUNT: Final = re.compile(r"([0-9]{1,15})(\.0{1,2})?")


def money(text: str | None, currency: str | None) -> Money:
    """`"99000.00"` is Rp99.000; anything that is not whole rupiah is unusable (midtrans.md 14)."""
    code = currency or "IDR"
    if code not in EXPONENTS:
        raise Unusable("currency_unknown", code)
    match = _AMOUNT.fullmatch(text or "")
    if match is None:
        raise Unusable("amount_malformed", text or "missing")
    return Money(int(match[1]), code)


def moment(text: str | None) -> datetime | None:
    """Their times are WIB without an offset (midtrans.md 14). None when there is none, or none to
    be read:
    no money depends on it, and the raw words stay in the evidence.
    """
    try:
        read = datetime.fromisoformat(text or "")
        return (read if read.tzinfo else read.replace(tzinfo=WIB)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None

"""What customers and banks do: pay, scan, refuse, reverse, charge back (midtrans.md 11, 13)."""

import secrets
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from simulator import card_payments, cards, gopay_payments, multi_use
from simulator.clock import wib
from simulator.gateway import Gateway
from simulator.methods import METHODS, digits
from simulator.transactions import Fields, NotPossible, Status, Transaction
from simulator.wire import rupiah

SCANNABLE: Final = ("gopay", "shopeepay", "qris")
VIRTUAL_ACCOUNTS: Final = (
    "bca_va",
    "bri_va",
    "cimb_va",
    "danamon_va",
    "bsi_va",
    "seabank_va",
    "saqu_va",
)
ACQUIRED_BY: Final = {"gopay": "gopay", "shopeepay": "airpay shopee"}
OWN_APP: Final = {"gopay": "gopay", "airpay shopee": "shopeepay"}  # whose scan is `on-us`
# midtrans.md 13, OVO phones: what their owners do. The others wait to be paid.
OVO_REFUSALS: Final = {
    "628271939753": ("17", "User cancelled"),
    "628242014881": ("26", "Push notification failed"),
    "628237435829": ("40", "Payment failed"),
}
OVO_UNREGISTERED: Final = "628249134000"
OVO_ANSWERS_AFTER_SECONDS: Final = 1.0


def pay(
    gateway: Gateway,
    transaction: Transaction,
    *,
    amount: int | None = None,
    issuer: str | None = None,
    force: bool = False,
    late: bool = False,
) -> None:
    if multi_use.is_open(gateway, transaction):
        multi_use.pay(gateway, transaction, amount)
        return
    _require_open(transaction, late=late)
    if amount is not None and amount != transaction.gross_amount:
        _take_other_amount(transaction, amount, force=force)
    if transaction.method_name == "credit_card":
        card_payments.answer_page(gateway, transaction, cards.OTP)
        return
    if gopay_payments.asks_for_pin(transaction):
        gopay_payments.answer_pin(gateway, transaction)
        return
    if issuer:
        _scan(transaction, issuer)
    transaction.detail |= _paid_detail(transaction, wib(gateway.clock.now()))
    gateway.move(transaction, Status.SETTLEMENT)


def deny(gateway: Gateway, transaction: Transaction, reason: tuple[str, str] | None = None) -> None:
    if transaction.method_name == "credit_card" and transaction.status is Status.PENDING:
        card_payments.answer_page(gateway, transaction, otp="")
        return
    if reason:
        code, message = reason
        transaction.detail |= {
            "channel_response_code": code,
            "channel_response_message": message,
        }
    gateway.move(transaction, Status.DENY)


def reverse(gateway: Gateway, transaction: Transaction, *, force: bool) -> None:
    """A bank takes a settlement back, minutes later, for a few methods only (11.1)."""
    if transaction.status is not Status.SETTLEMENT:
        raise NotPossible(f"Only a settlement can be reversed; this is {transaction.status}.")
    if not (METHODS[transaction.method_name].reversible or force):
        raise NotPossible(f"Midtrans documents no reversal for {transaction.method_name}.")
    gateway.move(transaction, Status.DENY)


def charge_back(
    gateway: Gateway, transaction: Transaction, amount: int | None, *, force: bool
) -> None:
    if transaction.method_name != "credit_card" and not force:
        raise NotPossible("Only card payments are charged back.")
    left = transaction.gross_amount - transaction.chargeback_amount
    taken = left if amount is None else amount
    if not 0 < taken <= left:
        raise NotPossible(f"Only {left} can be charged back.")
    gateway.move(transaction, Status.CHARGEBACK if taken == left else Status.PARTIAL_CHARGEBACK)
    transaction.chargeback_amount += taken


def answer_ovo(gateway: Gateway, transaction: Transaction) -> None:
    """Plans what the owner of this phone does with the push, if it is one of the test phones."""
    phone = ovo_phone(transaction.options)
    if phone in OVO_REFUSALS:
        gateway.agenda.after(
            OVO_ANSWERS_AFTER_SECONDS, lambda: _refuse_ovo(gateway, transaction, phone)
        )


def ovo_phone(options: Fields) -> str:
    phone = str(options.get("payer_phone_number")).lstrip("+")
    return "62" + phone[1:] if phone.startswith("0") else phone


def _refuse_ovo(gateway: Gateway, transaction: Transaction, phone: str) -> None:
    if transaction.status is Status.PENDING:
        deny(gateway, transaction, OVO_REFUSALS[phone])


def _require_open(transaction: Transaction, *, late: bool) -> None:
    payable = (Status.PENDING, Status.EXPIRE) if late else (Status.PENDING,)
    if transaction.status not in payable:
        raise NotPossible(f"A transaction that is {transaction.status} cannot be paid.")


def _take_other_amount(transaction: Transaction, amount: int, *, force: bool) -> None:
    if not force:
        raise NotPossible(f"Exactly {transaction.gross_amount} is to be paid, not {amount}.")
    transaction.gross_amount = amount


def _scan(transaction: Transaction, issuer: str) -> None:
    """A wallet's code read through QRIS is a QRIS payment, whatever it began as (4.5, 17)."""
    if transaction.method_name not in SCANNABLE:
        raise NotPossible(f"{transaction.method_name} has no QR code to scan.")
    transaction.payment_type = "qris"
    transaction.detail["issuer"] = issuer
    transaction.detail.setdefault("acquirer", ACQUIRED_BY.get(transaction.method_name, "gopay"))


def _paid_detail(transaction: Transaction, now: str) -> Fields:
    """What settlement adds to the method's own fields (midtrans.md 10.5)."""
    if transaction.payment_type == "qris":
        return _qris_detail(transaction)
    name = transaction.method_name
    if name in VIRTUAL_ACCOUNTS:
        return {"payment_amounts": []}
    if name == "bni_va":
        paid = {"paid_at": now, "amount": rupiah(transaction.gross_amount)}
        return {"payment_amounts": [paid]}
    return {field: make() for field, make in PAID_DETAIL.get(name, {}).items()}


PAID_DETAIL: Final[dict[str, dict[str, Callable[[], str]]]] = {
    "gopay": {"payment_option_type": lambda: "GOPAY_WALLET"},
    "shopeepay": {
        "shopeepay_reference_number": lambda: digits(12),
        "reference_id": lambda: str(uuid4()),
    },
    "indomaret": {"approval_code": lambda: secrets.token_hex(6).upper()},
}


def _qris_detail(transaction: Transaction) -> Fields:
    acquirer = str(transaction.detail["acquirer"])
    own_app = OWN_APP.get(acquirer, acquirer)
    issuer = transaction.detail.get("issuer", own_app)
    detail: Fields = {
        "issuer": issuer,
        "transaction_type": "on-us" if issuer == own_app else "off-us",
        "merchant_cross_reference_id": str(uuid4()),
    }
    if own_app == "shopeepay":
        detail |= {"shopeepay_reference_number": digits(12), "reference_id": str(uuid4())}
    return detail

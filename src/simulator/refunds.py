"""Refunds: who may get what back, and the bank's later confirmation (midtrans.md 6)."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple
from uuid import uuid4

from simulator.gateway import Gateway
from simulator.methods import METHODS, Refunding
from simulator.transactions import Fields, NotPossible, Refund, Status, Transaction
from simulator.views import shared
from simulator.wire import NOT_ALLOWED, Invalid, Refusal, rupiah

REFUNDABLE_IN: Final = (Status.SETTLEMENT, Status.PARTIAL_REFUND)
DENIED: Final = ("202", "Refund denied by the bank")


class Way(NamedTuple):
    method: str
    message: str


WAYS: Final = {
    "refund": Way("offline", "Success, refund request is approved"),
    "direct": Way("online", "Success, refund request is approved by the bank"),
}


def refund(
    gateway: Gateway,
    transaction: Transaction,
    body: Fields,
    way: Way,
    *,
    deny: bool,
    denied_after_seconds: float | None = None,
) -> Fields:
    """`denied_after_seconds`: the bank will refuse what Midtrans accepts now."""
    key = str(body.get("refund_key") or uuid4())
    amount = _amount(body.get("amount"), transaction)
    for forbidden, code, message in RULES:
        if forbidden(transaction, amount, key):
            raise Refusal(code, message)
    if deny:
        return _denied(gateway, transaction, key)
    reason = str(body.get("reason") or "")
    made = _book(gateway, transaction, amount=amount, key=key, reason=reason, way=way)
    if denied_after_seconds is None:
        seconds = gateway.config.refund_confirm_seconds
        gateway.agenda.after(seconds, lambda: confirm(gateway, transaction, made))
    else:
        gateway.agenda.after(denied_after_seconds, lambda: deny_late(gateway, transaction, made))
    return _approved(gateway, transaction, made, way)


def _amount(wanted: Any, transaction: Transaction) -> int:
    if wanted is None:
        return transaction.refundable
    if isinstance(wanted, bool) or not isinstance(wanted, int):
        raise Invalid("amount must be a whole number")
    return wanted


Rule = tuple[Callable[[Transaction, int, str], bool], str, str]


def _refunding(transaction: Transaction) -> Refunding:
    return METHODS[transaction.method_name].refunding


# midtrans.md 6, "Failure". The first rule that applies answers.
RULES: Final[tuple[Rule, ...]] = (
    (lambda t, _, key: any(r.key == key for r in t.standing_refunds), "406", "Duplicate refund ID"),
    (lambda t, _, __: _refunding(t) is Refunding.NONE, *NOT_ALLOWED),
    (lambda t, _, __: t.status not in REFUNDABLE_IN, *NOT_ALLOWED),
    (
        lambda t, amount, _: not 0 < amount <= t.refundable,
        "414",
        "Refund request is rejected due to invalid amount",
    ),
    (
        lambda t, amount, _: _refunding(t) is Refunding.FULL and amount != t.gross_amount,
        "414",
        "Refund request is rejected due to invalid amount",
    ),
)


def _book(
    gateway: Gateway, transaction: Transaction, *, amount: int, key: str, reason: str, way: Way
) -> Refund:
    made = Refund(
        serial=len(transaction.refunds) + 1,
        uuid=str(uuid4()),
        key=key,
        amount=amount,
        reason=reason,
        method=way.method,
        created_at=gateway.clock.now(),
    )
    transaction.refunds.append(made)
    gateway.book.refunded(transaction, made)
    to = Status.PARTIAL_REFUND if transaction.refundable else Status.REFUND
    gateway.move(transaction, to)
    return made


def confirm(gateway: Gateway, transaction: Transaction, refund: Refund) -> None:
    """The second notice of a refund: only it proves that the bank has paid."""
    if refund.status == "accepted":
        refund.bank_confirmed_at = gateway.clock.now()
        gateway.book.refunded(transaction, refund)
        gateway.announce(transaction)


def deny_late(gateway: Gateway, transaction: Transaction, refund: Refund) -> None:
    """The bank refuses what was accepted. Nobody is told (midtrans.md 10.4): it must be asked for."""
    if refund.status == "accepted":
        transaction.take_back(refund, gateway.clock.now())
        gateway.book.refunded(transaction, refund)
        gateway.book.moved(transaction)


def find(gateway: Gateway, key: str) -> tuple[Transaction, Refund]:
    for transaction in gateway.book:
        for made in transaction.refunds:
            if made.key == key:
                return transaction, made
    raise NotPossible(f"There is no refund {key}.")


def _approved(gateway: Gateway, transaction: Transaction, made: Refund, way: Way) -> Fields:
    body = shared(transaction, gateway.config.merchant_id)
    body.pop("refunds")
    return body | {
        "status_code": "200",
        "status_message": way.message,
        "refund_chargeback_id": made.serial,
        "refund_chargeback_uuid": made.uuid,
        "refund_amount": rupiah(made.amount),
        "refund_key": made.key,
    }


def _denied(gateway: Gateway, transaction: Transaction, key: str) -> Fields:
    """Nothing changes and no notice is sent (midtrans.md 10.4)."""
    body = shared(transaction, gateway.config.merchant_id)
    body.pop("refunds", None)
    return body | {
        "status_code": DENIED[0],
        "status_message": DENIED[1],
        "refund_amount": rupiah(0),
        "refund_key": key,
    }

"""Virtual accounts that can be paid again and again, for any amount (midtrans.md 4.3, 6).

A number becomes one by the merchant's contract with a bank, so it is made one by the control API.
"""

from typing import Final
from uuid import uuid4

from simulator.gateway import Gateway
from simulator.methods import METHODS
from simulator.multi_use_accounts import MultiUse
from simulator.transactions import NotPossible, Status, Transaction

PER_PAGE: Final = 10


def make(gateway: Gateway, transaction: Transaction) -> None:
    if METHODS[transaction.method_name].payment_type != "bank_transfer":
        raise NotPossible("Only a virtual account can be paid more than once.")
    if of(gateway, transaction) is None:
        account = MultiUse(transaction, numbers(transaction))
        gateway.multi_use[transaction.transaction_id] = account
        gateway.kept_numbers.update(account.numbers)


def numbers(transaction: Transaction) -> tuple[str, ...]:
    """What customers type in to pay to this virtual account."""
    detail = transaction.detail
    listed = tuple(one["va_number"] for one in detail.get("va_numbers", []))
    return listed or ((detail["permata_va_number"],) if "permata_va_number" in detail else ())


def of(gateway: Gateway, transaction: Transaction) -> MultiUse | None:
    return gateway.multi_use.get(transaction.transaction_id)


def is_open(gateway: Gateway, transaction: Transaction) -> bool:
    account = of(gateway, transaction)
    return account is not None and account.is_open


def close(gateway: Gateway, transaction: Transaction) -> None:
    """By the parent or any child, in any state (6)."""
    account = of(gateway, transaction)
    if account is not None:
        account.is_open = False
        gateway.kept_numbers.difference_update(account.numbers)


def pay(gateway: Gateway, transaction: Transaction, amount: int | None) -> Transaction:
    """The first payment is the order's own; each later one a transaction with an order id of ours."""
    account = of(gateway, transaction)
    if account is None or not account.is_open:
        raise NotPossible("This virtual account is closed.")
    paid = amount or account.parent.gross_amount
    if account.parent.status is Status.PENDING:
        account.parent.gross_amount = paid
        gateway.move(account.parent, Status.SETTLEMENT)
        return account.parent
    child = _child(gateway, account.parent, paid)
    account.children.append(child)
    gateway.multi_use[child.transaction_id] = account
    gateway.move(child, Status.SETTLEMENT)
    return child


def _child(gateway: Gateway, parent: Transaction, amount: int) -> Transaction:
    now = gateway.clock.now()
    child = Transaction(
        transaction_id=str(uuid4()),
        order_id=uuid4().hex,
        method_name=parent.method_name,
        payment_type=parent.payment_type,
        gross_amount=amount,
        created_at=now,
        expires_at=parent.expires_at,
        notify_urls=parent.notify_urls,
        fraud_status=parent.fraud_status,
        detail=dict(parent.detail),
        options=parent.options,
        echoes=parent.echoes,
        history=[(now, Status.PENDING)],
    )
    gateway.book.add(child, ())
    return child


def listed(
    gateway: Gateway, transaction: Transaction, page: int, per_page: int
) -> list[Transaction]:
    """All payments to the number, newest first; pages count from nought."""
    account = of(gateway, transaction)
    known = account.newest_first if account else [transaction]
    return known[page * per_page : (page + 1) * per_page]

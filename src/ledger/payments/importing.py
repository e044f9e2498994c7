"""Payments that another system took and the gateway has settled: posted, never sent."""

from collections.abc import Sequence
from datetime import date

from ledger.clock import business_date
from ledger.errors import Rejected
from ledger.events import DomainEvent
from ledger.journal.chart import check_part
from ledger.journal.tax import split
from ledger.money import Money
from ledger.payments import commands as c
from ledger.payments import events as e
from ledger.payments.methods import FeeUnknown, Method, fee_for, method
from ledger.payments.payment import Payment, require


class ImportNotSettledYet(Rejected):
    code = "import_not_settled_yet"
    title = "Only what is settled can be imported, and this is dated in the future."


class ImportAmountInvalid(Rejected):
    code = "import_amount_invalid"
    title = "An imported payment is of a whole amount above zero, and its fee is no part of it below zero."


class ImportFeeUnknown(Rejected):
    code = "import_fee_unknown"
    title = "The tariff has no rate for that day, so the fee has to be told."


def import_payment(payment: Payment, command: c.ImportPayment) -> Sequence[DomainEvent]:
    require(payment, e.PaymentImported)
    if command.settled_at > command.now:
        raise ImportNotSettledYet()
    row, on = method(command.method), business_date(command.settled_at)
    check_part(command.sale.product)
    fee = command.fee or _fee_of_that_day(row, command.amount, on)
    _check_amounts(command, fee)
    return [
        e.PaymentImported(
            occurred_at=command.settled_at,
            payment_id=command.payment_id,
            reference=command.reference,
            amount=command.amount,
            method=row.code,
            sale=command.sale,
            share=split(command.amount, on, command.taxed),
            fee=fee,
            net=command.amount - fee.total,
            taxed=command.taxed,
            order_id=command.order_id,
            transaction_id=command.transaction_id,
            subscription_id=command.subscription_id,
            customer_id=command.customer_id,
            metadata=command.metadata,
        )
    ]


def _fee_of_that_day(row: Method, amount: Money, on: date) -> e.Fee:
    """What is imported may be older than our tariff, and that is for the caller to mend."""
    try:
        return fee_for(row, amount, on)
    except FeeUnknown as unknown:
        raise ImportFeeUnknown(unknown.detail, **unknown.context) from None


def _check_amounts(command: c.ImportPayment, fee: e.Fee) -> None:
    parts = (fee.percentage.minor, fee.fixed.minor, fee.tax.minor)
    if command.amount.minor <= 0 or min(parts) < 0 or sum(parts) > command.amount.minor:
        raise ImportAmountInvalid(amount_minor=command.amount.minor, fee_minor=sum(parts))

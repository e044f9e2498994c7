"""A bill with the numbers of books.md section 3: 99,000 for thirty days of Premium, and what is done to it."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from ledger.bills import commands as c
from ledger.bills import events as e
from ledger.bills.deciding import BILL, BOOKED_BILL
from ledger.clock import WIB
from ledger.share import Share
from support.payment_facts import AT, rp, share
from support.scenario import Scenario

ENDS = AT + timedelta(days=30)
WHOLE = share(89_189, 9_811)
NOTHING = share(0, 0)


def end_of_day(number: int) -> datetime:
    """Of the bill's day, from 1: midnight in Jakarta."""
    day = AT.astimezone(WIB).date() + timedelta(days=number)
    return datetime.combine(day, time(), WIB).astimezone(UTC)


def opened(
    of: Share = WHOLE,
    *,
    credit: int = 0,
    starts_at: datetime = AT,
    ends_at: datetime = ENDS,
    bill_id: str = "bill_1",
    product: str = "Premium",
) -> e.BillOpened:
    return e.BillOpened(
        occurred_at=AT,
        bill_id=bill_id,
        subscription_id="sub_1",
        customer_id="cus_1",
        number=1,
        period=1,
        reason="first",
        plan_id="plan_1",
        product=product,
        starts_at=starts_at,
        ends_at=ends_at,
        due_at=AT,
        lines=(),
        discount=rp(0),
        share=of,
        credit=rp(credit),
        tax_mode="inclusive",
    )


def open_bill(of: e.BillOpened | None = None) -> c.OpenBill:
    return c.OpenBill(now=AT, opened=of or opened())


def begin(payment_id: str = "pay_1", at: datetime = AT) -> c.BeginCollection:
    return c.BeginCollection(now=at, payment_id=payment_id, method="credit_card", saved_method="pm")


def paid(payment_id: str = "pay_1", of: Share = WHOLE, at: datetime = AT) -> c.RecordPaid:
    return c.RecordPaid(now=at, payment_id=payment_id, amount=of.total, share=of)


def not_paid(payment_id: str = "pay_1", at: datetime = AT) -> c.RecordNotPaid:
    return c.RecordNotPaid(
        now=at, payment_id=payment_id, code="51", words="no funds", trouble="retry_later"
    )


def undone(
    payment_id: str = "pay_1", of: Share = WHOLE, at: datetime = AT, why: Any = "cancelled"
) -> c.RecordUndone:
    return c.RecordUndone(now=at, payment_id=payment_id, amount=of.total, share=of, why=why)


def ask_refund(
    amount: int = 33_000, refund_id: str = "ref_1", payment_id: str = "pay_1", at: datetime = AT
) -> c.AskRefund:
    return c.AskRefund(now=at, payment_id=payment_id, refund_id=refund_id, amount=rp(amount))


def refunded(
    amount: int = 33_000,
    net: int = 29_730,
    refund_id: str = "ref_1",
    payment_id: str = "pay_1",
    at: datetime = AT,
) -> c.RecordRefunded:
    return c.RecordRefunded(
        now=at, payment_id=payment_id, refund_id=refund_id, amount=rp(amount), net=rp(net)
    )


def refund_failed(refund_id: str = "ref_1", at: datetime = AT) -> c.RecordRefundFailed:
    return c.RecordRefundFailed(now=at, refund_id=refund_id)


def disputed(payment_id: str = "pay_1", at: datetime = AT) -> c.RecordDisputed:
    return c.RecordDisputed(now=at, payment_id=payment_id, amount=rp(99_000))


def recognise(at: datetime) -> c.Recognise:
    return c.Recognise(now=at)


def change(
    product: str = "Pro", credited: Share = NOTHING, at: datetime = AT, now: datetime | None = None
) -> c.ChangeBill:
    return c.ChangeBill(now=now or at, at=at, credited=credited, product=product)


def void(at: datetime = AT) -> c.VoidBill:
    return c.VoidBill(now=at, reason="withdrawn")


def write_off(at: datetime = AT) -> c.WriteOffBill:
    return c.WriteOffBill(now=at, reason="given up")


def bill(*commands: c.BillCommand) -> Scenario:
    """A bill to which all this was done."""
    scenario = Scenario(BILL)
    for command in commands:
        scenario.when(command)
    return scenario.given()


def booked(*commands: c.BillCommand) -> Scenario:
    """The same, with its journal entries among the facts."""
    scenario = Scenario(BOOKED_BILL)
    for command in commands:
        scenario.when(command)
    return scenario.given()


def paid_bill(of: Share = WHOLE) -> tuple[c.BillCommand, ...]:
    return open_bill(opened(of)), begin(), paid(of=of)

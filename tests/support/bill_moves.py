"""A bill and its payments, tried with whatever comes: each fact of a payment tells the bill, as one append
does it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from ledger.bills import commands as c
from ledger.bills.bill import Bill
from ledger.bills.deciding import BOOKED_BILL
from ledger.bills.payments_facts import bill_command
from ledger.errors import LedgerError
from ledger.events import DomainEvent
from ledger.journal.posting_rules import consequence
from ledger.journal.tax import split
from ledger.payments import commands as pc
from ledger.payments.deciding import BOOKED_PAYMENT
from ledger.payments.events import Sale
from ledger.payments.life import RefundStatus, Status
from ledger.payments.payment import Payment
from support import facts as f
from support.bill_facts import AT, opened
from support.payment_commands import BANK_SAYS_NO, ask, inquired, refund, refunded, send_refund
from support.payment_facts import rp
from support.payment_moves import moves

SALE = Sale(kind="prepaid", product="Premium", bill_id="bill_1")
PRODUCTS = ("Premium", "Pro", "Team")


class Lived:
    """A bill with all its payments, and all that happened in the order of the log."""

    def __init__(self) -> None:
        self.bill = Bill()
        self.payments: dict[str, Payment] = {}
        self.facts: list[DomainEvent] = []
        self.of_bill: list[DomainEvent] = []
        self.told: list[c.BillCommand] = []
        self.now = AT

    def do(self, command: c.BillCommand) -> Sequence[DomainEvent]:
        facts = BOOKED_BILL.decide(self.bill, command)
        self.bill = BOOKED_BILL.fold(facts, self.bill)
        self.facts += facts
        self.of_bill += facts
        self.now = max(self.now, command.now)
        return facts

    def pays(self, payment_id: str, facts: Sequence[DomainEvent], now: datetime) -> None:
        """What happened to a payment, and what its bill is told of it. Where the bill refuses, nothing of it
        happened: refusals come of requests alone, which are one fact and the first.
        """
        after = BOOKED_PAYMENT.fold(facts, self.payments.get(payment_id))
        if facts and (asked := bill_command(after, facts[0], now)):
            BOOKED_BILL.decide(self.bill, asked[1])
        self.payments[payment_id] = after
        self.facts += facts
        self.now = max(self.now, now)
        for fact in facts:
            if told := bill_command(after, fact, now):
                self.told.append(told[1])
                self.do(told[1])


@st.composite
def lives(draw: st.DrawFn) -> Lived:
    lived = Lived()
    lived.do(c.OpenBill(now=AT, opened=draw(_terms())))
    for _ in range(draw(st.integers(10, 40))):
        draw(st.sampled_from(MOVES))(draw, lived)
    return lived


@st.composite
def _terms(draw: st.DrawFn) -> Any:
    whole = split(rp(draw(st.integers(0, 500_000))), AT.date(), draw(st.booleans()))
    total = whole.total.minor
    credit = draw(st.sampled_from([0, 0, draw(st.integers(-50_000, total)), total]))
    starts_at = AT + timedelta(hours=draw(st.integers(-200, 200)))
    length = timedelta(hours=draw(st.sampled_from([1, 24, 7 * 24, 30 * 24])))
    return opened(whole, credit=credit, starts_at=starts_at, ends_at=starts_at + length)


def _later(draw: st.DrawFn, lived: Lived) -> datetime:
    return lived.now + timedelta(minutes=draw(st.sampled_from([0, 1, 90, 1_000, 9_000])))


def _tried(lived: Lived, command: c.BillCommand) -> bool:
    try:
        lived.do(command)
    except LedgerError:
        return False
    return True


def _tried_on(lived: Lived, payment_id: str, command: pc.PaymentCommand) -> None:
    try:
        facts = BOOKED_PAYMENT.decide(lived.payments.get(payment_id, Payment()), command)
        lived.pays(payment_id, facts, command.now)
    except LedgerError:
        return


def _ask(draw: st.DrawFn, lived: Lived) -> None:
    """For one more payment."""
    now, payment_id = _later(draw, lived), f"pay_{len(lived.payments)}"
    if not _tried(lived, c.BeginCollection(now=now, payment_id=payment_id, method="gopay")):
        return
    asked = f.requested(
        "gopay",
        lived.bill.to_pay.minor,
        sale=SALE,
        payment_id=payment_id,
        share=lived.bill.payment_share,
    )
    _tried_on(lived, payment_id, ask(asked, now=now, sent_by="api-1"))


def _one(draw: st.DrawFn, lived: Lived, *statuses: Status) -> Payment | None:
    found = [p for p in lived.payments.values() if not statuses or p.status in statuses]
    return draw(st.sampled_from(found)) if found else None


def _seen(payment: Payment, status: str, now: datetime, refunds: Sequence[Any] = ()) -> Any:
    attempt = payment.attempt
    seen = f.observation(
        status,
        payment.request.amount.minor,
        refunds,
        order_id=attempt.order_id,
        transaction_id=attempt.transaction_id or "t-1",
    )
    return inquired(seen, attempt.number, now)


def _get_paid(draw: st.DrawFn, lived: Lived) -> None:
    if payment := _one(draw, lived, Status.DISPATCHED, Status.PENDING, Status.CAPTURED):
        now, status = _later(draw, lived), draw(st.sampled_from(["captured", "settled", "settled"]))
        _tried_on(lived, payment.request.payment_id, _seen(payment, status, now))


def _give_back(draw: st.DrawFn, lived: Lived) -> None:
    """A part of a payment, accepted by the gateway."""
    payment = _one(draw, lived, Status.SETTLED)
    if payment is None or not payment.refundable:
        return
    now, payment_id = _later(draw, lived), payment.request.payment_id
    refund_id, most = f"ref_{payment_id}_{len(payment.refunds)}", payment.refundable.minor
    amount = draw(st.just(most) | st.integers(1, most))
    _tried_on(lived, payment_id, refund(amount, refund_id, now))
    _tried_on(lived, payment_id, send_refund(refund_id, now))
    after = lived.payments[payment_id]
    shown = [
        f.listed(one.refund_id, one.amount.minor)
        for one in after.own_refunds
        if one.accepted or one.refund_id == refund_id
        if one.status is not RefundStatus.FAILED
    ]
    _tried_on(lived, payment_id, _seen(after, "settled", now, shown))


def _refuse_refund(draw: st.DrawFn, lived: Lived) -> None:
    payment = _one(draw, lived, Status.SETTLED, Status.CHARGED_BACK)
    accepted = [one for one in payment.refunds if one.accepted] if payment else []
    if payment and accepted:
        refund_id = draw(st.sampled_from(accepted)).refund_id
        command = refunded(BANK_SAYS_NO, refund_id, now=_later(draw, lived))
        _tried_on(lived, payment.request.payment_id, command)


def _pay(draw: st.DrawFn, lived: Lived) -> None:
    """Something is tried on one of the payments, with an answer of any kind."""
    if payment := _one(draw, lived):
        _tried_on(lived, payment.request.payment_id, draw(moves(payment, lived.now)))


def _reverse(draw: st.DrawFn, lived: Lived) -> None:
    """The gateway takes a payment back; also one of which a part was refunded, which no honest one does."""
    payment = _one(draw, lived, Status.SETTLED, Status.CAPTURED)
    if payment is None or draw(st.booleans()):
        return
    fact = f.e.SettlementReversed(
        occurred_at=lived.now,
        attempt=payment.attempt.number,
        captured=payment.captured,
        settled=payment.settled,
        evidence=f.said(),
    )
    lived.pays(payment.request.payment_id, [fact, *consequence(fact)], lived.now)


def _recognise(draw: st.DrawFn, lived: Lived) -> None:
    lived.do(c.Recognise(now=lived.bill.recognise_at or _later(draw, lived)))


def _change(draw: st.DrawFn, lived: Lived) -> None:
    now = _later(draw, lived)
    most = lived.bill.terms.share.total.minor
    credited = split(rp(draw(st.just(0) | st.integers(0, most))), AT.date(), draw(st.booleans()))
    lived.do(
        c.ChangeBill(
            now=now,
            at=now - timedelta(hours=draw(st.sampled_from([0, 0, 1, 50]))),
            credited=credited,
            product=draw(st.sampled_from(PRODUCTS)),
        )
    )


def _give_up(draw: st.DrawFn, lived: Lived) -> None:
    kind = draw(st.sampled_from([c.VoidBill, c.WriteOffBill]))
    if not draw(st.integers(0, 4)):
        lived.do(kind(now=_later(draw, lived), reason=""))


MOVES: tuple[Any, ...] = (
    *(_ask, _ask, _ask, _get_paid, _get_paid, _get_paid, _get_paid, _give_up),
    *(_give_back, _give_back, _give_back, _refuse_refund, _refuse_refund, _reverse),
    *(_pay, _pay, _recognise, _recognise, _recognise, _change, _change),
)

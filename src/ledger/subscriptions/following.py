"""What follows from a fact of a subscription, a bill or a payment on the others' streams, in the
same append: three tables from fact to steps.

So a period, its bill and the request for its money are one; and so are a capture, the bill it pays
and the subscription it renews.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from ledger.bills import commands as bc
from ledger.bills import events as be
from ledger.bills.bill import Bill
from ledger.bills.deciding import BOOKED_BILL
from ledger.bills.payments_facts import bill_command
from ledger.clock import Clock
from ledger.errors import LedgerError
from ledger.events import DomainEvent
from ledger.eventstore.joining import Step
from ledger.money import Money
from ledger.payments import commands as pc
from ledger.payments.deciding import BOOKED_PAYMENT
from ledger.payments.events import PaymentRequested, Sale
from ledger.payments.methods import METHODS
from ledger.payments.payment import Payment
from ledger.share import Share
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.billing import bill_of_change, bill_of_period
from ledger.subscriptions.deciding import SUBSCRIPTION
from ledger.subscriptions.subscription import Subscription

Steps = Sequence[Step[Any, Any]]
COUNTRY: Final = "ID"
SELLING: Final = (e.SubscriptionCreated, e.SubscriptionChanged, e.ChangeScheduled)


class PaymentRefused(Exception):
    """A payment could not even be asked for; `refusal` says why."""

    def __init__(self, refusal: LedgerError) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def _request(payment: Payment, command: pc.PaymentCommand) -> Sequence[DomainEvent]:
    try:
        return BOOKED_PAYMENT.decide(payment, command)
    except LedgerError as refusal:
        raise PaymentRefused(refusal) from None


# Tells a refusal of the request for money from one of what was asked of the subscription.
REQUESTED_PAYMENT: Final = replace(BOOKED_PAYMENT, decide=_request)


class Asking(msgspec.Struct, frozen=True, gc=False):
    """What it takes to ask for a payment: how methods fare, who sends, what is known of the payer."""

    health: pc.Health
    sent_by: str
    payer_known: tuple[str, ...]


class Following:
    """Satisfies the store's `then`. Without `asking` nothing that happens asks for a payment, as
    nothing does that a payment brings about.
    """

    def __init__(self, now: Clock, asking: Asking | None = None, besides: Steps = ()) -> None:
        self._now = now
        self._asking = asking
        self._besides = besides  # with what is sold, such as the coupon it uses

    def __call__(self, stream: str, fact: DomainEvent, state: Any) -> Steps:
        if isinstance(state, Payment):
            found = bill_command(state, fact, self._now())
            return [Step(BOOKED_BILL, *found)] if found else ()
        if isinstance(state, Bill):
            return self._after_bill(fact, state)
        if isinstance(state, Subscription):
            rule = ON_SUBSCRIPTION.get(type(fact))
            besides = self._besides if isinstance(fact, SELLING) else ()
            return [*(rule(fact, state) if rule else ()), *besides]
        return ()

    def _after_bill(self, fact: DomainEvent, bill: Bill) -> Steps:
        if isinstance(fact, be.BillCollectionBegun):
            return [self._request(fact, bill)]
        rule = ON_BILL.get(type(fact))
        command = rule(fact, bill, self._now()) if rule else None
        return [Step(SUBSCRIPTION, bill.terms.subscription_id, command)] if command else ()

    def _request(self, fact: be.BillCollectionBegun, bill: Bill) -> Step[Any, Any]:
        assert self._asking is not None, "nothing that a payment brings about asks for another"
        now, opened = fact.occurred_at, bill.terms
        request = PaymentRequested(
            occurred_at=now,
            payment_id=fact.payment_id,
            amount=fact.amount,
            requested_method=fact.method,
            sale=Sale(kind="prepaid", product=opened.product, bill_id=opened.bill_id),
            taxed=opened.tax_mode != "untaxed",
            expires_after_seconds=_seconds(fact, now),
            subscription_id=opened.subscription_id,
            customer_id=opened.customer_id,
            payer_known=self._asking.payer_known,
            saved_method=fact.saved_method,
            share=fact.share,
        )
        command = pc.RequestPayment(
            now=now,
            request=request,
            country=COUNTRY,
            health=self._asking.health,
            sent_by=self._asking.sent_by,
        )
        return Step(REQUESTED_PAYMENT, fact.payment_id, command, is_new=True)


def _seconds(fact: be.BillCollectionBegun, now: datetime) -> int | None:
    """How long instructions last, within what the method allows."""
    if fact.expires_at is None or fact.method not in METHODS:
        return None
    method, asked = METHODS[fact.method], (fact.expires_at - now) // timedelta(seconds=1)
    return max(method.expiry_seconds_minimum, min(asked, method.expiry_seconds_maximum))


def _opened(fact: e.PeriodOpened, s: Subscription) -> Steps:
    command = bc.OpenBill(now=fact.occurred_at, opened=bill_of_period(s, fact))
    return [Step(BOOKED_BILL, fact.bill_id, command, is_new=True)]


def _changed(fact: e.SubscriptionChanged, s: Subscription) -> Steps:
    steps = _credited(fact.credited, fact.at, fact.occurred_at, fact.sold.terms.product)
    if fact.bill_id:
        command = bc.OpenBill(now=fact.occurred_at, opened=bill_of_change(s, fact))
        steps.append(Step(BOOKED_BILL, fact.bill_id, command, is_new=True))
    return steps


def _cancelled(fact: e.SubscriptionCancelled, s: Subscription) -> Steps:
    return _credited(fact.credited, fact.at, fact.occurred_at, s.what.terms.product)


def _credited(
    credited: Sequence[e.Credited], at: datetime, now: datetime, product: str
) -> list[Step[Any, Any]]:
    return [
        Step(
            BOOKED_BILL,
            one.bill_id,
            bc.ChangeBill(now=now, at=at, credited=one.share, product=product),
        )
        for one in credited
    ]


def _ordered(fact: e.CollectionOrdered, s: Subscription) -> Steps:
    command = bc.BeginCollection(
        now=fact.occurred_at,
        payment_id=fact.payment_id,
        method=fact.method,
        saved_method=fact.saved_method,
        expires_at=fact.expires_at,
    )
    return [Step(BOOKED_BILL, fact.bill_id, command)]


def _dropped(fact: e.BillDropped | e.PeriodWithdrawn, s: Subscription) -> Steps:
    void = bc.VoidBill(now=fact.occurred_at, reason=fact.why)
    return [
        Step(BOOKED_BILL, fact.bill_id, void),
        *_withdrawn(fact.payment_ids, fact.occurred_at, fact.why),
    ]


def _settled(fact: e.BillSettled, s: Subscription) -> Steps:
    now = fact.occurred_at
    return [
        *_credited(fact.credited, now, now, s.what.terms.product),
        *_withdrawn(fact.withdrawn, now, "the bill is paid"),
    ]


def _withdrawn(payment_ids: Sequence[str], now: datetime, reason: str) -> list[Step[Any, Any]]:
    return [
        Step(BOOKED_PAYMENT, one, pc.WithdrawPayment(now=now, reason=reason)) for one in payment_ids
    ]


def _dunned(fact: e.DunningStepTaken, s: Subscription) -> Steps:
    if fact.action not in ("pause", "mark_unpaid") or not fact.done:
        return ()
    return [Step(BOOKED_BILL, fact.bill_id, bc.WriteOffBill(now=fact.occurred_at, reason=fact.why))]


ON_SUBSCRIPTION: Final[dict[type[DomainEvent], Callable[[Any, Subscription], Steps]]] = {
    e.PeriodOpened: _opened,
    e.SubscriptionChanged: _changed,
    e.SubscriptionCancelled: _cancelled,
    e.CollectionOrdered: _ordered,
    e.BillDropped: _dropped,
    e.PeriodWithdrawn: _dropped,
    e.BillSettled: _settled,
    e.DunningStepTaken: _dunned,
}


def _paid(fact: be.BillPaid, bill: Bill, now: datetime) -> c.Command:
    return c.RecordBillPaid(
        now=now,
        bill_id=bill.terms.bill_id,
        payment_id=fact.payment_id,
        amount=fact.amount,
    )


def _not_paid(fact: be.BillCollectionFailed, bill: Bill, now: datetime) -> c.Command:
    return c.RecordBillNotPaid(
        now=now,
        bill_id=bill.terms.bill_id,
        payment_id=fact.payment_id,
        code=fact.code,
        words=fact.words,
        trouble=fact.trouble,
    )


def _reopened(fact: be.BillReopened, bill: Bill, now: datetime) -> c.Command:
    return c.RecordBillReopened(
        now=now,
        bill_id=bill.terms.bill_id,
        period=bill.terms.period,
        payment_id=fact.payment_id,
        to_pay=bill.terms.share.total - bill.terms.credit,
        credited=fact.credited.total,
        credited_share=fact.credited,
        credit=bill.terms.credit,
    )


def _credit(amount: Money, bill: Bill, now: datetime) -> c.Command:
    return c.RecordCredit(now=now, bill_id=bill.terms.bill_id, amount=amount)


def _refund(share: Share, bill: Bill, now: datetime) -> c.Command:
    return c.RecordRefund(now=now, bill_id=bill.terms.bill_id, share=share)


def _refunded(fact: be.BillRefunded, bill: Bill, now: datetime) -> c.Command | None:
    """Noted when it was asked for; before bills were told of that, when it was accepted."""
    known = bill.find_refund(fact.refund_id)
    return None if known and known.asked else _refund(_share(fact), bill, now)


def _refund_failed(fact: be.BillRefundFailed, bill: Bill, now: datetime) -> c.Command:
    known = bill.find_refund(fact.refund.refund_id)
    noted = known.asked.share if known and known.asked else _share(fact.refund)
    return _refund(-noted, bill, now)


def _share(refunded: be.BillRefunded) -> Share:
    return Share(net=refunded.net, tax=refunded.amount - refunded.net)


ON_BILL: Final[dict[type[DomainEvent], Callable[[Any, Bill, datetime], c.Command | None]]] = {
    be.BillPaid: _paid,
    be.BillCollectionFailed: _not_paid,
    be.BillReopened: _reopened,
    be.BillPaidTwice: lambda fact, bill, now: _credit(fact.amount, bill, now),
    be.BillRefundAsked: lambda fact, bill, now: _refund(fact.share, bill, now),
    be.BillRefundDropped: lambda fact, bill, now: _refund(-fact.asked.share, bill, now),
    be.BillRefunded: _refunded,
    be.BillRefundFailed: _refund_failed,
    be.BillCreditWithdrawn: lambda fact, bill, now: _credit(-fact.amount, bill, now),
}

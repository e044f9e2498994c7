"""What callers get of a bill, made from its stream."""

from datetime import datetime
from typing import Self

from api.next_action import next_action
from api.views import AsOfView, FailureView, NextActionView, View
from ledger.bills.bill import Bill, Collection
from ledger.bills.events import BillOpened, Line
from ledger.clock import business_date
from ledger.journal import tax
from ledger.money import Money
from ledger.payments.life import LIVE
from ledger.payments.payment import Payment
from ledger.share import Share


class AmountView(View):
    """Revenue and tax; `total` is both."""

    net: int
    tax: int
    total: int

    @classmethod
    def of(cls, share: Share) -> Self:
        return cls(net=share.net.minor, tax=share.tax.minor, total=share.total.minor)


class LineView(View):
    """`amount` is as the plan prices: with tax in it, or without."""

    words: str
    plan_id: str
    quantity: int
    starts_at: datetime
    ends_at: datetime
    amount: int

    @classmethod
    def of(cls, line: Line) -> Self:
        return cls(
            words=line.words,
            plan_id=line.plan_id,
            quantity=line.quantity,
            starts_at=line.starts_at,
            ends_at=line.ends_at,
            amount=line.amount.minor,
        )


class TaxView(View):
    """PPN: `rate` percent of `otherBase`, or of `base` where there is none."""

    mode: str
    base: int
    other_base: int | None
    rate: int | None
    amount: int
    words: str

    @classmethod
    def of(cls, opened: BillOpened) -> Self:
        share, rate = opened.share, tax.rate(business_date(opened.occurred_at))
        if opened.tax_mode == "untaxed":
            return cls(
                mode="untaxed",
                base=share.net.minor,
                other_base=None,
                rate=None,
                amount=0,
                words="No tax",
            )
        inclusive = opened.tax_mode == "inclusive"
        price = share.total if inclusive else share.net
        return cls(
            mode=opened.tax_mode,
            base=share.net.minor,
            other_base=rate.base_of(price.minor, with_tax=inclusive),
            rate=rate.percent,
            amount=share.tax.minor,
            words=_rate_words(rate),
        )


def _rate_words(rate: tax.Rate) -> str:
    if rate.base_numerator == rate.base_denominator:
        return f"PPN {rate.percent} %"
    return f"PPN {rate.percent} % of {rate.base_numerator}/{rate.base_denominator} of the price"


class CostView(View):
    """What a bill costs, before anybody pays it."""

    lines: list[LineView]
    discount: int
    coupon_code: str | None
    tax: TaxView
    amount: AmountView
    credit_used: int
    to_pay: int
    due_at: datetime

    @classmethod
    def of(cls, opened: BillOpened) -> Self:
        return cls(
            lines=[LineView.of(line) for line in opened.lines],
            discount=opened.discount.minor,
            coupon_code=opened.coupon or None,
            tax=TaxView.of(opened),
            amount=AmountView.of(opened.share),
            credit_used=opened.credit.minor,
            to_pay=(opened.share.total - opened.credit).minor,
            due_at=opened.due_at,
        )


class CollectionView(View):
    """A payment for the bill; `nextAction` is what its payer does next."""

    payment_id: str
    status: str
    amount: int
    payment_method: str
    saved_method: str | None
    next_action: NextActionView | None
    failure: FailureView | None
    links: dict[str, str]

    @classmethod
    def of(cls, payment: Payment, collection: Collection | None) -> Self:
        request = payment.request
        action = next_action(payment) if payment.status in LIVE else None
        return cls(
            payment_id=request.payment_id,
            status=payment.public_status,
            amount=request.amount.minor,
            payment_method=payment.attempt.method,
            saved_method=request.saved_method or None,
            next_action=NextActionView.model_validate(action) if action else None,
            failure=_failure(collection),
            links={"self": f"/api/v1/payments/{request.payment_id}"},
        )


def _failure(collection: Collection | None) -> FailureView | None:
    if collection is None or not collection.failure:
        return None
    return FailureView(code=collection.failure, words=collection.failure_words)


class BillView(CostView):
    """`recognised` of its net is earned, `unearned` is paid and still to be earned."""

    bill_id: str
    number: int
    invoice_number: str | None
    subscription_id: str
    customer_id: str
    period: int
    reason: str
    status: str
    currency: str
    plan_id: str
    starts_at: datetime
    ends_at: datetime
    opened_at: datetime
    paid_at: datetime | None
    paid_by: str | None
    payments: list[CollectionView]
    credited: int
    refunded: int
    disputed: bool
    recognised: int
    unearned: int
    updated_at: datetime | None
    links: dict[str, str]
    as_of: AsOfView | None = None  # only where a past state was asked for

    @classmethod
    def shown(cls, bill: Bill, payments: list[Payment]) -> Self:
        opened, paid, nothing = bill.terms, bill.paid, bill.to_pay.zero()
        return cls(
            **dict(CostView.of(opened)),
            bill_id=opened.bill_id,
            number=opened.number,
            invoice_number=opened.invoice_number or None,
            subscription_id=opened.subscription_id,
            customer_id=opened.customer_id,
            period=opened.period,
            reason=opened.reason,
            status=bill.status.value,
            currency=opened.share.net.currency,
            plan_id=opened.plan_id,
            starts_at=opened.starts_at,
            ends_at=opened.ends_at,
            opened_at=opened.occurred_at,
            paid_at=paid.occurred_at if paid else None,
            paid_by=(paid.payment_id or None) if paid else None,
            payments=[collection_of(bill, one) for one in payments],
            credited=(bill.credited.total if bill.credited else nothing).minor,
            refunded=_refunded(bill, nothing).minor,
            disputed=bill.disputed,
            recognised=sum((one.earned for one in bill.schedules), nothing).minor,
            unearned=bill.unearned.minor,
            updated_at=bill.updated_at,
            links={
                "self": f"/api/v1/bills/{opened.bill_id}",
                "subscription": f"/api/v1/subscriptions/{opened.subscription_id}",
            },
        )


def collection_of(bill: Bill, payment: Payment) -> CollectionView:
    return CollectionView.of(payment, bill.find_collection(payment.request.payment_id))


def _refunded(bill: Bill, nothing: Money) -> Money:
    made = (one.refunded for one in bill.refunds if not one.failed)
    return sum((one.amount for one in made if one), nothing)

"""What callers get of a subscription, made from its stream and those of its open bills."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Self

from api.bill_views import AmountView, CollectionView, CostView, collection_of
from api.quotes import Quote
from api.views import AsOfView, View
from ledger.bills.bill import Bill
from ledger.bills.events import BillOpened
from ledger.payments.payment import Payment
from ledger.subscriptions import events as e
from ledger.subscriptions.charged import Charged
from ledger.subscriptions.events import Sold
from ledger.subscriptions.life import ENDED, Status
from ledger.subscriptions.preview import Preview
from ledger.subscriptions.pricing import price
from ledger.subscriptions.subscription import Dunning, OpenBill, Subscription


class IntervalView(View):
    unit: str
    count: int


class CouponView(View):
    """`billsLeft` is how many more bills it is good for; without it, all."""

    code: str
    bills_left: int | None


class SoldView(View):
    """`unitPrice` is of one unit for one interval, as the plan prices; `price` of all, coupon off."""

    plan_id: str
    plan_version: int
    plan_name: str
    quantity: int
    unit_price: int
    price: int
    currency: str
    tax_mode: str
    interval: IntervalView
    coupon: CouponView | None

    @classmethod
    def of(cls, sold: Sold) -> Self:
        terms, coupon = sold.terms, sold.coupon
        left = CouponView(code=coupon.code, bills_left=sold.coupon_left) if coupon else None
        return cls(
            plan_id=sold.plan_id,
            plan_version=terms.version,
            plan_name=terms.name,
            quantity=sold.quantity,
            unit_price=terms.price.minor,
            price=price(sold).net.minor,
            currency=terms.price.currency,
            tax_mode=terms.tax_mode,
            interval=IntervalView(unit=terms.interval.unit, count=terms.interval.count),
            coupon=left,
        )


class PayingView(View):
    """`savedMethod` is charged; without it bills are sent, to be paid by `method`."""

    method: str
    saved_method: str | None
    fallback_methods: list[str]

    @classmethod
    def of(cls, paying: e.Paying) -> Self:
        return cls(
            method=paying.method,
            saved_method=paying.saved_method or None,
            fallback_methods=list(paying.fallback),
        )


class PeriodView(View):
    number: int
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, charged: Charged) -> Self:
        return cls(number=charged.number, starts_at=charged.starts_at, ends_at=charged.ends_at)


class RenewalView(View):
    """The next whole period, as it will be billed if everybody pays until then."""

    starts_at: datetime
    ends_at: datetime
    bill: CostView

    @classmethod
    def of(cls, opened: BillOpened) -> Self:
        return cls(starts_at=opened.starts_at, ends_at=opened.ends_at, bill=CostView.of(opened))


class OpenBillView(View):
    """`payment` is the newest one asked for; what its payer does is its `nextAction`."""

    bill_id: str
    period: int
    to_pay: int
    due_at: datetime
    attempts: int
    given_up: bool
    payment: CollectionView | None
    links: dict[str, str]

    @classmethod
    def of(cls, bill: OpenBill, payment: CollectionView | None) -> Self:
        return cls(
            bill_id=bill.bill_id,
            period=bill.period,
            to_pay=bill.to_pay.minor,
            due_at=bill.due_at,
            attempts=bill.attempts,
            given_up=bill.written_off,
            payment=payment,
            links={"self": f"/api/v1/bills/{bill.bill_id}"},
        )


class DunningView(View):
    """Steps of the policy that were taken, and when the next one is."""

    bill_id: str
    policy: str
    policy_version: int
    overdue_since: datetime
    steps_taken: int
    next_step_at: datetime | None

    @classmethod
    def of(cls, dunning: Dunning) -> Self:
        return cls(
            bill_id=dunning.bill_id,
            policy=dunning.policy,
            policy_version=dunning.version,
            overdue_since=dunning.overdue_since,
            steps_taken=dunning.step,
            next_step_at=dunning.step_at,
        )


class ScheduledView(View):
    effective_at: datetime
    proration: str
    sold: SoldView

    @classmethod
    def of(cls, scheduled: e.ChangeScheduled) -> Self:
        return cls(
            effective_at=scheduled.at,
            proration=scheduled.mode,
            sold=SoldView.of(scheduled.sold),
        )


class EndView(View):
    effective_at: datetime
    reason: str
    credit: bool

    @classmethod
    def of(cls, cancel: e.CancellationScheduled) -> Self:
        return cls(effective_at=cancel.at, reason=cancel.reason, credit=cancel.with_credit)


class Shown(NamedTuple):
    """A subscription and what belongs to it, all read at one moment."""

    subscription: Subscription
    bills: Sequence[tuple[OpenBill, Bill, Payment | None]]  # with its newest payment
    renewal: BillOpened | None
    now: datetime


class SubscriptionView(SoldView):
    """What is in force now. `version` grows with everything that happens to it; it is the ETag. `credit` is used by the
    next bills (below zero: owed), `carried` comes on the next one.
    """

    subscription_id: str
    version: int
    status: str
    access: bool
    customer_id: str
    paying: PayingView
    zone: str
    current_period: PeriodView | None
    trial_ends_at: datetime | None
    paid_until: datetime | None
    next_renewal: RenewalView | None
    open_bills: list[OpenBillView]
    credit: int
    carried: AmountView
    dunning: DunningView | None
    scheduled_change: ScheduledView | None
    cancellation: EndView | None
    resume_at: datetime | None
    missed_periods: int
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime | None
    links: dict[str, str]
    as_of: AsOfView | None = None  # only where a past state was asked for

    @classmethod
    def shown(cls, shown: Shown) -> Self:
        s, created = shown.subscription, shown.subscription.creation
        running = _running(s, shown.now)
        path = f"/api/v1/subscriptions/{s.subscription_id}"
        return cls(
            **dict(SoldView.of(s.sold_at(shown.now))),
            subscription_id=s.subscription_id,
            version=s.facts,
            status=s.status.value,
            access=s.has_access,
            customer_id=created.customer_id,
            paying=PayingView.of(s.paying),
            zone=s.schedule.zone,
            current_period=PeriodView.of(running) if running else None,
            trial_ends_at=s.trial_ends_at,
            paid_until=s.paid_until,
            next_renewal=RenewalView.of(shown.renewal) if shown.renewal else None,
            open_bills=[_open_bill(*one) for one in shown.bills],
            credit=s.credit.minor,
            carried=AmountView.of(s.carried),
            dunning=DunningView.of(s.dunning) if s.dunning else None,
            scheduled_change=ScheduledView.of(s.scheduled) if s.scheduled else None,
            cancellation=EndView.of(s.cancel) if s.cancel else None,
            resume_at=s.resume_at if s.status is Status.PAUSED else None,
            missed_periods=len(s.missed),
            metadata=created.metadata,
            created_at=created.occurred_at,
            updated_at=s.updated_at,
            links={"self": path, "events": f"{path}/events"},
        )


def _running(s: Subscription, now: datetime) -> Charged | None:
    """Of what has not ended, the period that was billed and holds this moment."""
    running = s.charged_at(now)
    return running if running and running.bills and s.status not in ENDED else None


def _open_bill(bill: OpenBill, whole: Bill, newest: Payment | None) -> OpenBillView:
    return OpenBillView.of(bill, collection_of(whole, newest) if newest else None)


class PreviewView(View):
    """What the change would bring. With `quoteId` in the request that makes it, until
    `quoteExpiresAt`, the bill is exactly this `charge`.

    `charge` is for the change itself, now or at `effectiveDate`; `credited` is given for what was paid
    and is not used, `carriedToNextBill` comes with the renewal, `creditLeft` is left afterwards.
    """

    subscription_id: str
    effective_date: datetime
    takes_effect: str
    proration: str
    sold: SoldView
    charge: CostView | None
    credited: int
    carried_to_next_bill: AmountView
    credit_left: int
    withdrawn_bills: list[str]
    next_renewal: RenewalView | None
    cannot_be_made: str | None
    quote_id: str
    quote_expires_at: datetime

    @classmethod
    def of(cls, subscription_id: str, found: Preview, quote: Quote, quote_id: str) -> Self:
        return cls(
            subscription_id=subscription_id,
            effective_date=found.at,
            takes_effect="later" if found.is_later else "now",
            proration=found.mode,
            sold=SoldView.of(found.sold),
            charge=CostView.of(found.bill) if found.bill else None,
            credited=found.credited.minor,
            carried_to_next_bill=AmountView.of(found.carried),
            credit_left=found.credit_left.minor,
            withdrawn_bills=list(found.withdrawn),
            next_renewal=RenewalView.of(found.renewal) if found.renewal else None,
            cannot_be_made=found.refusal or None,
            quote_id=quote_id,
            quote_expires_at=quote.expires_at,
        )

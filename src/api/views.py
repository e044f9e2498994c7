"""What callers get: a payment as it stands, made from its stream, never from a read model that may
lag.
"""

from collections import Counter
from datetime import date, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from api.next_action import next_action
from ledger.payments.events import Fee
from ledger.payments.life import LIVE
from ledger.payments.payment import Attempt, Payment, Refund
from ledger.payments.refunding import how_paid


class View(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class MessageView(View):
    en: str
    id: str


class NextActionView(View):
    """What the payer does next; which fields are there depends on `type`."""

    type: str
    message: MessageView
    deadline: datetime | None = None
    deadline_words: str | None = None
    bank: str | None = None
    account_number: str | None = None
    biller_code: str | None = None
    bill_key: str | None = None
    qr_string: str | None = None
    qr_image_url: str | None = None
    deeplink_url: str | None = None
    store: str | None = None
    payment_code: str | None = None
    redirect_url: str | None = None
    session_token: str | None = None


class FailureView(View):
    code: str
    words: str


class AttemptView(View):
    number: int
    method: str
    status: str
    order_id: str
    transaction_id: str | None
    routing_rule: str
    routing_reason: str
    retries: int
    next_try_at: datetime | None
    expires_at: datetime | None
    failure: FailureView | None

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        failed = FailureView(code=attempt.failure, words=attempt.failure_words)
        return cls(
            number=attempt.number,
            method=attempt.method,
            status=attempt.status.value,
            order_id=attempt.order_id,
            transaction_id=attempt.transaction_id or None,
            routing_rule=attempt.why.rule,
            routing_reason=attempt.why.words,
            retries=attempt.retries,
            next_try_at=attempt.not_before,
            expires_at=attempt.expires_at,
            failure=failed if attempt.failure else None,
        )


class FeeView(View):
    percentage: int
    fixed: int
    tax: int
    total: int

    @classmethod
    def of(cls, fee: Fee) -> Self:
        return cls(
            percentage=fee.percentage.minor,
            fixed=fee.fixed.minor,
            tax=fee.tax.minor,
            total=fee.total.minor,
        )


class RefundView(View):
    refund_id: str
    amount: int
    reason: str
    status: str
    requested_at: datetime
    failure: FailureView | None

    @classmethod
    def of(cls, refund: Refund) -> Self:
        failed = FailureView(code=refund.failure, words=refund.failure_words)
        return cls(
            refund_id=refund.refund_id,
            amount=refund.amount.minor,
            reason=refund.reason,
            status=refund.status.value,
            requested_at=refund.requested_at,
            failure=failed if refund.failure else None,
        )


class AsOfView(View):
    """What stood then: the stream up to this event, which was the last one."""

    version: int
    position: int
    recorded_at: datetime


class PaymentView(View):
    payment_id: str
    status: str
    amount: int
    currency: str
    payment_method: str
    requested_method: str
    next_action: NextActionView | None
    captured_amount: int
    authorised_amount: int | None
    fee: FeeView | None
    net_amount: int | None
    refunded_amount: int
    refundable_amount: int
    refunds: list[RefundView]
    attempts: list[AttemptView]
    cancel_requested: bool
    under_review: str | None
    subscription_id: str | None
    customer_id: str | None
    saved_method: str | None
    metadata: dict[str, str]
    created_at: datetime | None
    updated_at: datetime | None
    links: dict[str, str]
    as_of: AsOfView | None = None  # only where a past state was asked for

    @classmethod
    def of(cls, payment: Payment, as_of: AsOfView | None = None) -> Self:
        request = payment.request
        action = next_action(payment) if payment.status in LIVE else None
        path = f"/api/v1/payments/{request.payment_id}"
        return cls(
            payment_id=request.payment_id,
            status=payment.public_status,
            amount=request.amount.minor,
            currency=request.amount.currency,
            payment_method=payment.attempt.method,
            requested_method=request.requested_method,
            next_action=NextActionView.model_validate(action) if action else None,
            captured_amount=payment.captured.amount.minor if payment.captured else 0,
            authorised_amount=payment.authorised.minor if payment.authorised else None,
            fee=FeeView.of(payment.settled.fee) if payment.settled else None,
            net_amount=payment.settled.net.minor if payment.settled else None,
            refunded_amount=payment.refunded.minor,
            refundable_amount=_refundable(payment),
            refunds=[RefundView.of(refund) for refund in payment.refunds],
            attempts=[AttemptView.of(attempt) for attempt in payment.attempts],
            cancel_requested=payment.cancel_asked,
            under_review=payment.review or None,
            subscription_id=request.subscription_id or None,
            customer_id=request.customer_id or None,
            saved_method=request.saved_method or None,
            metadata=request.metadata,
            created_at=payment.requested_at,
            updated_at=payment.updated_at,
            links={"self": path, "events": f"{path}/events"},
            as_of=as_of,
        )


def _refundable(payment: Payment) -> int:
    """What could be asked back through the gateway; nothing for methods that it does not refund, nor for
    an import without the gateway's own id.
    """
    allowed = how_paid(payment).refund.allowed != "none" and payment.attempt.order_id != ""
    return payment.refundable.minor if allowed else 0


class ImportView(View):
    """One item of an import, in the order they were sent; `problem` says why it was refused."""

    reference: str | None
    payment_id: str | None
    outcome: Literal["recorded", "repeated", "refused"]
    problem: dict[str, Any] | None


class BulkView(View):
    recorded: int
    repeated: int
    refused: int
    results: list[ImportView]

    @classmethod
    def of(cls, results: list[ImportView]) -> Self:
        counted = Counter(result.outcome for result in results)
        return cls(
            recorded=counted["recorded"],
            repeated=counted["repeated"],
            refused=counted["refused"],
            results=results,
        )


class FreshnessView(View):
    """How far the read models have come: they show the log up to these positions."""

    head: int
    money: int
    views: int

    @property
    def behind(self) -> int:
        return self.head - min(self.money, self.views)


class Page(View):
    """`nextCursor` is there when more follows. `asOf` says how fresh the list is."""

    next_cursor: str | None
    as_of: FreshnessView


class PaymentRowView(View):
    payment_id: str
    status: str
    amount: int
    currency: str
    payment_method: str
    captured_amount: int
    refunded_amount: int
    fee_amount: int | None
    net_amount: int | None
    under_review: bool
    customer_id: str | None
    subscription_id: str | None
    metadata: dict[str, str]
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        return cls(
            payment_id=row["payment_id"],
            status=row["status"],
            amount=row["amount_minor"],
            currency=row["currency"],
            payment_method=row["method"],
            captured_amount=row["captured_minor"],
            refunded_amount=row["refunded_minor"],
            fee_amount=row["fee_minor"],
            net_amount=row["net_minor"],
            under_review=row["under_review"],
            customer_id=row["customer_id"] or None,
            subscription_id=row["subscription_id"] or None,
            metadata=row["metadata"],
            expires_at=row["expires_at"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )


class PaymentPage(Page):
    payments: list[PaymentRowView]


class EventView(View):
    version: int
    position: int
    topic: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    command_id: str
    event: dict[str, Any]


class EventPage(Page):
    events: list[EventView]


class BalanceView(View):
    account: str
    currency: str
    balance: int
    debit: int
    credit: int
    label: str


class StandingView(View):
    """Where a day or a point was asked for: of what counts up to `effectiveOn`, as known at `position`."""

    effective_on: date | None = None
    position: int | None = None


class BalancePage(StandingView):
    accounts: list[BalanceView]
    as_of: FreshnessView


class AccountView(StandingView):
    """One balance a currency; none where nothing was posted."""

    account: str
    label: str
    balances: list[BalanceView]
    as_of: FreshnessView


class TrialBalance(BalancePage):
    """`totals` per currency are zero, or something is broken."""

    totals: dict[str, int]


class PostingView(View):
    entry_id: str
    position: int
    rule: str
    words: str
    effective_on: str
    original_on: str | None  # the day that it names, where the books of that day were closed
    occurred_at: datetime
    recorded_at: datetime
    amount: int
    currency: str
    payment_id: str | None
    bill_id: str | None


class PostingPage(Page):
    account: str
    entries: list[PostingView]


class MethodView(View):
    code: str
    name: str
    family: str
    available: bool
    why_not: str | None
    degraded: bool
    fee: FeeView
    currency: str
    minimum_amount: int
    maximum_amount: int
    expires_after_seconds: int
    refundable: str
    refund_window_days: int
    capture_later: bool
    payer_needed: list[str]
    networks: list[str]


class MethodList(View):
    country: str
    amount: int
    methods: list[MethodView]

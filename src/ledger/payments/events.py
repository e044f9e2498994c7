"""Everything that can happen to a payment, in the order of its life.

Facts are complete: each money fact carries the split that its journal entry needs, so that books
are rebuilt from the log without looking anything up. Amounts are gross (as the payer sees them)
unless a name says otherwise.
"""

from datetime import datetime
from typing import Literal

import msgspec

from ledger.events import DomainEvent
from ledger.money import Money
from ledger.privacy.sealed import Sealed
from ledger.share import Share


class Sale(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What was sold: `prepaid` defers the revenue, `delivered` earns it at once (books.md P1, P1b)."""

    kind: Literal["delivered", "prepaid"] = "delivered"
    product: str = "General"  # last part of the income or deferred revenue account
    bill_id: str = ""  # the bill of a subscription that it pays


class Fee(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the gateway keeps: a percentage (MDR), a fixed part, and PPN on both."""

    percentage: Money
    fixed: Money
    tax: Money

    @property
    def total(self) -> Money:
        return self.percentage + self.fixed + self.tax


class RoutingReason(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Why this method: what was asked for, which rule decided, and what else stood by, best first."""

    rule: Literal["asked", "preference", "availability", "cost", "fallback"]
    words: str
    considered: tuple[str, ...] = ()


class Instructions(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What the payer needs to pay. `kind` says which of the other fields are set."""

    kind: Literal[
        "none", "virtual_account", "bill", "qr", "deeplink", "payment_code", "redirect", "push"
    ]
    bank: str = ""
    account_number: str = ""
    biller_code: str = ""
    bill_key: str = ""
    qr_string: str = ""
    qr_image_url: str = ""
    deeplink_url: str = ""
    store: str = ""
    payment_code: str = ""
    redirect_url: str = ""
    session_token: str = ""


class Evidence(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What the gateway said: SHA-256 of the raw bytes, and the words of it that name no person."""

    source: Literal["charge", "inquiry", "capture", "cancel", "expire", "approve", "deny", "refund"]
    digest: str
    said: dict[str, str] = {}


class PaymentRequested(DomainEvent, topic="payment.requested.v1"):
    payment_id: str
    amount: Money
    requested_method: str  # a method of the catalogue or a family of methods
    sale: Sale
    taxed: bool = True  # the amount includes PPN
    capture: Literal["at_once", "later"] = "at_once"
    fallback: tuple[str, ...] = ()  # methods to try next, in order of preference
    expires_after_seconds: int | None = None
    subscription_id: str = ""
    customer_id: str = ""
    metadata: dict[str, str] = {}
    payer: Sealed | None = None  # JSON of name, e-mail, phone
    payer_known: tuple[str, ...] = ()  # which of these fields are there
    card_token: Sealed | None = None
    saved_method: str = ""  # of the customer; charged instead of a token
    share: Share | None = None  # of the whole amount, where another than the usual split is right


class AttemptStarted(DomainEvent, topic="payment.attempt_started.v1"):
    """A new order id exists before its first byte leaves; an order id is never used for a second
    attempt.
    """

    attempt: int
    order_id: str
    method: str
    why: RoutingReason


class ChargeDispatched(DomainEvent, topic="payment.charge_dispatched.v1"):
    """Whoever appended this, and nobody else, may send the charge."""

    attempt: int
    sent_by: str
    sending: int  # 1 for the first sending of this order id


class ChargeOutcomeUnknown(DomainEvent, topic="payment.charge_outcome_unknown.v1"):
    attempt: int
    cause: str
    detail: str = ""


class ChargeRetryScheduled(DomainEvent, topic="payment.charge_retry_scheduled.v1"):
    """The gateway provably did not act, and said why in a way that may pass."""

    attempt: int
    retry: int
    not_before: datetime
    cause: str
    detail: str = ""


class ChargePending(DomainEvent, topic="payment.charge_pending.v1"):
    attempt: int
    transaction_id: str
    instructions: Instructions
    expires_at: datetime | None
    evidence: Evidence


class ChargeChallenged(DomainEvent, topic="payment.charge_challenged.v1"):
    """Fraud screening wants a person's decision before the card is charged."""

    attempt: int
    transaction_id: str
    evidence: Evidence


class ChargeAuthorised(DomainEvent, topic="payment.charge_authorised.v1"):
    attempt: int
    transaction_id: str
    amount: Money
    evidence: Evidence


class PaymentCaptured(DomainEvent, topic="payment.captured.v1"):
    """The payer has paid. `due` is what was asked for; a difference was accepted by a named person."""

    attempt: int
    transaction_id: str
    amount: Money
    due: Money
    share: Share  # of what was due
    sale: Sale
    evidence: Evidence
    rounding: Money = Money(0)  # forgiven shortfall (books.md P14)


class PaymentSettled(DomainEvent, topic="payment.settled.v1"):
    """The gateway owes us the net amount; its fee is deducted."""

    attempt: int
    transaction_id: str
    amount: Money
    fee: Fee
    net: Money
    evidence: Evidence


class PaymentImported(DomainEvent, topic="payment.imported.v1"):
    """Another system took this payment, and the gateway has settled it: it is a whole life in one fact.

    `occurred_at` is when it was settled.
    """

    payment_id: str
    reference: str  # the importing caller's own id of it
    amount: Money
    method: str
    sale: Sale
    share: Share
    fee: Fee
    net: Money
    taxed: bool = True
    order_id: str = ""  # as the gateway knows it; without it there is no refund through the gateway
    transaction_id: str = ""
    subscription_id: str = ""
    customer_id: str = ""
    metadata: dict[str, str] = {}


class ChargeDenied(DomainEvent, topic="payment.charge_denied.v1"):
    attempt: int
    code: str
    words: str
    evidence: Evidence


class ChargeFailed(DomainEvent, topic="payment.charge_failed.v1"):
    """The gateway provably did not charge, and trying this attempt again will not help."""

    attempt: int
    code: str
    words: str


class ChargeExpired(DomainEvent, topic="payment.charge_expired.v1"):
    attempt: int
    evidence: Evidence


class ChargeCancelled(DomainEvent, topic="payment.charge_cancelled.v1"):
    """Void: nothing was kept. `captured` is what had been booked for it, if anything."""

    attempt: int
    evidence: Evidence
    captured: PaymentCaptured | None = None


class SettlementReversed(DomainEvent, topic="payment.settlement_reversed.v1"):
    """Paid, then not paid after all (midtrans.md 11.1: Permata, Mandiri Bill, Indomaret)."""

    attempt: int
    captured: PaymentCaptured
    settled: PaymentSettled | None
    evidence: Evidence


class LatePaymentReceived(DomainEvent, topic="payment.late_payment_received.v1"):
    """Money came in on an attempt that was over; it belongs to the payer until somebody decides."""

    attempt: int
    transaction_id: str
    amount: Money
    because: Literal["expired", "cancelled", "denied", "failed", "paid_twice"]
    evidence: Evidence


class LatePaymentSettled(DomainEvent, topic="payment.late_payment_settled.v1"):
    """The gateway owes us late money, too, less its fee; it can be given back from now on."""

    attempt: int
    amount: Money
    fee: Fee
    net: Money
    evidence: Evidence


class LatePaymentReturned(DomainEvent, topic="payment.late_payment_returned.v1"):
    """The payer has, or will get, the money back. `received` is what had been booked for it."""

    attempt: int
    how: Literal["cancelled", "refunded", "by_hand"]
    received: LatePaymentReceived


class StrayChargeFound(DomainEvent, topic="payment.stray_charge_found.v1"):
    """The gateway spoke of something under an order that is over: it is asked again, and what is there
    is undone.
    """

    attempt: int
    transaction_id: str
    evidence: Evidence


class AttemptClosed(DomainEvent, topic="payment.attempt_closed.v1"):
    """Nobody asks after this order id any more; only a notice of the gateway would be heard."""

    attempt: int


class CaptureRequested(DomainEvent, topic="payment.capture_requested.v1"):
    attempt: int
    amount: Money


class CaptureRefused(DomainEvent, topic="payment.capture_refused.v1"):
    attempt: int
    code: str
    words: str


class CancelRequested(DomainEvent, topic="payment.cancel_requested.v1"):
    attempt: int
    reason: str = ""


class CancelRefused(DomainEvent, topic="payment.cancel_refused.v1"):
    attempt: int
    code: str
    words: str


class PaymentAbandoned(DomainEvent, topic="payment.abandoned.v1"):
    """Given up: never sent, or never seen by the gateway. What was sent stays watched from then on."""

    attempt: int
    reason: str = ""
    watch_from: datetime | None = None


class RefundRequested(DomainEvent, topic="payment.refund_requested.v1"):
    """`late_attempt`: the attempt whose late money goes back; 0 when it is the payment's own."""

    refund_id: str
    amount: Money
    reason: str
    late_attempt: int = 0


class RefundDispatched(DomainEvent, topic="payment.refund_dispatched.v1"):
    refund_id: str
    sent_by: str
    sending: int


class RefundOutcomeUnknown(DomainEvent, topic="payment.refund_outcome_unknown.v1"):
    refund_id: str
    cause: str
    detail: str = ""


class RefundRetryScheduled(DomainEvent, topic="payment.refund_retry_scheduled.v1"):
    refund_id: str
    retry: int
    not_before: datetime
    cause: str
    detail: str = ""


class RefundAccepted(DomainEvent, topic="payment.refund_accepted.v1"):
    """The gateway took the refund; the payer is owed. The split follows the cumulative rule of
    books.md 2; late money was never revenue and comes from the customers' unapplied money alone.
    """

    refund_id: str
    amount: Money
    from_deferred: Money
    from_income: Money
    tax: Money
    sale: Sale
    evidence: Evidence
    from_unapplied: Money = Money(0)


class RefundConfirmed(DomainEvent, topic="payment.refund_confirmed.v1"):
    """The bank confirmed it. The percentage part of the fee comes back with its tax, the fixed part
    does not.
    """

    refund_id: str
    amount: Money
    from_available: Money
    overdrawn: Money
    fee_returned: Money
    fee_tax_returned: Money
    evidence: Evidence
    late_attempt: int = 0  # as it was requested


class RefundFailed(DomainEvent, topic="payment.refund_failed.v1"):
    refund_id: str
    code: str
    words: str
    accepted: RefundAccepted | None = None


class ChargebackReceived(DomainEvent, topic="payment.chargeback_received.v1"):
    amount: Money
    fee: Money
    fee_tax: Money
    evidence: Evidence


class ReviewRequested(DomainEvent, topic="payment.review_requested.v1"):
    """The payment is frozen until a named person decides."""

    rule: Literal["amount_differs", "refund_not_ours", "state_not_understood"]
    words: str
    attempt: int = 0
    evidence: Evidence | None = None

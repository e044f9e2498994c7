"""The whole life of a payment and of a refund, as tables. docs/payments.md prints them.

Deciders read the left two columns (`may`), `evolve` the right one: a rule may tighten and history
still loads.
"""

from enum import StrEnum
from typing import Final

from ledger.events import DomainEvent
from ledger.payments import events as e
from ledger.payments import review_events as r


class Status(StrEnum):
    NEW = "new"
    REQUESTED = "requested"
    DISPATCHED = "dispatched"
    UNKNOWN = "unknown"
    PENDING = "pending"
    CHALLENGED = "challenged"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    SETTLED = "settled"
    DENIED = "denied"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REVERSED = "reversed"
    CHARGED_BACK = "charged_back"


S = Status

# The gateway may know the order: also while it waits to be sent again, for an earlier sending may
# have arrived.
SENT: Final = (S.REQUESTED, S.DISPATCHED, S.UNKNOWN)

# What is over as far as we know; money may come in nevertheless.
OVER: Final = (S.DENIED, S.FAILED, S.EXPIRED, S.CANCELLED)
BEGUN: Final = tuple(s for s in S if s is not S.NEW)

# from                                        event                     to (None: stays)
TRANSITIONS: Final[tuple[tuple[tuple[Status, ...], type[DomainEvent], Status | None], ...]] = (
    ((S.NEW,),                                  e.PaymentRequested,       S.REQUESTED),
    ((S.NEW,),                                  e.PaymentImported,        S.SETTLED),
    ((S.REQUESTED,),                            e.AttemptStarted,         S.REQUESTED),
    ((S.DENIED, S.FAILED),                      e.AttemptStarted,         S.REQUESTED),
    ((S.REQUESTED, S.UNKNOWN),                  e.ChargeDispatched,       S.DISPATCHED),
    ((S.DISPATCHED,),                           e.ChargeOutcomeUnknown,   S.UNKNOWN),
    ((S.DISPATCHED, S.UNKNOWN),                 e.ChargeRetryScheduled,   S.REQUESTED),
    ((*SENT, S.PENDING),                        e.ChargePending,          S.PENDING),
    ((*SENT, S.PENDING),                        e.ChargeChallenged,       S.CHALLENGED),
    ((*SENT, S.PENDING, S.CHALLENGED),          e.ChargeAuthorised,       S.AUTHORISED),
    ((*SENT, S.PENDING, S.CHALLENGED, S.AUTHORISED),
                                                e.PaymentCaptured,        S.CAPTURED),
    ((S.CAPTURED,),                             e.PaymentSettled,         S.SETTLED),
    ((*SENT, S.PENDING, S.CHALLENGED, S.AUTHORISED),
                                                e.ChargeDenied,           S.DENIED),
    ((*SENT, S.PENDING, S.CHALLENGED, S.AUTHORISED),
                                                e.ChargeFailed,           S.FAILED),
    ((*SENT, S.PENDING, S.CHALLENGED, S.AUTHORISED),
                                                e.ChargeExpired,          S.EXPIRED),
    ((*SENT, S.PENDING, S.CHALLENGED, S.AUTHORISED, S.CAPTURED),
                                                e.ChargeCancelled,        S.CANCELLED),
    ((S.CAPTURED, S.SETTLED),                   e.SettlementReversed,     S.REVERSED),
    (SENT,                                      e.PaymentAbandoned,       S.CANCELLED),
    (BEGUN,                                     e.LatePaymentReceived,    None),
    (BEGUN,                                     e.LatePaymentSettled,     None),
    (BEGUN,                                     e.LatePaymentReturned,    None),
    (BEGUN,                                     e.StrayChargeFound,       None),
    (BEGUN,                                     e.AttemptClosed,          None),
    ((S.AUTHORISED,),                           e.CaptureRequested,       None),
    ((S.AUTHORISED,),                           e.CaptureRefused,         None),
    ((S.DISPATCHED, S.UNKNOWN, S.PENDING, S.CHALLENGED, S.AUTHORISED, S.CAPTURED),
                                                e.CancelRequested,        None),
    ((S.DISPATCHED, S.UNKNOWN, S.PENDING, S.CHALLENGED, S.AUTHORISED, S.CAPTURED, S.SETTLED),
                                                e.CancelRefused,          None),
    # Of the payment's own money; late money goes back whatever became of the payment.
    ((S.SETTLED,),                              e.RefundRequested,        None),
    ((S.SETTLED,),                              e.RefundDispatched,       None),
    ((S.SETTLED, S.CHARGED_BACK),               e.RefundOutcomeUnknown,   None),
    ((S.SETTLED,),                              e.RefundRetryScheduled,   None),
    ((S.SETTLED, S.CHARGED_BACK),               e.RefundAccepted,         None),
    ((S.SETTLED, S.CHARGED_BACK),               e.RefundConfirmed,        None),
    ((S.SETTLED, S.CHARGED_BACK),               e.RefundFailed,           None),
    ((S.SETTLED,),                              e.ChargebackReceived,     S.CHARGED_BACK),
    (BEGUN,                                     e.ReviewRequested,        None),
    (BEGUN,                                     r.DecisionNeeded,         None),
    (BEGUN,                                     r.ReviewProposed,         None),
    (BEGUN,                                     r.ReviewDecided,          None),
    (BEGUN,                                     r.QuestionAnswered,       None),
)  # fmt: skip

NEXT: Final = {
    (status, event): to or status for sources, event, to in TRANSITIONS for status in sources
}

LIVE: Final = frozenset({
    S.REQUESTED, S.DISPATCHED, S.UNKNOWN, S.PENDING, S.CHALLENGED, S.AUTHORISED, S.CAPTURED,
})  # fmt: skip


class RefundStatus(StrEnum):
    REQUESTED = "requested"
    DISPATCHED = "dispatched"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    FAILED = "failed"


R = RefundStatus

REFUND_TRANSITIONS: Final[tuple[tuple[tuple[RefundStatus, ...], type[DomainEvent], RefundStatus], ...]] = (
    ((R.REQUESTED, R.UNKNOWN),               e.RefundDispatched,     R.DISPATCHED),
    ((R.DISPATCHED,),                        e.RefundOutcomeUnknown, R.UNKNOWN),
    ((R.DISPATCHED, R.UNKNOWN),              e.RefundRetryScheduled, R.REQUESTED),
    ((R.REQUESTED, R.DISPATCHED, R.UNKNOWN), e.RefundAccepted,       R.ACCEPTED),
    ((R.ACCEPTED,),                          e.RefundConfirmed,      R.CONFIRMED),
    ((R.REQUESTED, R.DISPATCHED, R.UNKNOWN, R.ACCEPTED),
                                             e.RefundFailed,         R.FAILED),
)  # fmt: skip

REFUND_NEXT: Final = {
    (status, event): to for sources, event, to in REFUND_TRANSITIONS for status in sources
}

# Of which the last word has not been said.
OPEN_REFUND: Final = frozenset({R.REQUESTED, R.DISPATCHED, R.UNKNOWN, R.ACCEPTED})

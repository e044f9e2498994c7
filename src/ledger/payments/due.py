"""What has to be done next for a payment, and when: one row an event (the words: ledger/due.py).

Work is about the number of an attempt or the id of a refund.
"""

from datetime import timedelta
from typing import Final

from ledger.due import Delay, Rule
from ledger.events import DomainEvent
from ledger.payments.events import (
    AttemptClosed,
    AttemptStarted,
    CancelRefused,
    CancelRequested,
    CaptureRefused,
    CaptureRequested,
    ChargeAuthorised,
    ChargebackReceived,
    ChargeCancelled,
    ChargeChallenged,
    ChargeDenied,
    ChargeDispatched,
    ChargeExpired,
    ChargeFailed,
    ChargeOutcomeUnknown,
    ChargePending,
    ChargeRetryScheduled,
    LatePaymentReceived,
    LatePaymentReturned,
    LatePaymentSettled,
    PaymentAbandoned,
    PaymentCaptured,
    PaymentImported,
    PaymentRequested,
    PaymentSettled,
    RefundAccepted,
    RefundConfirmed,
    RefundDispatched,
    RefundFailed,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundRetryScheduled,
    ReviewRequested,
    SettlementReversed,
    StrayChargeFound,
)
from ledger.payments.review_events import (
    DecisionNeeded,
    QuestionAnswered,
    ReviewDecided,
    ReviewProposed,
)

KINDS: Final = (
    "charge",
    "inquire",
    "capture",
    "cancel",
    "refund",
    "inquire_refund",
    "watch",  # an attempt that is over may be paid after all
    "compensate",  # what was begun or paid after all is undone
)

GRACE: Final = Delay(timedelta(seconds=3), "the request itself sends first")
CALLING: Final = Delay(timedelta(seconds=15), "the request's own call to the gateway may last ten")
LEASE_SECONDS: Final = 30.0
LEASE: Final = Delay(timedelta(seconds=LEASE_SECONDS), "the sender may have died")
DOUBT: Final = Delay(timedelta(seconds=5), "the gateway needs a moment to file what it got")
WAITING: Final = Delay(
    timedelta(seconds=30), "notices may be lost, and within a minute all is to be known"
)
SCREENING: Final = Delay(
    timedelta(minutes=10), "people decide slowly, and a hold lapses in silence"
)
SETTLING: Final = Delay(timedelta(hours=6), "settlement comes in batches through the day")
RETRY: Final = Delay("not_before", "the gateway did nothing, so there is nothing to ask")
AT_ONCE: Final = Delay(timedelta(0), "somebody's money or order hangs there")
LAST_LOOK: Final = Delay(timedelta(days=1), "banks tell late, and the notice of it may be lost")
WATCH: Final = Delay("watch_from", "what was sent may arrive late; what was not, never")
DECIDED: Final = Delay("look_at", "frozen, it has missed what happened meanwhile")


ATTEMPT: Final = ("charge", "inquire", "capture", "cancel")

# fmt: off
RULES: Final = (
    Rule(AttemptStarted,       "attempt",   (),                             "charge",         GRACE),
    Rule(ChargeDispatched,     "attempt",   ("charge",),                    "inquire",        LEASE),
    Rule(ChargeOutcomeUnknown, "attempt",   (),                             "inquire",        DOUBT),
    Rule(ChargeRetryScheduled, "attempt",   ("inquire",),                   "charge",         RETRY),
    Rule(ChargePending,        "attempt",   ("charge",),                    "inquire",        WAITING),
    Rule(ChargeChallenged,     "attempt",   ("charge",),                    "inquire",        SCREENING),
    Rule(ChargeAuthorised,     "attempt",   ("charge",),                    "inquire",        SCREENING),
    Rule(PaymentCaptured,      "attempt",   ("charge", "capture"),          "inquire",        SETTLING),
    Rule(PaymentSettled,       "attempt",   ("charge", "inquire", "capture", "watch")),
    Rule(ChargeDenied,         "attempt",   ATTEMPT),
    Rule(ChargeFailed,         "attempt",   ATTEMPT),
    Rule(ChargeExpired,        "attempt",   ATTEMPT,                        "watch",          LAST_LOOK),
    Rule(ChargeCancelled,      "attempt",   ATTEMPT),
    Rule(PaymentAbandoned,     "attempt",   ATTEMPT,                        "watch",          WATCH),
    Rule(SettlementReversed,   "attempt",   ATTEMPT),
    Rule(ChargebackReceived,   "",          ATTEMPT),
    Rule(CaptureRequested,     "attempt",   (),                             "capture",        CALLING),
    Rule(CaptureRefused,       "attempt",   ("capture",)),
    Rule(CancelRequested,      "attempt",   (),                             "cancel",         CALLING),
    Rule(CancelRefused,        "attempt",   ("cancel",)),
    Rule(RefundRequested,      "refund_id", (),                             "refund",         GRACE),
    Rule(RefundDispatched,     "refund_id", ("refund",),                    "inquire_refund", LEASE),
    Rule(RefundOutcomeUnknown, "refund_id", (),                             "inquire_refund", DOUBT),
    Rule(RefundRetryScheduled, "refund_id", ("inquire_refund",),            "refund",         RETRY),
    Rule(RefundAccepted,       "refund_id", ("refund",),                    "inquire_refund", WAITING),
    Rule(RefundConfirmed,      "refund_id", ("refund", "inquire_refund")),
    Rule(RefundFailed,         "refund_id", ("refund", "inquire_refund")),
    Rule(StrayChargeFound,     "attempt",   (),                             "compensate",     AT_ONCE),
    Rule(LatePaymentReceived,  "attempt",   ("watch",),                     "compensate",     AT_ONCE),
    Rule(LatePaymentReturned,  "attempt",   ("watch", "compensate")),
    Rule(AttemptClosed,        "attempt",   ("watch", "compensate", "inquire")),
    Rule(DecisionNeeded,       "subject",   ("compensate",)),  # of late money; of the rest there is none
    Rule(ReviewRequested,      "",          KINDS),  # frozen until a named person decides
    Rule(ReviewDecided,        "attempt",   (),                             "inquire",        DECIDED),
)
# fmt: on

WITHOUT_EFFECT: Final[tuple[type[DomainEvent], ...]] = (
    PaymentRequested,  # its first attempt stands beside it in the same append
    PaymentImported,  # over before it came here
    LatePaymentSettled,  # its refund or question stands beside it
    ReviewProposed,
    QuestionAnswered,
)

"""How each payment method fares at the gateway, minute by minute: did it answer, or did it fail us?

A denied or expired payment counts as ok: the gateway worked. Several answers to one attempt count
once.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
import psycopg
from psycopg.rows import tuple_row

from ledger.events import DomainEvent, Recorded
from ledger.journal.events import EntryPosted
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
from projections.engine import sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "method_health"
TABLES: Final = ("attempt_methods", "method_health")
SQL: Final = sql.load(__name__)

Health = Literal["ok", "degraded"]

# fmt: off
COUNTS: Final[dict[type[DomainEvent], Literal["first answer", "answer", "failure"]]] = {
    ChargePending:        "first answer",
    ChargeChallenged:     "first answer",
    ChargeAuthorised:     "first answer",
    PaymentCaptured:      "first answer",
    ChargeDenied:         "answer",
    ChargeExpired:        "answer",
    ChargeFailed:         "failure",
    ChargeOutcomeUnknown: "failure",
    ChargeRetryScheduled: "failure",
}
# fmt: on
FOLLOWS: Final[tuple[type[DomainEvent], ...]] = (AttemptStarted, *COUNTS)
WITHOUT_EFFECT: Final[tuple[type[DomainEvent], ...]] = (
    *(
        PaymentRequested,
        PaymentImported,
        ChargeDispatched,
        EntryPosted,
    ),  # nothing has been answered yet, or not by the gateway
    *(
        PaymentSettled,
        LatePaymentReceived,
        SettlementReversed,
        ChargebackReceived,
    ),  # the bank's doing
    *(ChargeCancelled, PaymentAbandoned, ReviewRequested, AttemptClosed),  # our own doing
    *(LatePaymentSettled, LatePaymentReturned, StrayChargeFound),  # of charges long answered
    *(DecisionNeeded, ReviewProposed, ReviewDecided, QuestionAnswered),  # a person's doing
    *(
        CaptureRequested,
        CaptureRefused,
        CancelRequested,
        CancelRefused,
    ),  # say nothing of new charges
    *(RefundRequested, RefundDispatched, RefundOutcomeUnknown, RefundRetryScheduled),
    *(RefundAccepted, RefundConfirmed, RefundFailed),
)

WINDOW: Final = timedelta(minutes=10)
DEGRADED_FROM: Final = 3  # failures in the window, when they are also half of what happened


class _Attempt(msgspec.Struct, gc=False):
    payment_id: str
    attempt: int
    method: str
    answered: bool = False


class _Minute(msgspec.Struct, gc=False):
    method: str
    minute: datetime
    ok: int = 0
    failed: int = 0


def apply(batch: Batch, cursor: Cursor) -> None:
    counted = [recorded for recorded in batch if type(recorded.event) in COUNTS]
    started = {
        (record.stream, record.event.attempt): _Attempt(
            record.stream, record.event.attempt, record.event.method
        )
        for record in batch
        if isinstance(record.event, AttemptStarted)
    }
    attempts = _earlier(counted, started, cursor) | started
    changed = dict(started)
    minutes: dict[tuple[str, datetime], _Minute] = {}
    for recorded in counted:
        attempt = attempts[_key(recorded)]
        what = COUNTS[type(recorded.event)]
        if what != "first answer" or not attempt.answered:
            _count(minutes, attempt.method, recorded, failed=what == "failure")
        if what != "failure" and not attempt.answered:
            attempt.answered = True
            changed[_key(recorded)] = attempt
    _write(cursor, "upsert_attempts", changed.values())
    _write(cursor, "upsert_health", minutes.values())


def _key(recorded: Recorded[Any]) -> tuple[str, int]:
    return recorded.stream, recorded.event.attempt


def _earlier(
    counted: list[Recorded[Any]], started: dict[tuple[str, int], _Attempt], cursor: Cursor
) -> dict[tuple[str, int], _Attempt]:
    """Attempts of earlier batches that are spoken of in this one."""
    streams = {recorded.stream for recorded in counted if _key(recorded) not in started}
    if not streams:
        return {}
    cursor.execute(SQL["attempts"], (list(streams),))
    return {(row[0], row[1]): _Attempt(*row) for row in cursor}


def _count(
    minutes: dict[tuple[str, datetime], _Minute], method: str, recorded: Recorded[Any], failed: bool
) -> None:
    start = recorded.metadata.recorded_at.replace(second=0, microsecond=0)
    minute = minutes.setdefault((method, start), _Minute(method, start))
    minute.failed += failed
    minute.ok += not failed


def _write(cursor: Cursor, statement: str, changed: Iterable[_Attempt | _Minute]) -> None:
    if rows := list(changed):
        cursor.execute(SQL[statement], (sql.rows(rows),))


def judge(ok: int, failed: int) -> Health:
    return "degraded" if failed >= DEGRADED_FROM and failed >= ok else "ok"


async def health(conn: psycopg.AsyncConnection[Any], now: datetime) -> dict[str, Health]:
    """Methods that nobody used in the last ten minutes are not in it; nothing is known against
    them.
    """
    cursor = conn.cursor(row_factory=tuple_row)
    await cursor.execute(SQL["since"], {"from": now - WINDOW, "to": now})
    return {method: judge(ok, failed) for method, ok, failed in await cursor.fetchall()}

"""Every payment as it stands now: one row, folded from its events by the tables below."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
import psycopg

from ledger.events import TOPICS, DomainEvent, Recorded
from ledger.journal.events import EntryPosted
from ledger.payments.events import (
    AttemptClosed,
    AttemptStarted,
    CancelRefused,
    CancelRequested,
    CaptureRefused,
    CaptureRequested,
    ChargeAuthorised,
    ChargeCancelled,
    ChargeChallenged,
    ChargePending,
    LatePaymentReceived,
    LatePaymentReturned,
    LatePaymentSettled,
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
from ledger.payments.life import TRANSITIONS
from ledger.payments.review_events import (
    FREEZING,
    DecisionNeeded,
    QuestionAnswered,
    ReviewDecided,
    ReviewProposed,
)
from projections.engine import sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "payments"
TABLES: Final = ("payments",)
SQL: Final = sql.load(__name__)

PAYMENT_EVENTS: Final = tuple(e for topic, e in TOPICS.items() if topic.startswith("payment."))
FOLLOWS: Final[tuple[type[DomainEvent], ...]] = (*PAYMENT_EVENTS, EntryPosted)

# Where each event leads is written once, in the table of a payment's life.
STATUS: Final = {event: to.value for _, event, to in TRANSITIONS if to is not None}
PAID: Final = frozenset({"captured", "settled", "partially_refunded", "refunded"})
BEGINNINGS: Final = (PaymentRequested, PaymentImported)
MONEY_MOVED: Final = (PaymentCaptured, PaymentSettled, SettlementReversed)

# They move only version, position and, but for entries, the time of change.
WITHOUT_EFFECT: Final[tuple[type[DomainEvent], ...]] = (
    *(CaptureRequested, CaptureRefused, CancelRequested, CancelRefused),
    *(RefundRequested, RefundDispatched, RefundOutcomeUnknown, RefundRetryScheduled),
    # Late money belongs to the payer, not to this payment.
    *(
        LatePaymentReceived,
        LatePaymentSettled,
        LatePaymentReturned,
        StrayChargeFound,
        AttemptClosed,
    ),
    *(DecisionNeeded, ReviewProposed, QuestionAnswered),
    EntryPosted,
)


class PaymentRow(msgspec.Struct, gc=False):
    """The columns of the table, in its order."""

    payment_id: str
    status: str
    under_review: bool
    method: str
    requested_method: str
    amount_minor: int
    currency: str
    captured_minor: int
    refunded_minor: int
    refund_confirmed_minor: int
    fee_minor: int | None
    net_minor: int | None
    customer_id: str
    subscription_id: str
    order_id: str
    transaction_id: str
    attempts: int
    metadata: dict[str, str]
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    first_position: int
    version: int
    position: int


def apply(batch: Batch, cursor: Cursor) -> None:
    followed = [recorded for recorded in batch if type(recorded.event) in _FOLLOWED]
    rows = _load(followed, cursor)
    for recorded in followed:
        row = rows.get(recorded.stream)
        if row is not None:
            _fold(row, recorded)
        elif isinstance(recorded.event, PaymentRequested):
            rows[recorded.stream] = _new(recorded, recorded.event, recorded.event.requested_method)
        elif isinstance(recorded.event, PaymentImported):
            rows[recorded.stream] = _imported(recorded, recorded.event)
        elif not isinstance(recorded.event, EntryPosted):  # entries also stand in other streams
            raise LookupError(f"{recorded.stream} at {recorded.position} has no beginning")
    if rows:
        cursor.execute(SQL["upsert"], (sql.rows(list(rows.values())),))


def _load(followed: Iterable[Recorded[Any]], cursor: Cursor) -> dict[str, PaymentRow]:
    """The rows of those payments that began in an earlier batch."""
    began_here = {r.stream for r in followed if isinstance(r.event, BEGINNINGS)}
    earlier = {r.stream for r in followed} - began_here
    if not earlier:
        return {}
    cursor.execute(SQL["load"], (list(earlier),))
    return {row[0]: PaymentRow(*row) for row in cursor}


def _new(
    recorded: Recorded[Any], event: PaymentRequested | PaymentImported, requested_method: str
) -> PaymentRow:
    return PaymentRow(
        payment_id=recorded.stream,
        status=STATUS[type(event)],
        under_review=False,
        method="",
        requested_method=requested_method,
        amount_minor=event.amount.minor,
        currency=event.amount.currency,
        captured_minor=0,
        refunded_minor=0,
        refund_confirmed_minor=0,
        fee_minor=None,
        net_minor=None,
        customer_id=event.customer_id,
        subscription_id=event.subscription_id,
        order_id="",
        transaction_id="",
        attempts=0,
        metadata=event.metadata,
        expires_at=None,
        created_at=event.occurred_at,
        updated_at=event.occurred_at,
        first_position=recorded.position,
        version=recorded.version,
        position=recorded.position,
    )


def _imported(recorded: Recorded[Any], event: PaymentImported) -> PaymentRow:
    row = _new(recorded, event, event.method)
    row.attempts, row.method, row.order_id = 1, event.method, event.order_id
    row.transaction_id, row.captured_minor = event.transaction_id, event.amount.minor
    row.fee_minor, row.net_minor = event.fee.total.minor, event.net.minor
    return row


def _fold(row: PaymentRow, recorded: Recorded[Any]) -> None:
    event, kind = recorded.event, type(recorded.event)
    if change := _CHANGES.get(kind):
        change(row, event)
    if kind in STATUS and not _of_an_earlier_attempt(row, event):
        row.status = STATUS[kind]
    if row.status in PAID:
        row.status = _standing(row)
    if kind is not EntryPosted:
        row.updated_at = event.occurred_at
    row.version = recorded.version
    row.position = recorded.position


def _of_an_earlier_attempt(row: PaymentRow, event: DomainEvent) -> bool:
    """What is still heard of a given-up attempt says nothing of the payment, unless money moved."""
    attempt: int = getattr(event, "attempt", row.attempts)
    return attempt < row.attempts and not isinstance(event, MONEY_MOVED)


def _standing(row: PaymentRow) -> str:
    if row.refunded_minor:
        part = row.refunded_minor < row.captured_minor
        return "partially_refunded" if part else "refunded"
    return "captured" if row.net_minor is None else "settled"


def _attempt(row: PaymentRow, event: AttemptStarted) -> None:
    row.attempts, row.method, row.order_id = event.attempt, event.method, event.order_id


def _instructed(row: PaymentRow, event: ChargePending) -> None:
    row.transaction_id, row.expires_at = event.transaction_id, event.expires_at


def _named(row: PaymentRow, event: ChargeChallenged | ChargeAuthorised) -> None:
    row.transaction_id = event.transaction_id


def _captured(row: PaymentRow, event: PaymentCaptured) -> None:
    row.transaction_id, row.captured_minor = event.transaction_id, event.amount.minor


def _settled(row: PaymentRow, event: PaymentSettled) -> None:
    row.fee_minor, row.net_minor = event.fee.total.minor, event.net.minor


def _taken_back(row: PaymentRow, event: ChargeCancelled | SettlementReversed) -> None:
    if event.captured is not None:
        row.captured_minor, row.fee_minor, row.net_minor = 0, None, None


def _refund_accepted(row: PaymentRow, event: RefundAccepted) -> None:
    row.refunded_minor += event.amount.minor - event.from_unapplied.minor


def _refund_confirmed(row: PaymentRow, event: RefundConfirmed) -> None:
    if not event.late_attempt:
        row.refund_confirmed_minor += event.amount.minor


def _refund_failed(row: PaymentRow, event: RefundFailed) -> None:
    if event.accepted is not None:
        accepted = event.accepted
        row.refunded_minor -= accepted.amount.minor - accepted.from_unapplied.minor


def _reviewed(row: PaymentRow, _: ReviewRequested) -> None:
    row.under_review = True


def _decided(row: PaymentRow, event: ReviewDecided) -> None:
    row.under_review = row.under_review and event.rule not in FREEZING


# fmt: off
_CHANGES: Final[dict[type[DomainEvent], Callable[[PaymentRow, Any], None]]] = {
    AttemptStarted:     _attempt,
    ChargePending:      _instructed,
    ChargeChallenged:   _named,
    ChargeAuthorised:   _named,
    PaymentCaptured:    _captured,
    PaymentSettled:     _settled,
    ChargeCancelled:    _taken_back,
    SettlementReversed: _taken_back,
    RefundAccepted:     _refund_accepted,
    RefundConfirmed:    _refund_confirmed,
    RefundFailed:       _refund_failed,
    ReviewRequested:    _reviewed,
    ReviewDecided:      _decided,
}
# fmt: on
_FOLLOWED: Final = frozenset(FOLLOWS)
COVERED: Final = frozenset(STATUS) | frozenset(_CHANGES)


class PaymentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that are given must hold. `order_reference` is the merchant's `metadata.orderId`."""

    status: str | None = None
    method: str | None = None
    customer_id: str | None = None
    subscription_id: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None  # exclusive
    order_reference: str | None = None


async def in_state(
    conn: psycopg.AsyncConnection[Any], status: str, after: int, limit: int
) -> list[dict[str, Any]]:
    """Oldest first: payment_id, method, created_at and first_position, which `after` is of the last row
    seen.
    """
    return await sql.fetch(conn, SQL["in_state"], (status, after, limit))


async def page(
    conn: psycopg.AsyncConnection[Any],
    filters: PaymentFilter,
    after: tuple[int, ...] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Newest first; `after` is (first_position,) of the last row seen."""
    wanted = {**msgspec.structs.asdict(filters), "before": after and after[0], "limit": limit}
    return await sql.fetch(conn, SQL["page"], wanted, prepare=False)

"""Every bill as it stands: one row, folded from its events by the tables below.

What was earned of it is what stands in the books for it: `recognised_minor` in its products' income,
`unearned_minor` in their deferred revenue.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import psycopg

from ledger.bills import events as e
from ledger.bills.life import TRANSITIONS
from ledger.events import TOPICS, DomainEvent, Recorded
from projections.engine import sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "bills"
TABLES: Final = ("bills",)
FOLLOWS: Final[tuple[type[DomainEvent], ...]] = tuple(
    event for topic, event in TOPICS.items() if topic.startswith("bill.")
)
WITHOUT_EFFECT: Final[tuple[type[DomainEvent], ...]] = ()
SQL: Final = sql.load(__name__)

DISPUTED: Final = "disputed"  # paid, and the payer asks for the money back

# Where each event leads is written once, in the table of a bill's life.
STATUS: Final[dict[type[DomainEvent], str]] = {
    **{event: to.value for _, event, to in TRANSITIONS if to is not None},
    e.BillDisputed: DISPUTED,
}

_FOLLOWED: Final = frozenset(FOLLOWS)


class BillRow(msgspec.Struct, gc=False):
    """The columns of the table, in its order."""

    bill_id: str
    subscription_id: str
    customer_id: str
    number: int
    period: int
    reason: str
    status: str
    plan_id: str
    sold_as: str
    product: str
    coupon: str
    starts_at: datetime
    ends_at: datetime
    due_at: datetime
    currency: str
    net_minor: int
    tax_minor: int
    total_minor: int
    discount_minor: int
    credit_minor: int
    to_pay_minor: int
    attempts: int
    method: str
    trouble: str
    failure: str
    failure_words: str
    paid_by: str
    paid_at: datetime | None
    credited_minor: int
    refunded_minor: int
    recognised_minor: int
    unearned_minor: int
    lines: Sequence[e.Line]
    invoice_number: str
    created_at: datetime
    updated_at: datetime
    first_position: int
    position: int


class _Earned(msgspec.Struct, gc=False):
    """All that a bill, to which nothing else happened, has earned in a batch."""

    bill_id: str
    minor: int
    updated_at: datetime
    position: int


def apply(batch: Batch, cursor: Cursor) -> None:
    """What is only earned, as on most days most bills are, is added to the rows as they stand."""
    followed = [recorded for recorded in batch if type(recorded.event) in _FOLLOWED]
    changed = {r.stream for r in followed if not isinstance(r.event, e.RevenueRecognised)}
    _change([r for r in followed if r.stream in changed], cursor)
    _earn([r for r in followed if r.stream not in changed], cursor)


def _change(followed: Sequence[Recorded[Any]], cursor: Cursor) -> None:
    rows = _load(followed, cursor)
    for recorded in followed:
        row = rows.get(recorded.stream)
        if row is not None:
            _fold(row, recorded)
        elif isinstance(recorded.event, e.BillOpened):
            rows[recorded.stream] = _new(recorded, recorded.event)
        else:
            raise _without_beginning(recorded)
    if rows:
        cursor.execute(SQL["upsert"], (sql.rows(list(rows.values())),))


def _without_beginning(recorded: Recorded[Any]) -> LookupError:
    return LookupError(f"{recorded.stream} at {recorded.position} has no beginning")


def _load(followed: Iterable[Recorded[Any]], cursor: Cursor) -> dict[str, BillRow]:
    """The rows of those bills that were opened in an earlier batch."""
    opened_here = {r.stream for r in followed if isinstance(r.event, e.BillOpened)}
    earlier = {r.stream for r in followed} - opened_here
    if not earlier:
        return {}
    cursor.execute(SQL["load"], (list(earlier),))
    return {row[0]: BillRow(*row) for row in cursor}


def _earn(recognised: Sequence[Recorded[Any]], cursor: Cursor) -> None:
    earned: dict[str, _Earned] = {}
    for recorded in recognised:
        event = recorded.event
        sum_ = earned.setdefault(
            recorded.stream, _Earned(recorded.stream, 0, event.occurred_at, recorded.position)
        )
        sum_.minor += event.amount.minor
        sum_.updated_at = max(sum_.updated_at, event.occurred_at)
        sum_.position = recorded.position
    if not earned:
        return
    cursor.execute(SQL["earn"], (sql.rows(list(earned.values())),))
    if cursor.rowcount != len(earned):
        raise _without_beginning(recognised[0])


def _new(recorded: Recorded[Any], event: e.BillOpened) -> BillRow:
    total = event.share.total
    return BillRow(
        bill_id=recorded.stream,
        subscription_id=event.subscription_id,
        customer_id=event.customer_id,
        number=event.number,
        period=event.period,
        reason=event.reason,
        status=STATUS[e.BillOpened],
        plan_id=event.plan_id,
        sold_as=event.product,
        product=event.product,
        coupon=event.coupon,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        due_at=event.due_at,
        currency=total.currency,
        net_minor=event.share.net.minor,
        tax_minor=event.share.tax.minor,
        total_minor=total.minor,
        discount_minor=event.discount.minor,
        credit_minor=event.credit.minor,
        to_pay_minor=(total - event.credit).minor,
        attempts=0,
        method="",
        trouble="",
        failure="",
        failure_words="",
        paid_by="",
        paid_at=None,
        credited_minor=0,
        refunded_minor=0,
        recognised_minor=0,
        unearned_minor=0,
        lines=event.lines,
        invoice_number=event.invoice_number,
        created_at=event.occurred_at,
        updated_at=event.occurred_at,
        first_position=recorded.position,
        position=recorded.position,
    )


def _fold(row: BillRow, recorded: Recorded[Any]) -> None:
    event, kind = recorded.event, type(recorded.event)
    if change := _CHANGES.get(kind):
        change(row, event)
    row.status = STATUS.get(kind, row.status)
    row.updated_at = max(row.updated_at, event.occurred_at)
    row.position = recorded.position


def _begun(row: BillRow, event: e.BillCollectionBegun) -> None:
    row.attempts += 1
    row.method, row.trouble, row.failure, row.failure_words = event.method, "", "", ""


def _failed(row: BillRow, event: e.BillCollectionFailed) -> None:
    row.trouble, row.failure, row.failure_words = event.trouble, event.code, event.words


def _paid(row: BillRow, event: e.BillPaid) -> None:
    row.paid_by, row.paid_at = event.payment_id, event.occurred_at
    row.trouble, row.failure, row.failure_words = "", "", ""
    row.unearned_minor = event.share.net.minor + event.credit_share.net.minor


def _recognised(row: BillRow, event: e.RevenueRecognised) -> None:
    row.recognised_minor += event.amount.minor
    row.unearned_minor -= event.amount.minor


def _changed(row: BillRow, event: e.BillChanged) -> None:
    row.product = event.product
    row.credited_minor += event.credited.total.minor
    row.unearned_minor -= event.from_deferred.minor


def _refunded(row: BillRow, event: e.BillRefunded) -> None:
    row.refunded_minor += event.amount.minor
    row.unearned_minor -= _unearned(event)


def _refund_failed(row: BillRow, event: e.BillRefundFailed) -> None:
    row.refunded_minor -= event.refund.amount.minor
    row.unearned_minor += _unearned(event.refund)


def _unearned(refund: e.BillRefunded) -> int:
    return sum(part.amount.minor for part in refund.unearned)


def _reopened(row: BillRow, event: e.BillReopened) -> None:
    """As it was before it was paid, but for refunds that stand."""
    row.paid_by, row.paid_at, row.product = "", None, row.sold_as
    row.credited_minor = row.recognised_minor = row.unearned_minor = 0


# fmt: off
_CHANGES: Final[dict[type[DomainEvent], Callable[[BillRow, Any], None]]] = {
    e.BillCollectionBegun:  _begun,
    e.BillCollectionFailed: _failed,
    e.BillPaid:             _paid,
    e.RevenueRecognised:    _recognised,
    e.BillChanged:          _changed,
    e.BillRefunded:         _refunded,
    e.BillRefundFailed:     _refund_failed,
    e.BillReopened:         _reopened,
}
# fmt: on


class BillFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that are given must hold."""

    status: str | None = None
    subscription_id: str | None = None
    customer_id: str | None = None
    due_from: datetime | None = None
    due_to: datetime | None = None  # exclusive


async def page(
    conn: psycopg.AsyncConnection[Any],
    filters: BillFilter,
    after: tuple[int, ...] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Newest first; `after` is (first_position,) of the last row seen."""
    wanted = {**msgspec.structs.asdict(filters), "before": after and after[0], "limit": limit}
    return await sql.fetch(conn, SQL["page"], wanted, prepare=False)

"""What the worker has to do next, and when; each area has its rules in its due.py.

A row only says that it is time to look: whoever wants to act appends to the stream first, and only
one can win.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
import psycopg

from ledger.bills import due as bills
from ledger.customers import due as customers
from ledger.due import Due, Rule, by_event, changes
from ledger.events import DomainEvent, Recorded
from ledger.journal.events import EntryPosted
from ledger.payments import due as payments
from ledger.subscriptions import due as subscriptions
from projections.engine import sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "due_work"
TABLES: Final = ("due_work",)
RULES: Final[tuple[Rule, ...]] = (
    *payments.RULES,
    *subscriptions.RULES,
    *bills.RULES,
    *customers.RULES,
)
FOLLOWS: Final[tuple[type[DomainEvent], ...]] = tuple(by_event(RULES))
WITHOUT_EFFECT: Final[tuple[type[DomainEvent], ...]] = (
    *payments.WITHOUT_EFFECT,
    *bills.WITHOUT_EFFECT,
    EntryPosted,
)
SQL: Final = sql.load(__name__)

_BY_EVENT: Final = by_event(RULES)
EVER: Final = 2**63 - 1  # in a mark: all that is due at that time


class Mark(NamedTuple):
    """How far somebody has read the work in the order in which it falls due."""

    due_at: datetime
    position: int


class _Work(msgspec.Struct, gc=False):
    stream: str
    kind: str
    subject: str
    due_at: datetime
    position: int


class _Ended(msgspec.Struct, frozen=True, gc=False):
    """A key; without a subject, all of that kind."""

    stream: str
    kind: str
    subject: str | None


def apply(batch: Batch, cursor: Cursor) -> None:
    """Rows of earlier batches go first, then what is still due at the end of this one is written."""
    ended: dict[_Ended, None] = {}
    work = defaultdict[tuple[str, str], dict[str, _Work]](dict)  # of a stream and kind, by subject
    for recorded in batch:
        for change in changes(_BY_EVENT, recorded.event):
            of_kind = work[recorded.stream, change.kind]
            if isinstance(change, Due):
                of_kind[change.subject] = _work(recorded, change)
            else:
                ended[_Ended(recorded.stream, *change)] = None
                _forget(of_kind, change.subject)
    if ended:
        cursor.execute(SQL["delete"], (sql.rows(list(ended)),))
    if left := [row for of_kind in work.values() for row in of_kind.values()]:
        cursor.execute(SQL["upsert"], (sql.rows(left),))


def _work(recorded: Recorded[DomainEvent], due: Due) -> _Work:
    return _Work(recorded.stream, due.kind, due.subject, due.due_at, recorded.position)


def _forget(work: dict[str, _Work], subject: str | None) -> None:
    if subject is None:
        work.clear()
    else:
        work.pop(subject, None)


def mark(row: Mapping[str, Any]) -> Mark:
    return Mark(row["due_at"], row["position"])


async def due(
    conn: psycopg.AsyncConnection[Any], after: Mark, now: datetime, limit: int
) -> list[dict[str, Any]]:
    """What fell due after a mark, the longest overdue first."""
    wanted = {**after._asdict(), "now": now, "limit": limit}
    return await sql.fetch(conn, SQL["due"], wanted)


async def late(
    conn: psycopg.AsyncConnection[Any], after: int, due_at: datetime, limit: int
) -> list[dict[str, Any]]:
    """What was written after a position and was due by a time, in the order of the log."""
    wanted = {"position": after, "due_at": due_at, "limit": limit}
    return await sql.fetch(conn, SQL["late"], wanted)

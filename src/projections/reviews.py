"""Every question that waits for a person, and what a first one has answered."""

from datetime import datetime
from typing import Any, Final

import msgspec
import psycopg

from ledger.events import DomainEvent, Recorded
from ledger.payments.events import ReviewRequested
from ledger.payments.review_events import (
    DecisionNeeded,
    QuestionAnswered,
    ReviewDecided,
    ReviewProposed,
)
from projections.engine import sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "reviews"
TABLES: Final = ("reviews",)
FOLLOWS: Final = (
    ReviewRequested,
    DecisionNeeded,
    ReviewProposed,
    ReviewDecided,
    QuestionAnswered,
)
SQL: Final = sql.load(__name__)

_FOLLOWED: Final[frozenset[type[DomainEvent]]] = frozenset(FOLLOWS)


class _Question(msgspec.Struct, gc=False):
    payment_id: str
    rule: str
    subject: str
    words: str
    asked_at: datetime
    position: int


class _Proposal(msgspec.Struct, gc=False):
    payment_id: str
    rule: str
    subject: str
    decision: str
    proposed_by: str
    reason: str


class _Key(msgspec.Struct, gc=False):
    payment_id: str
    rule: str
    subject: str


def apply(batch: Batch, cursor: Cursor) -> None:
    """One by one: there are few, and each may be about the one before."""
    for recorded in batch:
        if type(recorded.event) in _FOLLOWED:
            _write(recorded, cursor)


def _write(recorded: Recorded[Any], cursor: Cursor) -> None:
    stream, event = recorded.stream, recorded.event
    match event:
        case ReviewRequested():
            asked = _asked(recorded, event.rule, str(event.attempt))
            cursor.execute(SQL["ask"], (sql.rows([asked]),))
        case DecisionNeeded():
            asked = _asked(recorded, event.rule, event.subject)
            cursor.execute(SQL["ask"], (sql.rows([asked]),))
        case ReviewProposed():
            proposal = _Proposal(
                stream, event.rule, event.subject, event.decision, event.by, event.reason
            )
            cursor.execute(SQL["propose"], (sql.rows([proposal]),))
        case _:
            key = _Key(stream, event.rule, event.subject)
            cursor.execute(SQL["close"], (sql.rows([key]),))


def _asked(recorded: Recorded[Any], rule: str, subject: str) -> _Question:
    event = recorded.event
    return _Question(
        recorded.stream, rule, subject, event.words, event.occurred_at, recorded.position
    )


async def open_reviews(conn: psycopg.AsyncConnection[Any], limit: int) -> list[dict[str, Any]]:
    """Those that wait longest first."""
    return await sql.fetch(conn, SQL["open"], (limit,))

"""The history of each subscription and each bill for reading, without anything personal."""

from typing import Any, Final

import psycopg

from ledger.events import DomainEvent
from projections import bills, history, subscriptions
from projections.engine import copying, sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "billing_events"
TABLES: Final = ("billing_events",)
FOLLOWS: Final[tuple[type[DomainEvent], ...]] = (*subscriptions.FOLLOWS, *bills.FOLLOWS)
WITHOUT_EFFECT: Final[tuple[type[DomainEvent], ...]] = ()
SQL: Final = sql.load(__name__)

_FOLLOWED: Final = frozenset(FOLLOWS)


def apply(batch: Batch, cursor: Cursor) -> None:
    if followed := [recorded for recorded in batch if type(recorded.event) in _FOLLOWED]:
        copying.copy(cursor, SQL["copy"], history.COLUMN_TYPES, map(history.row, followed))


async def of(
    conn: psycopg.AsyncConnection[Any], stream: str, after_version: int, limit: int
) -> list[dict[str, Any]]:
    """Oldest first; start with `after_version` 0."""
    return await sql.fetch(conn, SQL["of"], (stream, after_version, limit))

"""The history of each payment for reading, without anything personal."""

from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg

from ledger.events import DomainEvent
from ledger.journal.events import EntryPosted
from projections import history
from projections.engine import copying, sql
from projections.engine.read_model import Batch, Cursor
from projections.payments import PAYMENT_EVENTS

NAME: Final = "payment_events"
TABLES: Final = ("payment_events",)
FOLLOWS: Final[tuple[type[DomainEvent], ...]] = PAYMENT_EVENTS
WITHOUT_EFFECT: Final[tuple[type[DomainEvent], ...]] = (EntryPosted,)  # has a read model of its own
SQL: Final = sql.load(__name__)

_FOLLOWED: Final = frozenset(FOLLOWS)


def apply(batch: Batch, cursor: Cursor) -> None:
    if followed := [recorded for recorded in batch if type(recorded.event) in _FOLLOWED]:
        copying.copy(cursor, SQL["copy"], history.COLUMN_TYPES, map(history.row, followed))


class Times(NamedTuple):
    """When it happened in the world, and when it was recorded; ends are exclusive."""

    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    recorded_from: datetime | None = None
    recorded_to: datetime | None = None


WHENEVER: Final = Times()


async def of(
    conn: psycopg.AsyncConnection[Any],
    payment_id: str,
    after_version: int,
    limit: int,
    times: Times = WHENEVER,
) -> list[dict[str, Any]]:
    """Oldest first; start with `after_version` 0."""
    wanted = {
        "payment_id": payment_id,
        "after": after_version,
        "limit": limit,
        **times._asdict(),
    }
    return await sql.fetch(conn, SQL["of"], wanted)

"""The history of each payment for reading, without anything personal: sealed values only say that
they are sealed.
"""

from functools import cache
from typing import Any, Final

import msgspec
import psycopg
from msgspec import inspect
from psycopg.rows import dict_row

from ledger.events import DomainEvent, Recorded
from ledger.journal.events import EntryPosted
from ledger.privacy.sealed import Sealed
from projections.engine import copying, sql
from projections.engine.read_model import Batch, Cursor
from projections.payments import PAYMENT_EVENTS

NAME: Final = "payment_events"
TABLES: Final = ("payment_events",)
FOLLOWS: Final[tuple[type[DomainEvent], ...]] = PAYMENT_EVENTS
WITHOUT_EFFECT: Final[tuple[type[DomainEvent], ...]] = (EntryPosted,)  # has a read model of its own
SQL: Final = sql.load(__name__)

_FOLLOWED: Final = frozenset(FOLLOWS)
_SEALED_FIELDS: Final = frozenset(Sealed.__struct_fields__)
_MARK: Final = {"sealed": True}
_CIPHERTEXT: Final = b'"ciphertext":'

COLUMN_TYPES: Final = (
    *("text", "int8", "int8", "text", "int8", "int8"),  # to recorded_at
    *("text", "text", "text", "bytea"),
)


def apply(batch: Batch, cursor: Cursor) -> None:
    if followed := [recorded for recorded in batch if type(recorded.event) in _FOLLOWED]:
        copying.copy(cursor, SQL["copy"], COLUMN_TYPES, map(_row, followed))


def _row(recorded: Recorded[DomainEvent]) -> tuple[object, ...]:
    event, metadata = recorded.event, recorded.metadata
    return (
        recorded.stream,
        recorded.version,
        recorded.position,
        event.TOPIC,
        copying.moment(event.occurred_at),
        copying.moment(metadata.recorded_at),
        copying.text(metadata.actor),
        copying.text(metadata.command_id),
        copying.text(metadata.correlation_id),
        _document(event),
    )


def _document(event: DomainEvent) -> bytes:
    document = copying.document(event)
    # A sealed value always shows its ciphertext. Most events that may hold one hold none.
    if _CIPHERTEXT in document and _holds_sealed(type(event)):
        return copying.document(_without_sealed(msgspec.to_builtins(event)))
    return document


@cache
def _holds_sealed(event: type[DomainEvent]) -> bool:
    return _mentions_sealed(inspect.type_info(event))


def _mentions_sealed(node: object) -> bool:
    """Whether a type, or a type inside it at any depth, is Sealed."""
    if isinstance(node, inspect.StructType):
        return node.cls is Sealed or any(_mentions_sealed(field.type) for field in node.fields)
    inside = [getattr(node, name, None) for name in ("types", "item_types")]
    parts = [part for parts in inside for part in parts or ()]
    parts += [getattr(node, name, None) for name in ("item_type", "key_type", "value_type", "type")]
    return any(_mentions_sealed(part) for part in parts if isinstance(part, inspect.Type))


def _without_sealed(value: object) -> object:
    match value:
        case dict():
            if value.keys() == _SEALED_FIELDS:
                return _MARK
            return {key: _without_sealed(part) for key, part in value.items()}
        case list() | tuple():
            return [_without_sealed(part) for part in value]
        case _:
            return value


async def of(
    conn: psycopg.AsyncConnection[Any], payment_id: str, after_version: int, limit: int
) -> list[dict[str, Any]]:
    """Oldest first; start with `after_version` 0."""
    cursor = conn.cursor(row_factory=dict_row)
    return await (await cursor.execute(SQL["of"], (payment_id, after_version, limit))).fetchall()

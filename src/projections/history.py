"""The form in which a history is shown: each event whole, but without anything personal. Sealed values
only say that they are sealed.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import inspect

from ledger.events import DomainEvent, Recorded
from ledger.privacy.sealed import Sealed
from projections.engine import copying

_SEALED_FIELDS: Final = frozenset(Sealed.__struct_fields__)
_MARK: Final = {"sealed": True}
_ERASED_MARK: Final = {"erased": True}
_NOBODY: Final[frozenset[str]] = frozenset()
_CIPHERTEXT: Final = b'"ciphertext":'

# stream, version, position, topic, occurred_at, recorded_at, actor, command_id, correlation_id, event
COLUMN_TYPES: Final = (
    *("text", "int8", "int8", "text", "int8", "int8"),
    *("text", "text", "text", "bytea"),
)


def row(recorded: Recorded[DomainEvent]) -> tuple[object, ...]:
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


def shown(event: DomainEvent, erased: frozenset[str] = _NOBODY) -> Any:
    """As it can be read: what is sealed says so, or that its subject is among the erased."""
    return without_sealed(msgspec.to_builtins(event), erased)


def subjects_of(event: DomainEvent) -> set[str]:
    """Whose sealed words are in it."""
    return set(_subjects(msgspec.to_builtins(event))) if _holds_sealed(type(event)) else set()


def _subjects(value: object) -> Iterator[str]:
    match value:
        case dict():
            if value.keys() == _SEALED_FIELDS:
                yield value["subject"]
            else:
                for part in value.values():
                    yield from _subjects(part)
        case list() | tuple():
            for part in value:
                yield from _subjects(part)


def _document(event: DomainEvent) -> bytes:
    document = copying.document(event)
    # A sealed value always shows its ciphertext. Most events that may hold one hold none.
    if _CIPHERTEXT in document and _holds_sealed(type(event)):
        return copying.document(without_sealed(msgspec.to_builtins(event)))
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


def without_sealed(value: object, erased: frozenset[str] = _NOBODY) -> object:
    """Of plain values, as msgspec.to_builtins gives them."""
    match value:
        case dict():
            if value.keys() == _SEALED_FIELDS:
                return _ERASED_MARK if value["subject"] in erased else _MARK
            return {key: without_sealed(part, erased) for key, part in value.items()}
        case list() | tuple():
            return [without_sealed(part, erased) for part in value]
        case _:
            return value

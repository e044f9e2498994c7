"""New rows by COPY in PostgreSQL's binary form: they cost a third of what they cost as JSON.

Moments, days and documents go as PostgreSQL itself keeps them, so a statement's types are `int8`,
`int4` and `bytea` there.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec

from projections.engine.read_model import Cursor
from projections.engine.sql import without_nul

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_DAY_ZERO: Final = _EPOCH.toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
_JSONB_FORM: Final = b"\x01"
_ENCODE: Final = msgspec.json.Encoder().encode


def copy(
    cursor: Cursor, statement: bytes, types: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """`statement` names the columns that `types` and the rows have, in the same order."""
    with cursor.copy(statement) as target:
        target.set_types(types)
        write = target.write_row
        for row in rows:
            write(row)


def moment(at: datetime) -> int:
    """timestamptz: microseconds."""
    return (at - _EPOCH) // _MICROSECOND


def day(on: date) -> int:
    """date: days."""
    return on.toordinal() - _DAY_ZERO


def text(words: str) -> str:
    """Without NUL, as in sql.without_nul."""
    return words.replace("\0", "\ufffd")


def document(value: object) -> bytes:
    """jsonb."""
    return _JSONB_FORM + without_nul(_ENCODE(value))

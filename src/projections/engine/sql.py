"""Statements by name from the `.sql` file beside a module: `SQL = sql.load(__name__)`, then
`SQL["upsert"]`.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_ENCODE: Final = msgspec.json.Encoder().encode


def load(module: str) -> Mapping[str, bytes]:
    """Bytes, because psycopg takes a plain `str` for a query only when it is a literal."""
    origin = sys.modules[module].__file__
    if origin is None:
        raise ModuleNotFoundError(f"{module} has no file, so there is none beside it.")
    _, *parts = _NAME.split(Path(origin).with_suffix(".sql").read_text(encoding="utf-8"))
    return MappingProxyType(
        {name: text.strip().encode() for name, text in zip(parts[::2], parts[1::2], strict=True)}
    )


async def fetch(
    conn: psycopg.AsyncConnection[Any],
    query: bytes,
    values: Mapping[str, Any] | Sequence[Any] | None = None,
    *,
    prepare: bool | None = None,
) -> list[dict[str, Any]]:
    """Every row by the names of its columns. A query that leaves conditions out where a value is null
    takes `prepare=False`: a plan made for these very values drops them, one for any keeps them all.
    """
    cursor = conn.cursor(row_factory=dict_row)
    return await (await cursor.execute(query, values, prepare=prepare)).fetchall()


def rows(values: Sequence[Any]) -> Jsonb:
    """All rows of a batch as one parameter (parts.md, trap 5: lists and pipelines are slow in
    psycopg).
    """
    return Jsonb(values, dumps=_dumps)


def _dumps(values: Sequence[Any]) -> bytes:
    return without_nul(_ENCODE(values))


def without_nul(json: bytes) -> bytes:
    """PostgreSQL has no NUL in text. A gateway's words may, and history must always load."""
    return json.replace(b"\\u0000", b"\\ufffd") if b"\\u0000" in json else json

"""Parquet, written piece by piece: rows come in batches, and a row group leaves when there are enough.

pyarrow is large and slow to import, so that happens when the first file is written, not before.
"""

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from projections.pieces import Pieces

ROW_GROUP: Final = 50_000  # rows

_DECIMAL: Final = re.compile(r"numeric\((\d+),(\d+)\)")


class Field(NamedTuple):
    """`type` as PostgreSQL calls it; `words` become the column's description in the file."""

    name: str
    type: str
    words: str = ""


class ParquetFile:
    """Bytes to write come from `rows` and `end`; both take time, and belong in a thread where others
    wait. `about` becomes key-value metadata of the file.
    """

    def __init__(self, fields: Sequence[Field], about: Mapping[str, str]) -> None:
        self._arrow: Any = importlib.import_module("pyarrow")
        self._schema = self._arrow.schema(
            [self._field(field) for field in fields], metadata=dict(about)
        )
        self._pieces = Pieces()
        parquet: Any = importlib.import_module("pyarrow.parquet")
        self._writer = parquet.ParquetWriter(self._pieces, self._schema)
        self._batches: list[Any] = []
        self._waiting = 0

    def rows(self, rows: Sequence[Sequence[object]]) -> bytes:
        """Values in the order of the fields."""
        columns = [
            self._arrow.array(column, type=field.type)
            for column, field in zip(zip(*rows, strict=True), self._schema, strict=True)
        ]
        self._batches.append(self._arrow.RecordBatch.from_arrays(columns, schema=self._schema))
        self._waiting += len(rows)
        if self._waiting >= ROW_GROUP:
            self._write_group()
        return self._pieces.taken()

    def end(self) -> bytes:
        """The last rows, and what makes it a file."""
        if self._batches:
            self._write_group()
        self._writer.close()
        return self._pieces.taken()

    def _write_group(self) -> None:
        table = self._arrow.Table.from_batches(self._batches)
        self._writer.write_table(table, row_group_size=self._waiting)
        self._batches, self._waiting = [], 0

    def _field(self, field: Field) -> Any:
        words = {"description": field.words} if field.words else None
        return self._arrow.field(field.name, self._type(field.type), metadata=words)

    def _type(self, name: str) -> Any:
        if found := _DECIMAL.fullmatch(name):
            return self._arrow.decimal128(int(found[1]), int(found[2]))
        return {
            "text": self._arrow.string(),
            "bigint": self._arrow.int64(),
            "boolean": self._arrow.bool_(),
            "date": self._arrow.date32(),
            "timestamptz": self._arrow.timestamp("us", tz="UTC"),
            "bytea": self._arrow.binary(),
        }[name]

"""A report as a file, written while its rows come: JSON, CSV or Parquet, with the same columns in each.

In JSON, amounts are numbers, days `2026-11-27`, moments in UTC, and the count at the end says that
nothing is missing. What the head of the JSON says stands as metadata in the Parquet file.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

import msgspec

from projections.comma_separated import csv_lines
from projections.parquet import Field, ParquetFile
from projections.reporting.view import Column, Report

FormatName = Literal["json", "csv", "parquet"]
Rows = Sequence[Sequence[Any]]

ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class AsOf(msgspec.Struct, frozen=True, kw_only=True):
    """Up to where in the log the read models showed it, and where the log ended."""

    head: int
    money: int
    views: int


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Days or months, both included, of this column."""

    column: str
    zone: str = "Asia/Jakarta"


class Head(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={"first": "from", "last": "to", "as_of": "asOf"},
):
    """What stands before the rows. `position`: the rows are as of it, and of nothing after it."""

    report: str
    position: int
    as_of: AsOf
    first: date | None
    last: date | None
    range: Range


class Packed(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={"first": "from", "last": "to", "as_of": "asOf"},
):
    """What an archive says of itself."""

    reports: list[str]
    position: int
    as_of: AsOf
    first: date | None
    last: date | None


class Sheet(Protocol):
    def begin(self) -> bytes: ...
    def rows(self, rows: Rows) -> bytes: ...
    def end(self) -> bytes: ...


class JsonSheet:
    def __init__(self, report: Report, head: Head) -> None:
        self._head = {
            **msgspec.to_builtins(head),
            "columns": [_told(one) for one in report.columns],
        }
        self._names = [column.name for column in report.columns]
        self._count = 0

    def begin(self) -> bytes:
        return ENCODER.encode(self._head)[:-1] + b',"rows":['

    def rows(self, rows: Rows) -> bytes:
        lines = b",\n".join(
            [ENCODER.encode(dict(zip(self._names, row, strict=True))) for row in rows]
        )
        begin = b",\n" if self._count else b"\n"
        self._count += len(rows)
        return begin + lines if rows else b""

    def end(self) -> bytes:
        return b'\n],"count":%d}\n' % self._count


class CsvSheet:
    def __init__(self, report: Report, head: Head) -> None:
        self._names = [column.name for column in report.columns]

    def begin(self) -> bytes:
        return csv_lines([self._names])

    def rows(self, rows: Rows) -> bytes:
        return csv_lines(rows)

    def end(self) -> bytes:
        return b""


class ParquetSheet:
    def __init__(self, report: Report, head: Head) -> None:
        self._fields = [Field(c.name, c.type, f"{c.unit}: {c.words}") for c in report.columns]
        self._about = {"bukubesar": msgspec.json.encode(head).decode()}

    def begin(self) -> bytes:
        self._file = ParquetFile(self._fields, self._about)
        return b""

    def rows(self, rows: Rows) -> bytes:
        return self._file.rows(rows)

    def end(self) -> bytes:
        return self._file.end()


class Format(msgspec.Struct, frozen=True):
    media_type: str
    sheet: Callable[[Report, Head], Sheet]


FORMATS: Final[Mapping[FormatName, Format]] = MappingProxyType(
    {
        "json": Format("application/json", JsonSheet),
        "csv": Format("text/csv; charset=utf-8; header=present", CsvSheet),
        "parquet": Format("application/vnd.apache.parquet", ParquetSheet),
    }
)


def _told(column: Column) -> dict[str, str]:
    return {"name": column.name, "type": column.type, "unit": column.unit}

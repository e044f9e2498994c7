"""The log as files that other programs read, and that `bukubesar-verify` checks: a line an event, in
order, streamed.

JSON Lines and Parquet have the whole row, with what is stored exactly as it is: hashes can be made from
it. CSV is for spreadsheets. The journal alone goes to programs that keep books (plain_text_accounting.py).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import msgspec

from ledger import clock
from ledger.audit.proof import ExportedEvent
from ledger.errors import Rejected
from ledger.eventstore import scanning
from ledger.eventstore.log_row import LogRow
from projections import plain_text_accounting
from projections.comma_separated import csv_lines
from projections.parquet import Field, ParquetFile
from projections.plain_text_accounting import BEANCOUNT_HEAD, HLEDGER_HEAD
from projections.steps import Progress, silent
from projections.verifying import head, held_still

Write = Callable[[bytes], Any]

CSV_COLUMNS: Final = (
    *("position", "recorded_at", "occurred_at", "stream", "version", "topic"),
    *("actor", "command_id", "fingerprint", "hash", "state"),
)


class FormatUnknown(Rejected):
    code = "export_format_unknown"
    title = "The log is exported as jsonl, csv, parquet, beancount or hledger."


class Export(msgspec.Struct, kw_only=True):
    format: str
    after: int
    until: int
    events: int = 0
    seconds: float = 0.0


class Format(msgspec.Struct, frozen=True):
    begin: Callable[[], bytes]
    rows: Callable[[Sequence[LogRow]], bytes]
    end: Callable[[], bytes] = bytes
    from_the_first: bool = False  # it has to see what stands before


def export(
    conninfo: str,
    schema: str,
    write: Write,
    progress: Progress = silent,
    *,
    format: str = "jsonl",
    after: int = 0,
    until: int | None = None,
) -> Export:
    """The events after one position up to and including another. Raises FormatUnknown."""
    if format not in FORMATS:
        raise FormatUnknown(format=format)
    began, form = clock.monotonic_seconds(), FORMATS[format](after)
    with held_still(conninfo, schema) as connection:
        end = head(connection)
        done = Export(format=format, after=after, until=end if until is None else min(until, end))
        write(form.begin())
        begin = 0 if form.from_the_first else after
        for rows in scanning.scan(connection, begin, done.until):
            write(form.rows(rows))
            done.events += len(rows)
            progress("exporting", done.events, done.until - begin)
        write(form.end())
    done.seconds = clock.monotonic_seconds() - began
    return done


# ── JSON Lines ────────────────────────────────────────────────────────────────────────────────────────────────


def _json_lines(rows: Sequence[LogRow]) -> bytes:
    return b"".join([msgspec.json.encode(ExportedEvent.of(row)) + b"\n" for row in rows])


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────────────────────


class _Metadata(msgspec.Struct, gc=False):
    recorded_at: str = ""
    actor: str = ""


class _Fact(msgspec.Struct):
    occurred_at: str = ""


class _Said(msgspec.Struct):
    m: _Metadata = msgspec.field(default_factory=_Metadata)
    d: _Fact = msgspec.field(default_factory=_Fact)


_SAID: Final = msgspec.json.Decoder(_Said)


def _csv(rows: Sequence[LogRow]) -> bytes:
    return csv_lines([_cells(row) for row in rows])


def _said(row: LogRow) -> _Said:
    try:
        return _SAID.decode(row.state)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _Said()


def _cells(row: LogRow) -> list[object]:
    said = _said(row)
    return [
        row.position,
        said.m.recorded_at,
        said.d.occurred_at,
        row.stream,
        row.version,
        row.topic,
        said.m.actor,
        row.command_id or "",
        (row.fingerprint or b"").hex(),
        row.hash.hex(),
        row.state.decode(errors="replace"),
    ]


# ── Parquet ───────────────────────────────────────────────────────────────────────────────────────────────────

# Nothing where the bytes do not say it.
PARQUET_FIELDS: Final = (
    Field("position", "bigint", "in the log, from 1"),
    Field("recorded_at", "timestamptz", "when it was appended"),
    Field("occurred_at", "timestamptz", "when it happened in the world"),
    Field("stream", "text"),
    Field("version", "bigint", "in its stream, from 1"),
    Field("topic", "text", "what kind of event it is, with its version"),
    Field("actor", "text", "who did it"),
    Field("command_id", "text", "at the last event of a command"),
    Field("fingerprint", "bytea", "of the command's content"),
    Field("hash", "bytea", "the link in the chain"),
    Field("state", "bytea", "the stored bytes, exactly"),
)


def _parquet() -> Format:
    file = ParquetFile(PARQUET_FIELDS, {})
    return Format(bytes, lambda rows: file.rows([_values(row) for row in rows]), file.end)


def _values(row: LogRow) -> list[object]:
    said = _said(row)
    return [
        row.position,
        _moment(said.m.recorded_at),
        _moment(said.d.occurred_at),
        row.stream,
        row.version,
        row.topic,
        said.m.actor or None,
        row.command_id,
        row.fingerprint,
        row.hash,
        row.state,
    ]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _book(head: bytes, book: plain_text_accounting.Book) -> Format:
    return Format(lambda: head, book.rows, from_the_first=True)


FORMATS: Final[Mapping[str, Callable[[int], Format]]] = MappingProxyType(
    {
        "jsonl": lambda after: Format(bytes, _json_lines),
        "csv": lambda after: Format(lambda: csv_lines([CSV_COLUMNS]), _csv),
        "parquet": lambda after: _parquet(),
        "beancount": lambda after: _book(BEANCOUNT_HEAD, plain_text_accounting.beancount(after)),
        "hledger": lambda after: _book(HLEDGER_HEAD, plain_text_accounting.hledger(after)),
    }
)

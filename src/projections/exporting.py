"""The log as files that other programs read, and that `bukubesar-verify` checks: a line an event, in
order, streamed.

JSON Lines have the whole row, with the stored text exactly as it is: hashes can be made from it. CSV
is for spreadsheets. The journal alone goes to programs that keep books (plain_text_accounting.py).
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from ledger import clock
from ledger.audit.proof import StoredEvent
from ledger.errors import Rejected
from ledger.eventstore import scanning
from ledger.eventstore.log_row import LogRow
from projections import plain_text_accounting
from projections.plain_text_accounting import BEANCOUNT_HEAD, HLEDGER_HEAD
from projections.steps import Progress, silent
from projections.verifying import head, held_still

Write = Callable[[bytes], Any]

CSV_COLUMNS: Final = (
    *("position", "recorded_at", "occurred_at", "stream", "version", "topic"),
    *("actor", "command_id", "fingerprint", "hash", "state"),
)
# A spreadsheet takes a cell that begins with one of these for a formula (reliability.md T24).
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class FormatUnknown(Rejected):
    code = "export_format_unknown"
    title = "The log is exported as jsonl, csv, beancount or hledger."


class Export(msgspec.Struct, kw_only=True):
    format: str
    after: int
    until: int
    events: int = 0
    seconds: float = 0.0


class Format(msgspec.Struct, frozen=True):
    begin: Callable[[], bytes]
    rows: Callable[[Sequence[LogRow]], bytes]
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
    done.seconds = clock.monotonic_seconds() - began
    return done


# ── JSON Lines ────────────────────────────────────────────────────────────────────────────────────────────────


def _json_lines(rows: Sequence[LogRow]) -> bytes:
    return b"".join([msgspec.json.encode(StoredEvent.of(row)) + b"\n" for row in rows])


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────────────────────


class _Metadata(msgspec.Struct):
    recorded_at: str = ""
    actor: str = ""


class _Fact(msgspec.Struct):
    occurred_at: str = ""


class _Said(msgspec.Struct):
    m: _Metadata = msgspec.field(default_factory=_Metadata)
    d: _Fact = msgspec.field(default_factory=_Fact)


_SAID: Final = msgspec.json.Decoder(_Said)


def _csv(rows: Sequence[LogRow]) -> bytes:
    return _lines([_cells(row) for row in rows])


def _cells(row: LogRow) -> list[object]:
    try:
        said = _SAID.decode(row.state)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        said = _Said()
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


def _lines(lines: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([[_harmless(cell) for cell in line] for line in lines])
    return text.getvalue().encode()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _book(head: bytes, book: plain_text_accounting.Book) -> Format:
    return Format(lambda: head, book.rows, from_the_first=True)


FORMATS: Final[Mapping[str, Callable[[int], Format]]] = MappingProxyType(
    {
        "jsonl": lambda after: Format(bytes, _json_lines),
        "csv": lambda after: Format(lambda: _lines([CSV_COLUMNS]), _csv),
        "beancount": lambda after: _book(BEANCOUNT_HEAD, plain_text_accounting.beancount(after)),
        "hledger": lambda after: _book(HLEDGER_HEAD, plain_text_accounting.hledger(after)),
    }
)

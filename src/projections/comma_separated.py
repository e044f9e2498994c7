"""CSV as spreadsheets read it, with nothing in it that they would calculate."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

# A spreadsheet takes a cell that begins with one of these for a formula (reliability.md T24).
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(lines: Iterable[Sequence[object]]) -> bytes:
    """Nothing for None; moments in UTC."""
    text = io.StringIO()
    csv.writer(text).writerows([[_cell(value) for value in line] for line in lines])
    return text.getvalue().encode()


def _cell(value: object) -> object:
    match value:
        case str():
            return f"'{value}" if value.startswith(FORMULA) else value
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value

"""Parquet files that are written piece by piece are whole files."""

import io
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow.parquet
import pytest

from projections import parquet
from projections.parquet import Field, ParquetFile

FIELDS = (
    Field("name", "text", "what it is called"),
    Field("amount", "bigint"),
    Field("whole", "boolean"),
    Field("on_day", "date"),
    Field("at", "timestamptz"),
    Field("part", "numeric(12,4)"),
    Field("bytes", "bytea"),
)
MOMENT = datetime(2026, 11, 27, 3, 4, 5, 678901, UTC)
ROW = ("a", 2**62, True, date(2026, 11, 27), MOMENT, Decimal("0.1746"), b"\xff\x00")
NOTHING = (None,) * len(FIELDS)


def written(*batches: list[tuple[object, ...]]) -> "pyarrow.parquet.ParquetFile":
    file = ParquetFile(FIELDS, {"about": "a test"})
    pieces = [file.rows(batch) for batch in batches]
    return pyarrow.parquet.ParquetFile(io.BytesIO(b"".join([*pieces, file.end()])))


def test_values_come_back_as_they_were() -> None:
    found = written([ROW, NOTHING], [ROW])

    assert [tuple(row.values()) for row in found.read().to_pylist()] == [ROW, NOTHING, ROW]
    assert found.schema_arrow.metadata[b"about"] == b"a test"
    assert found.schema_arrow.field("name").metadata[b"description"] == b"what it is called"


def test_a_file_without_rows_has_its_columns() -> None:
    found = written()

    assert found.read().num_rows == 0
    assert found.schema_arrow.names == [field.name for field in FIELDS]


def test_rows_leave_in_groups_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 4)
    file = ParquetFile(FIELDS, {})

    pieces = [file.rows([ROW, ROW]) for _ in range(5)]
    whole = b"".join([*pieces, file.end()])

    assert [bool(piece.strip(b"PAR1")) for piece in pieces] == [False, True, False, True, False]
    found = pyarrow.parquet.ParquetFile(io.BytesIO(whole))
    groups = [found.metadata.row_group(n).num_rows for n in range(found.num_row_groups)]
    assert groups == [4, 4, 2]


def test_a_type_that_is_not_known_is_refused() -> None:
    with pytest.raises(KeyError):
        ParquetFile([Field("x", "money")], {})


def test_nobody_waits_for_pyarrow_who_writes_none() -> None:
    """It takes longer to import than all of ours."""
    code = "import sys, api.app, api.worker; sys.exit('pyarrow' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

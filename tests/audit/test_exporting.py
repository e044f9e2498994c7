"""The log as files: every row and every byte, streamed, in a role that may only read."""

import csv
import hashlib
import io
import json
from datetime import datetime

import psycopg
import pyarrow.parquet
import pytest

from ledger.eventstore.chain import GENESIS, link
from projections.exporting import CSV_COLUMNS, FormatUnknown, export
from support.intruder import Intruder
from support.log_rows import SCHEMA
from support.sealed_log import SealedLog
from support.tampering import HEAD


def exported(log: SealedLog, format: str = "jsonl", **more: int) -> bytes:
    pieces: list[bytes] = []
    done = export(log.conninfo, SCHEMA, pieces.append, format=format, **more)  # type: ignore[arg-type]
    assert done.events == b"".join(pieces).count(b"\n") - (format == "csv")
    return b"".join(pieces)


def test_json_lines_have_all_that_hashes_are_made_of(sealed_history: SealedLog) -> None:
    rows = [json.loads(line) for line in exported(sealed_history).splitlines()]
    previous = GENESIS

    for row in rows:
        key = (row["position"], row["stream"], row["version"], row["topic"])
        previous = link(previous, *key, row["state"].encode())
        assert row["hash"] == previous.hex()
    assert [row["position"] for row in rows] == list(range(1, HEAD + 1))
    assert [row["position"] for row in rows if row["commandId"]] == [8, 16, 24, 32, 40, 48]


def test_a_part_is_exported_by_positions(sealed_history: SealedLog) -> None:
    whole = exported(sealed_history).splitlines(keepends=True)

    assert exported(sealed_history, after=7, until=10) == b"".join(whole[7:10])
    assert exported(sealed_history, after=46, until=99) == b"".join(whole[46:])
    assert exported(sealed_history, after=99) == b""


def test_bytes_that_are_no_text_are_kept_in_base64(
    sealed_history: SealedLog, intruder: Intruder
) -> None:
    intruder.change(r"state = '\xff7b'", 5)

    row = json.loads(exported(sealed_history).splitlines()[4])

    assert (row["state"], row["stateBase64"]) == (None, "/3s=")


def test_csv_has_a_line_an_event_and_says_when_and_by_whom(sealed_history: SealedLog) -> None:
    header, *rows = csv.reader(io.StringIO(exported(sealed_history, "csv").decode()))

    first = dict(zip(header, rows[0], strict=True))
    assert tuple(header) == CSV_COLUMNS
    assert len(rows) == HEAD
    assert (first["position"], first["stream"], first["actor"]) == ("1", "pay_1", "test")
    assert first["recorded_at"] == first["occurred_at"] != ""
    assert json.loads(first["state"])["d"]["payment_id"] == "pay_1"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(begin: str, sealed_history: SealedLog, intruder: Intruder) -> None:
    intruder.execute(
        "update events set originator_id = %s where notification_id = 5", f"{begin}1+1"
    )

    _, *rows = csv.reader(io.StringIO(exported(sealed_history, "csv").decode(), newline=""))

    assert rows[4][3] == f"'{begin}1+1"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_parquet_has_the_whole_row_with_its_bytes(
    sealed_history: SealedLog, intruder: Intruder
) -> None:
    intruder.change(r"state = '\xff7b'", 5)
    pieces: list[bytes] = []
    done = export(sealed_history.conninfo, SCHEMA, pieces.append, format="parquet")

    table = pyarrow.parquet.read_table(io.BytesIO(b"".join(pieces)))

    rows = table.to_pylist()
    assert done.events == len(rows) == HEAD
    by_json = [json.loads(line) for line in exported(sealed_history).splitlines()]
    for row, other in zip(rows, by_json, strict=True):
        same = {"position", "stream", "version", "topic"}
        assert {name: row[name] for name in same} == {name: other[name] for name in same}
        assert row["hash"].hex() == other["hash"]
        assert row["command_id"] == other["commandId"]
        if other["state"] is not None:
            assert row["state"] == other["state"].encode()
            said = json.loads(other["state"])
            assert row["recorded_at"] == datetime.fromisoformat(said["m"]["recorded_at"])
            assert row["occurred_at"] == datetime.fromisoformat(said["d"]["occurred_at"])
    assert (rows[4]["state"], rows[4]["recorded_at"], rows[4]["actor"]) == (b"\xff{", None, None)


def test_another_format_is_refused_with_a_code(sealed_history: SealedLog) -> None:
    with pytest.raises(FormatUnknown):
        exported(sealed_history, "xlsx")


def test_who_exports_may_not_write(sealed_history: SealedLog) -> None:
    with (
        sealed_history.connected("auditor") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("insert into events values ('x', 1, 't', '', 99, '', null, null)")


def test_the_bytes_of_an_export_do_not_depend_on_when_it_is_made(sealed_history: SealedLog) -> None:
    digests = {hashlib.sha256(exported(sealed_history)).hexdigest() for _ in range(2)}

    assert len(digests) == 1

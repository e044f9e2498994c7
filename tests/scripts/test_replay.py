"""scripts/replay.py as an auditor runs it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow.parquet
import pytest
from psycopg.conninfo import make_conninfo

from support.following import as_deployed, choking, eventually, poison, running
from support.intruder import Intruder
from support.payment_lives import SETTLED, interleaved, lived
from support.read_side import READ_SCHEMA, ReadSide, open_read_side
from support.sealed_log import PUBLIC, SealedLog

SCRIPT = Path(__file__).parents[2] / "scripts" / "replay.py"


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def replay(read_side: ReadSide, *options: str) -> subprocess.CompletedProcess[str]:
    return run("--database", read_side.conninfo, *options)


def replay_part(read_side: ReadSide, part: str, *options: str) -> subprocess.CompletedProcess[str]:
    return run(part, "--database", read_side.conninfo, *options)


def test_a_sound_ledger_ends_with_no_differences_and_code_0(read_side: ReadSide) -> None:
    read_side.log.copy_all(interleaved(payments=20, steps=8, seed=31))
    read_side.catch_up()

    done = replay(read_side)

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "trial balance   Rp0" in lines
    assert lines[-1] == "differences     0"


def test_a_changed_row_ends_with_code_1_and_the_row(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    read_side.catch_up()
    read_side.connection.execute("update payments set status = 'refunded'")

    done = replay(read_side)

    assert done.returncode == 1
    assert "  row           payments ('pay_1',)" in done.stdout


def test_what_was_put_aside_ends_with_code_1_and_the_event(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    read_side.followers["money"].step(read_side.connection)
    views = as_deployed(read_side, "views", choking("views", "payments", "pay_1", version=5))
    with running(views):
        eventually(lambda: views.position == 8)

    done = replay(read_side)

    assert (done.returncode, done.stderr) == (1, "")
    assert (
        "WRONG           the read models of views have parked pay_1 since position 5" in done.stdout
    )
    assert "  at position   5, stream pay_1, version 5, payment.captured.v1" in done.stdout
    assert json.loads(replay(read_side, "--json").stdout)["finding"]["rule"] == "quarantine"


@pytest.mark.parametrize(
    "words",
    [(), ("as-of", "8"), ("stream", "pay_1"), ("balances",), ("diff",), ("what-changed", "0", "8")],
)
def test_an_event_nobody_can_read_ends_with_code_1_and_no_traceback(
    read_side: ReadSide, words: tuple[str, ...]
) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    read_side.catch_up()
    poison(read_side, 8)

    done = run(*words, "--database", read_side.conninfo)

    assert (done.returncode, done.stderr) == (1, "")
    assert "WRONG" in done.stdout


def test_what_cannot_be_found_is_said_in_one_line(read_side: ReadSide) -> None:
    done = replay_part(read_side, "stream", "pay_none")

    assert (done.returncode, done.stderr) == (1, "There are no events under this id.\n")


def test_a_ledger_without_read_models_says_so(read_side: ReadSide) -> None:
    read_side.connection.execute(f"drop schema {READ_SCHEMA} cascade")

    done = replay(read_side)

    assert (done.returncode, done.stderr) == (
        1,
        "This log has no read models yet; start the server once.\n",
    )


def test_programs_get_json(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    read_side.catch_up()

    report = json.loads(replay(read_side, "--json").stdout)

    assert (report["events"], report["finding"]) == (8, None)


def test_balances_are_shown_as_of_a_time(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))

    now, before = (
        replay_part(read_side, "as-of", "2027-01-01"),
        replay_part(read_side, "as-of", "2026-01-01T00:00:00Z"),
    )

    assert "Assets:Gateway:Midtrans:Available" in now.stdout
    assert "payments        1: 1 settled" in now.stdout
    assert "Assets:Gateway:Midtrans:Available" not in before.stdout
    assert (now.returncode, before.returncode) == (0, 0)


def test_balances_and_the_chain_can_be_looked_at_alone(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    read_side.catch_up()

    balances, chain = replay_part(read_side, "balances"), replay_part(read_side, "chain")

    assert (balances.returncode, chain.returncode) == (0, 0)
    assert "balances        equal" in balances.stdout
    assert "Assets:Gateway:Midtrans:Available" in balances.stdout
    assert chain.stdout.splitlines()[-1] == "hash chain      ok to 8"


def test_one_stream_is_told_event_by_event(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))

    told = replay_part(read_side, "stream", "pay_1").stdout

    assert (
        told.index("payment.requested.v1")
        < told.index("payment.settled.v1")
        < told.index("links           8 ok")
    )


def test_a_row_that_differs_is_named_and_rebuilding_puts_it_right(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    read_side.catch_up()
    read_side.connection.execute("update payments set status = 'refunded'")

    found = replay_part(read_side, "diff", "--table", "payments")
    rebuilt = replay_part(read_side, "rebuild", "--json")
    afterwards = replay_part(read_side, "diff", "--json")

    assert (found.returncode, found.stderr) == (1, "")
    assert found.stdout.splitlines()[1:3] == [
        "payments                DIFFERENT: 1 changed",
        "  row           pay_1",
    ]
    money, views = json.loads(rebuilt.stdout)
    assert (rebuilt.returncode, rebuilt.stderr) == (1, "")
    assert (money["finding"], views["finding"]["table"]) == (None, "payments")
    assert views["swap_milliseconds"] > 0
    assert afterwards.returncode == 0
    assert all(table["changed"] == 0 for table in json.loads(afterwards.stdout)["tables"])


def test_what_changed_is_told_to_people_and_to_programs(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))

    told = replay_part(read_side, "what-changed", "5", "2027-01-01")
    for_programs = json.loads(replay_part(read_side, "what-changed", "0", "8", "--json").stdout)

    assert (told.returncode, told.stderr) == (0, "")
    assert "           1  payment: captured → settled" in told.stdout
    assert for_programs["moves"] == [
        {"kind": "payment", "before": "", "after": "settled", "streams": 1}
    ]


def test_the_state_of_a_stream_is_told_as_it_was(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))

    told = replay_part(read_side, "as-of", "5", "--stream", "pay_1").stdout

    assert "status          captured" in told


@pytest.mark.parametrize(
    "words",
    [
        ("as-of", "yesterday"),
        ("what-changed", "5"),
        ("what-changed", "8", "5"),
        ("rebuild", "moneys"),
        ("diff", "--table", "payment"),
        ("diff", "--limit", "-1"),
        ("export", "--format", "xml"),
        ("verify", "--log", "gone.jsonl"),
        ("--until", "8"),
        ("unheard-of",),
    ],
)
def test_a_wrong_call_ends_with_code_2_and_no_traceback(
    read_side: ReadSide, words: tuple[str, ...]
) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))

    done = run(*words, *(("--database", read_side.conninfo) if words[0] != "--until" else ()))

    assert done.returncode == 2
    assert done.stderr and "Traceback" not in done.stderr


# ── verify and export ─────────────────────────────────────────────────────────────────────────────────────────


def sealed(read_side: ReadSide, folder: Path) -> SealedLog:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    log = SealedLog(read_side.conninfo, folder)
    log.seal()
    return log


def test_the_log_is_verified_against_seals_kept_outside(
    read_side: ReadSide, tmp_path: Path
) -> None:
    log = sealed(read_side, tmp_path)

    done = replay_part(read_side, "verify", "--seals", str(log.file), "--key", PUBLIC)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == [
        "streams         1",
        "entries         2",
        "hash chain      ok to 8",
        "seals           1, over the first 8 events; 0 since",
        f"  key           {PUBLIC}",
    ]


def test_without_a_key_or_seals_from_outside_it_says_what_that_is_worth(
    read_side: ReadSide, tmp_path: Path
) -> None:
    sealed(read_side, tmp_path)

    done = replay_part(read_side, "verify")

    assert done.returncode == 0
    assert "compare it, or give yours with --key" in done.stdout
    assert "give those kept outside with --seals" in done.stdout


def test_a_history_made_anew_ends_with_code_1_and_the_position(
    read_side: ReadSide, tmp_path: Path
) -> None:
    log = sealed(read_side, tmp_path)
    intruder = Intruder(read_side.conninfo)
    intruder.change("topic = 'payment.captured.v2'", 5)
    intruder.rechain()
    intruder.close()

    done = replay_part(read_side, "verify", "--seals", str(log.file), "--key", PUBLIC, "--json")

    finding = json.loads(done.stdout)["finding"]
    assert done.returncode == 1
    assert (finding["rule"], finding["position"], finding["stream"]) == ("seals", 5, "pay_1")


def test_the_log_is_exported_to_a_file_or_to_whoever_reads(
    read_side: ReadSide, tmp_path: Path
) -> None:
    sealed(read_side, tmp_path)
    out = tmp_path / "log.jsonl"

    to_file = replay_part(read_side, "export", "--out", str(out))
    piped = replay_part(read_side, "export", "--format", "csv", "--after", "6")
    table = replay_part(read_side, "export", "--format", "parquet", "--out", f"{out}.parquet")

    assert to_file.stdout.startswith("8 events from 1 to 8, jsonl")
    assert [json.loads(line)["position"] for line in out.open()] == list(range(1, 9))
    assert len(piped.stdout.splitlines()) == 3
    assert piped.stderr.startswith("2 events from 7 to 8, csv")
    assert table.stdout.startswith("8 events from 1 to 8, parquet")
    positions = pyarrow.parquet.read_table(f"{out}.parquet").column("position")
    assert positions.to_pylist() == list(range(1, 9))


def test_an_auditors_own_account_is_enough(read_side: ReadSide, tmp_path: Path) -> None:
    """It can log in, may read, and nothing more."""
    log = sealed(read_side, tmp_path)
    read_side.catch_up()
    with psycopg.connect(read_side.conninfo, autocommit=True) as superuser:
        superuser.execute("create role ana login password 'secret' in role bukubesar_auditor")
        name = superuser.info.dbname
        superuser.execute(f'revoke temporary on database "{name}" from public'.encode())
    try:
        own = make_conninfo(read_side.conninfo, user="ana", password="secret")
        done = run("verify", "--database", own, "--seals", str(log.file), "--key", PUBLIC)
        told = run("export", "--database", own, "--out", str(tmp_path / "log.jsonl"))
        others = {
            words: run(*words, "--database", own)
            for words in (
                *((), ("chain",), ("balances",), ("diff",), ("stream", "pay_1")),
                *(("as-of", "8"), ("what-changed", "0", "8")),
            )
        }
        refused = run("rebuild", "--database", own)
    finally:
        with psycopg.connect(read_side.conninfo, autocommit=True) as superuser:
            superuser.execute("drop role ana")

    assert (done.returncode, done.stderr) == (0, "")
    assert (told.returncode, told.stderr) == (0, "")
    assert {words: (done.returncode, done.stderr) for words, done in others.items()} == {
        words: (0, "") for words in others
    }
    assert refused.returncode == 1 and "permission denied" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_an_exported_log_is_enough_and_no_database_is_asked(
    read_side: ReadSide, tmp_path: Path
) -> None:
    log, out = sealed(read_side, tmp_path), tmp_path / "log.jsonl"
    replay_part(read_side, "export", "--out", str(out))
    file = ("--log", str(out))

    verified = run("verify", *file, "--seals", str(log.file), "--key", PUBLIC)
    then = run("as-of", "8", *file)
    changed = run("what-changed", "0", "8", *file)

    assert [done.returncode for done in (verified, then, changed)] == [0, 0, 0]
    assert then.stdout == replay_part(read_side, "as-of", "8").stdout
    assert changed.stdout == replay_part(read_side, "what-changed", "0", "8").stdout
    assert "seals           1, over the first 8 events; 0 since" in verified.stdout


def test_a_file_of_seals_that_is_not_there_is_said_in_one_line(read_side: ReadSide) -> None:
    done = replay_part(read_side, "verify", "--seals", "gone.jsonl")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "gone.jsonl" in done.stderr

"""`bukubesar projections` as an operator meets it: what was put aside, and resuming it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from support.following import as_deployed, aside, eventually, poison, running
from support.payment_lives import PAID, SETTLED, lived
from support.read_side import ReadSide, open_read_side


@pytest.fixture
def log(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        opened.log.append("pay_1", lived("pay_1", *SETTLED))
        opened.log.append("pay_2", lived("pay_2", *PAID))
        yield opened


def projections(log: ReadSide, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "api.cli", "projections", *arguments],
        env={**os.environ, "BUKUBESAR_DATABASE_URL": log.conninfo},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_was_put_aside_is_shown_and_is_resumed_once_it_is_repaired(log: ReadSide) -> None:
    repair = poison(log, 6)
    views, money = as_deployed(log, "views"), as_deployed(log, "money")
    with running(views, money):
        eventually(lambda: len(aside(log)) == 2 and views.position == 14)

    told, for_programs = projections(log).stdout, json.loads(projections(log, "--json").stdout)
    refused = projections(log, "resume", "views")
    still = aside(log)
    repair()
    resumed = projections(log, "resume")

    assert "money   position 5, 9 behind" in told
    assert "halted at 6, stream pay_1, journal.entry_posted.v1" in told
    assert "views   position 14\n" in told
    assert [row["aside"][0]["outcome"] for row in for_programs] == ["halted", "parked"]
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1 and "event_not_applied" in refused.stderr
    assert len(still) == 2
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert resumed.stdout.splitlines() == [
        "money: goes on, and is at position 14",
        "views: rebuilt up to position 14; no longer parked: pay_1",
    ]
    assert aside(log) == []


def test_a_group_is_made_again_by_name_and_no_other_exists(log: ReadSide) -> None:
    rebuilt, unknown = projections(log, "rebuild", "views"), projections(log, "resume", "moneys")
    nothing = projections(log, "resume", "views")

    assert rebuilt.stdout.startswith("views: rebuilt up to position 14, in ")
    assert (
        "  payments          DIFFERENT" not in rebuilt.stdout
    )  # nobody had followed: both were empty
    assert (unknown.returncode, "read_models_unknown" in unknown.stderr) == (1, True)
    assert nothing.stdout == "views: there was nothing to resume\n"

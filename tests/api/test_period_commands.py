"""`bukubesar period close`, as somebody in finance meets it."""

import json
from collections.abc import Callable

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from api.cli import app
from ledger import logs
from ledger.errors import LedgerError
from support.log_rows import SCHEMA, LogRows
from support.payment_lives import SETTLED, lived
from support.running import MASTER_KEY

Run = Callable[..., Result]


@pytest.fixture
def bukubesar(ledger_database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    LogRows(ledger_database).append("pay_1", lived("pay_1", *SETTLED))
    # A process' logs are set up once, and this one is pytest's.
    monkeypatch.setattr(logs, "set_up", lambda level, *, as_json: None)
    monkeypatch.setenv("BUKUBESAR_DATABASE_URL", ledger_database)
    monkeypatch.setenv("BUKUBESAR_MASTER_KEY", MASTER_KEY)
    return lambda *words: CliRunner().invoke(app, ["period", "close", *words])


def test_a_month_is_closed_by_name_and_for_a_reason(bukubesar: Run, ledger_database: str) -> None:
    done = bukubesar("2026-01", "--by", "ana", "--reason", "reconciled with the bank")

    assert done.exit_code == 0, done.output
    assert done.stdout == "2026-01 is closed: its books are final up to 2026-01-31.\n"
    with psycopg.connect(ledger_database) as conn:
        conn.execute(f"set search_path = {SCHEMA}".encode())
        topic = "journal.period_closed.v1"
        rows = conn.execute("select state from events where topic = %s", [topic]).fetchall()
    (fact,) = [json.loads(state) for (state,) in rows]
    assert (fact["d"]["by"], fact["m"]["actor"]) == ("ana", "ana")
    assert fact["m"]["reason"] == "reconciled with the bank"


@pytest.mark.parametrize(
    ("period", "code"), [("2026-13", "period_malformed"), ("2099-01", "period_not_over")]
)
def test_what_cannot_be_closed_says_why(bukubesar: Run, period: str, code: str) -> None:
    refused = bukubesar(period, "--by", "ana", "--reason", "early")

    assert isinstance(refused.exception, LedgerError)
    assert refused.exception.code == code


def test_a_month_is_closed_once(bukubesar: Run) -> None:
    bukubesar("2026-01", "--by", "ana", "--reason", "reconciled")

    again = bukubesar("2026-01", "--by", "budi", "--reason", "reconciled once more")

    assert isinstance(again.exception, LedgerError)
    assert again.exception.code == "period_already_closed"
    assert "ana" in str(again.exception.context)


def test_nothing_is_closed_without_a_reason(bukubesar: Run) -> None:
    refused = bukubesar("2026-01", "--by", "ana")

    assert refused.exit_code == 2
    assert "--reason" in refused.stderr

"""`bukubesar seals` and `bukubesar prove`, from a terminal to the auditor's own program."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

import bukubesar_verify
from api.cli import app
from api.seal_condition import behind
from api.seals import key
from ledger import logs
from ledger.audit.seal import public_key
from ledger.errors import LedgerError
from ledger.settings import Settings
from support.intruder import Intruder
from support.log_rows import SCHEMA, LogRows
from support.payment_lives import SETTLED, lived
from support.running import MASTER_KEY

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "seals.jsonl"


@pytest.fixture
def bukubesar(ledger_database: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """With two settled payments in the log, of eight events each, and a file for seals."""
    log = LogRows(ledger_database)
    for n in (1, 2):
        log.append(f"pay_{n}", lived(f"pay_{n}", *SETTLED))
    # A process' logs are set up once, and this one is pytest's.
    monkeypatch.setattr(logs, "set_up", lambda level, *, as_json: None)
    monkeypatch.setenv("BUKUBESAR_DATABASE_URL", ledger_database)
    monkeypatch.setenv("BUKUBESAR_MASTER_KEY", MASTER_KEY)
    monkeypatch.setenv("BUKUBESAR_SEALS__FILE", str(file))
    monkeypatch.setenv("BUKUBESAR_SEALS__EVERY_EVENTS", "5")
    return lambda *words: CliRunner().invoke(app, [*words])


def own_key() -> str:
    return public_key(key(Settings()))


def refusal(result: Result) -> str:
    assert isinstance(result.exception, LedgerError)
    return result.exception.code


def test_the_key_is_the_one_that_seals_are_signed_with(bukubesar: Run, file: Path) -> None:
    bukubesar("seals", "make")

    assert bukubesar("seals", "key").stdout.strip() == own_key()
    assert json.loads(file.read_text().splitlines()[0])["key"] == own_key()


def test_a_key_of_its_own_takes_the_place_of_the_derived_one(
    bukubesar: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    derived = bukubesar("seals", "key").stdout

    monkeypatch.setenv("BUKUBESAR_SEALS__KEY", MASTER_KEY)

    assert bukubesar("seals", "key").stdout != derived


def test_seals_are_made_at_once_and_listed(bukubesar: Run) -> None:
    assert bukubesar("seals", "list").stdout == ""
    assert "4 made; sealed up to 16" in bukubesar("seals", "make").stdout

    told = bukubesar("seals", "list", "--last", "2").stdout.splitlines()

    assert [line.split()[:4] for line in told] == [["3", "11", "to", "15"], ["4", "16", "to", "16"]]
    assert len(bukubesar("seals", "list", "--json").stdout.splitlines()) == 4
    assert bukubesar("seals", "make").stdout.endswith("0 made; sealed up to 16\n")


def test_sound_seals_are_found_sound(bukubesar: Run, file: Path) -> None:
    bukubesar("seals", "make")

    checked = bukubesar("seals", "check")

    assert checked.exit_code == 0
    assert checked.stdout.startswith("database        4 seals, over the first 16 events; 0 since\n")
    assert f"file {file}: 4 seals\n" in checked.stdout


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("update seals set seal = replace(seal, '\"count\":5', '\"count\":6') where number = 2", "seal 2: "),
        ("delete from seals where number = 4", "the database lacks seal 4"),
        ("delete from events where notification_id > 9", "the log has another event at 16"),
    ],
)  # fmt: skip
def test_seals_that_do_not_agree_end_with_code_1(
    statement: str, words: str, bukubesar: Run, ledger_database: str
) -> None:
    bukubesar("seals", "make")
    intruder = Intruder(ledger_database)
    intruder.execute(statement)
    intruder.close()

    checked = bukubesar("seals", "check")

    assert checked.exit_code == 1
    assert words in checked.stdout


def test_a_place_that_lacks_seals_or_has_others_is_named(bukubesar: Run, file: Path) -> None:
    bukubesar("seals", "make")
    whole = file.read_text().splitlines(keepends=True)

    file.write_text("".join(whole[:2]))
    assert "WRONG           seal 3 is missing there" in bukubesar("seals", "check").stdout
    file.write_text("".join([whole[0], whole[1].replace('"count":5', '"count":4'), *whole[2:]]))
    assert "WRONG           seal 2 there is not" in bukubesar("seals", "check").stdout


def test_without_a_place_outside_it_says_so(
    bukubesar: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BUKUBESAR_SEALS__FILE")

    assert "outside         nowhere" in bukubesar("seals", "check").stdout


@pytest.mark.parametrize("event", ["13", "pay_2:5"])
def test_an_event_is_proved_to_somebody_who_has_nothing_else(
    event: str, bukubesar: Run, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bukubesar("seals", "make")
    out = tmp_path / "proof.json"

    assert bukubesar("prove", event, "--out", str(out)).exit_code == 0

    assert bukubesar_verify.main(["--key", own_key(), str(out), str(file)]) == 0
    assert (
        "event 13, payment.captured.v1, version 5 of pay_2, is under seal 3"
        in capsys.readouterr().out
    )


def test_seals_from_outside_serve_as_well_as_the_databases(
    bukubesar: Run, file: Path, tmp_path: Path
) -> None:
    bukubesar("seals", "make")

    inside, outside = bukubesar("prove", "13"), bukubesar("prove", "13", "--seals", str(file))

    assert inside.stdout == outside.stdout != ""


@pytest.mark.parametrize(
    ("event", "code"),
    [("99", "event_unknown"), ("pay_9:1", "event_unknown"), ("pay_9", "event_unknown")],
)
def test_what_is_not_there_cannot_be_proved(event: str, code: str, bukubesar: Run) -> None:
    assert refusal(bukubesar("prove", event)) == code


def test_what_is_not_sealed_yet_cannot_be_proved_yet(bukubesar: Run) -> None:
    assert refusal(bukubesar("prove", "13")) == "not_sealed_yet"


def test_a_later_seal_is_shown_to_continue_an_earlier_one(
    bukubesar: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bukubesar("seals", "make")
    out = tmp_path / "proof.json"

    assert bukubesar("seals", "prove", "2", "--out", str(out)).exit_code == 0

    assert bukubesar_verify.main(["--key", own_key(), str(out)]) == 0
    assert "continues seal 2" in capsys.readouterr().out
    assert refusal(bukubesar("seals", "prove", "7")) == "seal_unknown"


def test_how_far_seals_are_behind_is_measured(bukubesar: Run, ledger_database: str) -> None:
    async def measured() -> tuple[int, float]:
        async with await psycopg.AsyncConnection.connect(ledger_database) as conn:
            await conn.execute(f"set search_path = {SCHEMA}".encode())
            return await behind(conn)

    never = asyncio.run(measured())
    bukubesar("seals", "make")
    sealed = asyncio.run(measured())
    LogRows(ledger_database).append("pay_3", lived("pay_3", *SETTLED))
    again, age = asyncio.run(measured())

    assert (never, sealed) == ((16, 0.0), (0, 0.0))
    assert again == 8
    assert 0.0 < age < 600.0

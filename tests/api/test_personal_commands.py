"""`bukubesar personal-data`, from a terminal: who sits at it is the person."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from api.cli import app
from ledger import logs
from ledger.errors import LedgerError
from support.erasing import SITI, Stage, staged
from support.running import MASTER_KEY


@pytest.fixture
async def stage(
    ledger_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    # A process' logs are set up once, and this one is pytest's.
    monkeypatch.setattr(logs, "set_up", lambda level, *, as_json: None)
    monkeypatch.setenv("BUKUBESAR_DATABASE_URL", ledger_database)
    monkeypatch.setenv("BUKUBESAR_MASTER_KEY", MASTER_KEY)
    monkeypatch.setenv("BUKUBESAR_ERASURES_FILE", str(tmp_path / "erasures.jsonl"))
    monkeypatch.delenv("SUDO_USER", raising=False)
    async with staged(ledger_database, tmp_path) as opened:
        await opened.registered()
        yield opened


async def bukubesar(*words: str, user: str = "ana") -> Result:
    """In a thread, for a command has an event loop of its own."""
    arguments, env = ["personal-data", *words], {"USER": user}
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, env=env)


async def erase(user: str, *more: str) -> Result:
    return await bukubesar("erase", SITI, "--reason", "asked_by_person", *more, user=user)


def told(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()[-1]


def refusal(result: Result) -> str:
    assert isinstance(result.exception, LedgerError), result.output
    return result.exception.code


async def test_two_persons_at_the_terminal_erase_a_third(stage: Stage) -> None:
    assert (
        await erase("ana")
    ).stdout == "siti: requested. Another person has to ask for the same.\n"
    assert refusal(await erase("ana")) == "second_person_needed"
    assert all(stage.keys().values())

    assert told(await erase("budi")) == "siti: erased. Nobody can read it any more."

    assert set(stage.keys().values()) == {b""}
    approved = (await stage.wired.erasure.get(SITI)).erasure.approved
    assert approved is not None
    assert (approved.requested_by, approved.by) == ("cli:ana", "cli:budi")


async def test_a_duty_to_keep_stands_against_it_until_it_is_released(stage: Stage) -> None:
    held = await bukubesar("hold", SITI, "--basis", "tax_audit", "--until", "2099-12-31")
    assert told(held) == "siti: held. It is kept meanwhile."

    assert refusal(await erase("ana")) == "erasure_on_hold"
    assert told(await bukubesar("release", SITI)) == "siti: none."

    assert (await erase("ana")).exit_code == 0


async def test_a_persons_own_copy_is_shown_and_the_log_says_to_whom(stage: Stage) -> None:
    payment = await stage.paid(SITI)

    shown = json.loads((await bukubesar("show", SITI)).stdout)

    assert shown["customer"]["email"] == "siti@example.id"
    assert shown["customer"]["paymentMethods"][0]["masked"] == "48111111-1114"
    assert [one["payment"]["paymentId"] for one in shown["payments"]] == [payment]
    assert shown["payments"][0]["payer"] == {"name": "Siti R.", "phone": "+6281234567890"}
    assert shown["disclosedTo"] == "cli:ana"
    last = (await stage.wired.store.history("customer-siti"))[-1]
    assert (last.event.TOPIC, last.metadata.actor) == (
        "customer.personal_data_disclosed.v1",
        "cli:ana",
    )


async def test_the_list_is_applied_again_and_says_what_it_did(stage: Stage, tmp_path: Path) -> None:
    await erase("ana")
    await erase("budi")

    again = await bukubesar("reapply")
    assert told(again) == "1 on the list, 0 erased again"

    await stage.registered("budi")
    other = tmp_path / "restored.jsonl"
    line = json.loads(stage.list_file.read_text())
    other.write_text(json.dumps(line | {"customer_id": "budi", "subjects": ["budi"]}) + "\n{torn")
    said = await bukubesar("reapply", "--file", str(other))
    assert told(said).startswith("1 on the list, 1 erased again; 1 lines say nothing")
    assert (await stage.wired.erasure.get("budi")).erasure.status == "erased"


async def test_without_a_list_it_says_so(stage: Stage) -> None:
    missing = await bukubesar("reapply")

    assert missing.exit_code == 2
    assert "There is no list" in missing.output

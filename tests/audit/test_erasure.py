"""An erasure, looked for everywhere: what named the person is nowhere, in no form, and nothing else has changed."""

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from pydantic import SecretStr

from api import erasure_list
from api.customer_views import ERASED
from api.embedded import EmbeddedPostgres
from api.kept_of_persons import PURGES
from api.wiring import prepare
from ledger.settings import Settings
from support.customer import Gateway
from support.erased_person import PERSON, SITI, Story, settings, told_of
from support.own_postgres import cluster
from support.running import SCHEMA, environment
from support.traces import Wanted, copies, files, forms, write_over_the_log

REPLAY = Path(__file__).parents[2] / "scripts" / "replay.py"
FORMATS = ("jsonl", "csv", "beancount", "hledger")


class Server(NamedTuple):
    dsn: str
    folder: Path  # of the cluster


@pytest.fixture(scope="module")
def own_server(open_folder: Path) -> Iterator[Server]:
    """Whose files are this story's alone, and whose write-ahead log is soon written over."""
    with EmbeddedPostgres(open_folder / "erasure", settings={"min_wal_size": "32MB"}) as postgres:
        prepare(Settings(database_url=SecretStr(postgres.dsn), database_schema=SCHEMA))
        yield Server(postgres.dsn, cluster(postgres))


@pytest.fixture(scope="module")
def story(
    own_server: Server, simulated: tuple[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Story:
    return asyncio.run(_told(own_server, simulated, tmp_path_factory.mktemp("erased")))


async def _told(server: Server, simulated: tuple[str, int], folder: Path) -> Story:
    gateway = Gateway(*simulated)
    made = Story(settings(server.dsn, gateway, folder), folder)
    try:
        return await told_of(made, gateway)
    finally:
        await gateway.close()


@pytest.fixture(scope="module")
def wanted(story: Story) -> Wanted:
    """Whatever named the person, and the keys that would bring it back."""
    named = {name: text.encode() for name, text in story.canaries.items()}
    return Wanted(named | {f"the key of {subject}": key for subject, key in story.keys.items()})


def test_there_was_something_to_erase(story: Story) -> None:
    shown = story.answers["shown before"]

    assert shown.status_code == 200, shown.text
    tokens = [name for name in story.canaries if "token" in name or "accountId" in name]
    unseen = ("at first", "a notice", "an answer")
    hidden = {*tokens, *(name for name in story.canaries if name.endswith(unseen))}
    visible = [name for name in story.canaries if name not in hidden and "guest" not in name]
    assert len(visible) >= 8
    for name in visible:
        assert story.canaries[name] in shown.text, name
    for name in hidden:
        assert story.canaries[name] not in shown.text, name
    assert story.answers["not shown"].json()["type"] == "/problems/permission_missing"


def test_all_of_it_is_shown_with_times_and_source_events(story: Story) -> None:
    told = story.answers["shown before"].json()

    assert [one["masked"] for one in told["customer"]["paymentMethods"] if "masked" in one] == [
        "44111111-1118"
    ]
    assert len(told["payments"]) == 3  # two that were asked for, and that of the subscription
    assert (len(told["subscriptions"]), len(told["bills"])) == (1, 1)
    for part in (told, *told["payments"], *told["subscriptions"], *told["bills"]):
        assert len(part["events"]) >= 2
        for event in part["events"]:
            assert {"topic", "position", "occurredAt", "recordedAt"} <= event.keys()
    assert told["events"][-1]["topic"] == "customer.personal_data_disclosed.v1"


def test_it_took_two_persons(story: Story) -> None:
    first, same, second = (story.answers[name] for name in ("first", "same again", "second"))

    assert (first.status_code, first.json()["status"]) == (202, "requested")
    assert (same.status_code, same.json()["type"]) == (409, "/problems/second_person_needed")
    assert second.status_code in (200, 202), second.text
    done = story.answers["done"].json()
    assert done["requestedBy"] != done["approvedBy"]
    assert done["requestedBy"] == first.json()["requestedBy"] == same.json()["proposedBy"]
    assert done["subjects"] == [SITI, story.payments[1]]
    certificate = done["certificate"]
    assert certificate["keysDestroyed"] == 2
    assert certificate["purged"] == ["key_ring", *PURGES]
    assert 0 < certificate["sealPosition"] <= certificate["logPosition"]
    assert [
        one.customer_id for one in erasure_list.read(story.folder / "erasures.jsonl").listed
    ] == [SITI]


def test_nothing_is_left_in_any_file_of_the_database(
    story: Story, wanted: Wanted, own_server: Server
) -> None:
    """Its write-ahead log and its own messages among them: nothing of it was ever there in clear."""
    with psycopg.connect(own_server.dsn, autocommit=True) as admin:
        admin.execute("vacuum")
        admin.execute("checkpoint")

    assert wanted.in_(files(own_server.folder.parent.parent)) == []


def test_wrapped_keys_are_in_no_table_and_in_the_write_ahead_log_until_it_is_written_over(
    story: Story, own_server: Server
) -> None:
    wrapped = Wanted({f"of {subject}": key for subject, key in story.wrapped.items()})
    log = own_server.folder / "pg_wal"

    assert wrapped.in_(files(own_server.folder, leave_out="pg_wal")) == []
    assert wrapped.in_(copies(own_server.dsn)) == []
    assert wrapped.in_(files(log)) != []

    write_over_the_log(own_server.dsn, own_server.folder)

    assert wrapped.in_(files(log)) == []


def test_nothing_is_left_in_a_dump(story: Story, wanted: Wanted, own_server: Server) -> None:
    places = list(copies(own_server.dsn))

    assert wanted.in_(places) == []
    assert len(places) >= 2 * 25
    assert b"customer.erased.v1" in dict(places)["bukubesar.events text"]


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_left_in_exports(
    story: Story, wanted: Wanted, form: str, tmp_path: Path
) -> None:
    out = tmp_path / f"export.{form}"

    said = replay(story, "export", "--format", form, "--out", str(out))

    assert out.stat().st_size > 1_000
    assert wanted.in_([*files(out), ("said", said.encode())]) == []


def test_nothing_was_ever_written_to_the_logs_of_processes(story: Story, wanted: Wanted) -> None:
    content = story.said.read_bytes()

    assert content.count(b"\n") > 50
    assert b"/personal-data" in content
    assert wanted.in_(files(story.folder)) == []


def test_whoever_asks_reads_that_it_was_erased_and_no_error(story: Story, wanted: Wanted) -> None:
    asked = {name: answer for name, answer in story.answers.items() if name.startswith("GET")}

    assert wanted.in_((name, answer.content) for name, answer in asked.items()) == []
    for shown in (story.answers[f"GET {PERSON}"].json(), story.answers["operator"].json()):
        assert {shown[field] for field in ("name", "email", "phone", "npwp", "address")} == {ERASED}
        assert (shown["erasure"], shown["paymentMethods"]) == ("erased", [])
        assert shown["erasedAt"]
    told = story.answers[f"GET {PERSON}/personal-data"].json()
    payers = {word for one in told["payments"] if "payer" in one for word in one["payer"].values()}
    assert payers == {ERASED}
    assert len(told["payments"]) == 4  # the guest's, too, for it was said to be theirs
    assert told["erasure"]["certificate"]["keysDestroyed"] == 2


def test_nothing_new_is_kept_of_the_person(story: Story) -> None:
    refused = {
        name: (story.answers[name].status_code, story.answers[name].json()["type"])
        for name in ("repeat", "new payment", "register again", "change", "hold", "subscribe")
    }

    assert refused == dict.fromkeys(refused, (409, "/problems/subject_erased"))


def test_nobody_else_is_touched(story: Story) -> None:
    shown = story.answers["somebody else"].json()

    assert {name: shown[name] for name in story.others} == story.others


def test_books_chain_seals_and_replay_are_as_before(story: Story) -> None:
    before, after = story.books

    assert before == after
    assert set(after[1].values()) == {0}
    seals = ("--seals", str(story.folder / "seals.jsonl"))
    verified = json.loads(replay(story, "verify", "--json", *seals))
    replayed = json.loads(replay(story, "--json"))
    assert (verified["finding"], replayed["finding"]) == (None, None)
    assert replayed["totals"] == {"IDR": 0}
    assert all(replayed["equal"].values())
    certificate = story.answers["done"].json()["certificate"]
    assert certificate["logPosition"] < verified["sealed"] <= verified["until"]


def replay(story: Story, *arguments: str) -> str:
    """As an auditor at a terminal; it ends well, or the test does not."""
    done = subprocess.run(
        [sys.executable, str(REPLAY), *arguments, "--database", story.conninfo],
        env={**os.environ, **environment(story.settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ── that all this would find something ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", sorted(forms(b"Siti Qx0123456789abcdef")))
def test_every_form_is_found_wherever_it_begins(form: str) -> None:
    secret = b"Siti Qx0123456789abcdef"
    wanted = Wanted({"name": secret})
    needle = forms(secret)[form]

    assert any(
        found.endswith(f"name as {form}") for found in wanted.in_([("there", b"ab" + needle)])
    )
    assert wanted.in_([("there", b"Siti Qx0123456789abcde")]) == []


@pytest.mark.parametrize("before", range(3))
def test_base64_is_found_in_whatever_it_is_part_of(before: int) -> None:
    secret = b"Siti Qx0123456789abcdef"
    inside = base64.b64encode(b"x" * (3 + before) + secret + b"yy")

    assert Wanted({"name": secret}).in_([("there", inside)])


@pytest.mark.parametrize("form", ["plain", "utf-16-le", "base64+0"])
def test_a_planted_row_is_found_in_files_and_dumps(
    story: Story, wanted: Wanted, own_server: Server, form: str
) -> None:
    """Last of all, for it is there from now on."""
    (name,) = [text for where, text in story.canaries.items() if where == "name of the customer"]
    with psycopg.connect(own_server.dsn, autocommit=True) as admin:
        admin.execute("create table bukubesar.notes (note bytea)")
        admin.execute("insert into bukubesar.notes values (%s)", [forms(name.encode())[form]])
        admin.execute("checkpoint")
        try:
            in_files = wanted.in_(files(own_server.folder / "base"))
            in_dumps = wanted.in_(copies(own_server.dsn))
        finally:
            admin.execute("drop table bukubesar.notes")

    assert [found for found in in_files if found.endswith(f"name of the customer as {form}")]
    assert [found for found in in_dumps if found.startswith("bukubesar.notes")]

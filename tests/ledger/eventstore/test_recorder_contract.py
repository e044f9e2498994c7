"""Our recorder against the library's own contract, and beside a second log in the same database."""

from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.application import Application
from eventsourcing.persistence import StoredEvent
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
)

from ledger.eventstore.migrate import SchemaChanged, migrate
from ledger.eventstore.recorder import GroupCommitRecorder
from support.counting import COUNTER, Count
from support.stores import SCHEMA, context, open_store


@pytest.fixture
def recorder(ledger_database: str):
    recorder = GroupCommitRecorder(ledger_database, SCHEMA)
    yield recorder
    recorder.close()


def contract(case: type, test: str, recorder: GroupCommitRecorder) -> None:
    class Case(case):
        def create_recorder(self) -> GroupCommitRecorder:
            return recorder

        def new_originator_id(self) -> str:
            return str(uuid4())

    getattr(Case(test), test)()


@pytest.mark.parametrize("test", ["test_insert_select", "test_concurrent_no_conflicts"])
def test_the_library_s_recorder_contract_holds(recorder: GroupCommitRecorder, test: str):
    contract(ApplicationRecorderTestCase, test, recorder)


def test_the_events_of_two_appends_do_not_interleave(recorder: GroupCommitRecorder):
    contract(NonInterleavingNotificationIDsBaseCase, "test", recorder)


async def test_a_log_is_a_schema_and_two_of_them_share_nothing(ledger_database: str):
    migrate(ledger_database, "second_log")
    async with (
        open_store(ledger_database) as first,
        open_store(ledger_database, "second_log") as second,
    ):
        await first.store.execute(COUNTER, "counter-1", Count(3), context("cmd-a"))
        await second.store.execute(COUNTER, "counter-1", Count(4), context("cmd-a"))

        assert (await first.store.load(COUNTER, "counter-1")).state == 3
        assert (await second.store.load(COUNTER, "counter-1")).state == 4
        assert first.recorder.max_notification_id() == second.recorder.max_notification_id() == 1


async def test_a_role_of_one_log_cannot_read_the_other(ledger_database: str):
    migrate(ledger_database, "second_log")
    with psycopg.connect(ledger_database, autocommit=True) as conn:
        conn.execute("set role bukubesar_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("select * from second_log.events")


def test_the_library_s_application_runs_on_our_log(
    ledger_database: str, recorder: GroupCommitRecorder
):
    class Notes(Application[str]):
        name = "notes"

    notes = Notes(env={"PERSISTENCE_MODULE": "eventsourcing.popo", "ORIGINATOR_ID_TYPE": "text"})
    notes.recorder = recorder
    recorder.insert_events([StoredEvent("note-1", 1, "note.taken.v1", b"{}")])
    notes.notification_log.recorder = recorder  # type: ignore[attr-defined]

    section = notes.notification_log.select(start=1, limit=10)
    assert [(item.id, item.topic) for item in section] == [(1, "note.taken.v1")]


@pytest.mark.parametrize("change", ["add a line", "take a word"])
def test_a_migration_that_was_applied_may_not_change(
    new_database: Callable[[str], str], tmp_path, change: str
):
    database, file = new_database("template1"), tmp_path / "one.sql"
    file.write_text("create table one (n integer);")
    assert migrate(database, "other", [file]) == ["one.sql"]
    assert migrate(database, "other", [file]) == []

    file.write_text(
        "create table one (n bigint);"
        if change == "take a word"
        else "create table one (n integer);\n-- x"
    )
    with pytest.raises(SchemaChanged):
        migrate(database, "other", [file])

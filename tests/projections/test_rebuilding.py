"""Read models made again beside the live ones: compared, swapped in, and nobody who reads notices."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest

from ledger.eventstore.connections import Readers, conninfo_for
from ledger.eventstore.migrate import LogNames
from projections import GROUPS, READ_MODELS, payments, rebuilding
from projections.engine import rebuild, swap
from projections.engine.read_model import ReadModel
from projections.engine.swap import Place
from projections.rebuilding import ReadModelsBuiltUpon, ReadModelsInUse, rebuild_live
from projections.replaying import verify
from projections.sides import snapshot
from support.following import as_deployed, aside, choking, eventually, running
from support.log_rows import SCHEMA
from support.payment_lives import PAID, SETTLED, interleaved, lived
from support.read_side import READ_SCHEMA, ReadSide, open_read_side

EVERY_ONE = {model.NAME: True for model in READ_MODELS}
A_READERS_PATIENCE = 1.5  # seconds; the API's lock_timeout


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


@pytest.fixture
def log(read_side: ReadSide) -> ReadSide:
    for payment in ("pay_1", "pay_2", "pay_3"):
        read_side.log.append(payment, lived(payment, *SETTLED))
    return read_side


def equal(log: ReadSide) -> dict[str, bool]:
    report = verify(log.conninfo, SCHEMA)
    assert report.finding is None, report.finding
    return report.equal


def schemas(log: ReadSide) -> set[str]:
    query = "select nspname::text as name from pg_namespace where starts_with(nspname, 'bukubesar')"
    return {row["name"] for row in log.rows(query)}


@pytest.mark.parametrize("group", GROUPS)
def test_what_was_right_is_found_equal_and_is_equal_afterwards(log: ReadSide, group: str) -> None:
    log.catch_up()

    done = rebuild_live(log.conninfo, SCHEMA, group)

    assert done.equal == {model.NAME: True for model in GROUPS[group]}
    assert (done.finding, done.not_compared, done.position) == (None, "", 24)
    assert equal(log) == EVERY_ONE
    assert schemas(log) == {SCHEMA, READ_SCHEMA, f"{SCHEMA}_reporting"}


def test_what_was_wrong_is_named_and_replaced(log: ReadSide) -> None:
    log.catch_up()
    log.connection.execute("update payments set status = 'refunded' where payment_id = 'pay_2'")

    done = rebuild_live(log.conninfo, SCHEMA, "views")

    assert done.finding is not None
    assert (done.finding.table, done.finding.key) == ("payments", ("pay_2",))
    assert [name for name, same in done.equal.items() if not same] == ["payments"]
    assert equal(log) == EVERY_ONE


def test_tables_of_another_version_are_replaced(log: ReadSide) -> None:
    log.catch_up()
    log.connection.execute("alter table payments drop column metadata cascade")

    done = rebuild_live(log.conninfo, SCHEMA, "views")

    assert done.finding is not None and done.finding.rule == "layout"
    assert equal(log) == EVERY_ONE


def test_live_ones_that_lag_are_compared_where_they_stand(log: ReadSide) -> None:
    log.catch_up()
    log.log.append("pay_4", lived("pay_4", *PAID))

    done = rebuild_live(log.conninfo, SCHEMA, "money")

    assert (done.equal, done.position) == ({"balances": True, "journal": True}, 30)


def test_what_has_parked_streams_is_not_compared(log: ReadSide) -> None:
    views = as_deployed(log, "views", choking("views", "payments", "pay_2", version=5))
    with running(views):
        eventually(lambda: aside(log) and views.position == 24)

    done = rebuild_live(log.conninfo, SCHEMA, "views")

    assert (done.equal, done.finding) == ({}, None)
    assert done.not_compared == "the live ones have parked streams"
    assert done.streams == ["pay_2"]


def test_after_a_restore_read_models_go_back_to_the_end_of_the_log(log: ReadSide) -> None:
    log.catch_up()
    log.log.tamper("delete from events where notification_id > 16")

    done = rebuild_live(log.conninfo, SCHEMA, "money")

    assert (done.position, done.not_compared) == (
        16,
        "the live ones have seen more than the log holds",
    )


def test_a_rebuilt_group_is_at_the_head_wherever_the_live_one_was(
    log: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyze = rebuild.analyze

    def meanwhile(connection: psycopg.Connection[Any], models: Sequence[ReadModel]) -> None:
        analyze(connection, models)
        log.log.append("pay_4", lived("pay_4", *PAID))

    monkeypatch.setattr(rebuild, "analyze", meanwhile)
    rebuilt = rebuild_live(log.conninfo, SCHEMA, "views")  # nobody had followed
    log.followers["money"].step(log.connection)

    assert rebuilt.position == log.log.position == 30
    assert log.followers["views"].step(log.connection) == 0
    assert equal(log) == EVERY_ONE


@pytest.mark.parametrize("group", GROUPS)
def test_any_group_can_be_made_again_from_whatever_it_has_become(
    read_side: ReadSide, group: str
) -> None:
    read_side.log.copy_all(interleaved(payments=30, steps=8, seed=41))
    read_side.catch_up()
    for table in (table for model in GROUPS[group] for table in model.TABLES):
        read_side.connection.execute(f"truncate {table}".encode())

    rebuild_live(read_side.conninfo, SCHEMA, group)

    assert equal(read_side) == EVERY_ONE


def test_services_may_read_what_was_swapped_in_and_its_indexes_are_there(log: ReadSide) -> None:
    indexes = "select indexdef from pg_indexes where schemaname = %s order by indexname"
    before = log.rows(indexes, READ_SCHEMA)
    readers = (
        "select distinct table_name, grantee from information_schema.role_table_grants"
        " where table_schema = %s and privilege_type = 'SELECT' order by 1, 2"
    )
    log.connection.execute("grant select on payments to pg_monitor")  # a role of somebody's own
    granted = log.rows(readers, READ_SCHEMA)
    for group in GROUPS:
        rebuild_live(log.conninfo, SCHEMA, group)

    assert log.rows(indexes, READ_SCHEMA) == before
    assert log.rows(readers, READ_SCHEMA) == granted


# ── who reads meanwhile ───────────────────────────────────────────────────────────────────────────────────────────


class Longest:
    """Somebody who reads without a pause; how long the slowest of their reads took, in seconds."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo_for(conninfo, SCHEMA, "app")
        self.seconds = 0.0
        self.reads = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._read, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _read(self, stop: threading.Event) -> None:
        with psycopg.connect(self._conninfo, autocommit=True) as reader:
            while not stop.is_set():
                began = time.monotonic()
                reader.execute("select count(*) from payments join due_work on stream = payment_id")
                self.seconds = max(self.seconds, time.monotonic() - began)
                self.reads += 1


def test_a_swap_waits_for_who_reads_long_and_nobody_else_waits_for_it(
    log: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.catch_up()
    monkeypatch.setattr(rebuilding, "SWAP_WITHIN_SECONDS", 2.0)
    other = Longest(log.conninfo)
    with psycopg.connect(log.conninfo, application_name="month end") as reader:
        reader.execute("select * from bukubesar_read.payments")
        with other.reading(), pytest.raises(ReadModelsInUse) as refused:
            rebuild_live(log.conninfo, SCHEMA, "views")
        kept = reader.execute("select count(*) from bukubesar_read.payments").fetchone()

    assert kept == (3,)
    assert any("month end" in str(who) for who in refused.value.context["holders"])  # type: ignore[attr-defined]
    assert other.reads > 100 and other.seconds < A_READERS_PATIENCE / 2
    assert rebuild_live(log.conninfo, SCHEMA, "views").position == 24
    assert equal(log) == EVERY_ONE


def test_an_instant_that_an_auditor_holds_is_not_swapped_away(
    log: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New tables would be empty, seen from an instant before they were filled."""
    log.catch_up()
    monkeypatch.setattr(rebuilding, "SWAP_WITHIN_SECONDS", 0.0)
    with snapshot(log.conninfo, SCHEMA) as auditor:
        with pytest.raises(ReadModelsInUse):
            rebuild_live(log.conninfo, SCHEMA, "views")
        seen = auditor.execute("select count(*) from bukubesar_read.payments").fetchone()

    assert seen == (3,)


@pytest.mark.parametrize("tables", [("payments", "reviews"), ("reviews", "payments")])
def test_who_still_comes_to_a_replaced_table_is_never_in_a_deadlock_with_its_end(
    log: ReadSide, tables: tuple[str, str]
) -> None:
    """As one does who planned before the swap: it holds one old table while it asks for the next."""
    held, next_one = tables
    place = Place(LogNames(SCHEMA), "bukubesar_rebuild_1", "views", GROUPS["views"])
    with psycopg.connect(log.conninfo) as reader, psycopg.connect(log.conninfo) as owner:
        owner.autocommit = True
        owner.execute(f"create schema {place.old}".encode())
        for table in place.tables:
            owner.execute(f"create table {place.old}.{table} ()".encode())
        reader.execute(f"lock table {place.old}.{held} in access share mode".encode())
        with ThreadPoolExecutor(1) as thread:
            dropping = thread.submit(swap.drop_replaced, owner, place)
            time.sleep(0.3)
            with suppress(psycopg.errors.UndefinedTable):  # it is planned anew
                reader.execute(f"lock table {place.old}.{next_one} in access share mode".encode())
            reader.rollback()
            dropping.result(timeout=10)

    assert schemas(log) == {SCHEMA, READ_SCHEMA, f"{SCHEMA}_reporting"}


def test_views_of_somebodys_own_are_not_left_on_tables_that_are_gone(log: ReadSide) -> None:
    log.catch_up()
    log.connection.execute("create view paid as select * from payments where status = 'settled'")

    with pytest.raises(ReadModelsBuiltUpon, match="paid"):
        rebuild_live(log.conninfo, SCHEMA, "views")

    assert log.rows("select count(*) as n from paid") == [{"n": 3}]
    log.connection.execute("drop view paid")
    assert equal(log) == EVERY_ONE


async def test_statements_that_were_prepared_for_other_columns_are_read_again(
    log: ReadSide,
) -> None:
    log.catch_up()
    log.connection.execute(f"drop schema {SCHEMA}_reporting cascade")  # its views hold columns
    log.connection.execute("alter table payments alter column attempts type integer")
    readers = Readers(log.conninfo, SCHEMA, 1)
    await readers.open()
    try:
        async with readers.connection() as conn:
            for _ in range(8):
                await conn.execute("select attempts from payments")
            rebuild_live(log.conninfo, SCHEMA, "views")
            rows = await (await conn.execute("select attempts from payments")).fetchall()
            again = await (await conn.execute("select attempts from payments")).fetchall()
    finally:
        await readers.close()

    assert [row["attempts"] for row in rows] == [1, 1, 1] and again == rows


def test_a_rebuild_that_is_interrupted_changes_nothing(log: ReadSide) -> None:
    log.catch_up()
    rows = log.rows("select ctid, * from payments")

    def interrupt(step: str, done: int, total: int) -> None:
        if step == "comparing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild_live(log.conninfo, SCHEMA, "views", interrupt)

    assert log.rows("select ctid, * from payments") == rows
    assert schemas(log) == {SCHEMA, READ_SCHEMA, f"{SCHEMA}_reporting"}


def test_what_a_killed_rebuild_left_behind_is_dropped_by_the_next(log: ReadSide) -> None:
    log.catch_up()
    log.connection.execute("create schema bukubesar_rebuild_1")
    log.connection.execute("create schema bukubesar_rebuild_1_old")

    rebuild_live(log.conninfo, SCHEMA, "money")

    assert schemas(log) == {SCHEMA, READ_SCHEMA, f"{SCHEMA}_reporting"}


def test_of_events_far_behind_the_head_each_is_applied_once(
    read_side: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the way to the head is divided: filled, compared, filled, followed."""
    monkeypatch.setattr(rebuilding, "NEAR", 20)
    read_side.log.copy_all(interleaved(payments=10, steps=6, seed=3))
    read_side.catch_up()
    for n in range(10):
        read_side.log.append(f"pay_later{n}", lived(f"pay_later{n}", *SETTLED, seed=n))

    done = rebuild_live(read_side.conninfo, SCHEMA, "views")
    read_side.catch_up()

    assert all(done.equal.values()) and done.position == read_side.log.position
    assert payments.NAME in done.equal
    assert equal(read_side) == EVERY_ONE


def test_two_who_rebuild_the_same_at_once_both_end_well(log: ReadSide) -> None:
    log.catch_up()
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(lambda _: rebuild_live(log.conninfo, SCHEMA, "views"), range(2)))

    assert [one.finding for one in done] == [None, None]
    assert equal(log) == EVERY_ONE
    assert schemas(log) == {SCHEMA, READ_SCHEMA, f"{SCHEMA}_reporting"}

"""The views for reports: what they are, who may read them, and that they outlive their tables."""

import re
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api import reporting_docs
from api.reporting_docs import UNITS
from ledger.eventstore.connections import connect
from ledger.eventstore.migrate import LogNames, migrate
from projections import reporting
from projections.engine import connections
from projections.layout import lay_out
from projections.rebuilding import rebuild_live
from projections.reporting import REPORTS, VIEWS
from projections.reporting.view import Report, View
from support.log_rows import SCHEMA
from support.payment_lives import SETTLED, lived
from support.report_side import ReportSide, open_report_side

NAMES = LogNames(SCHEMA)
ASKED_FOR = (
    *("payments", "refunds", "subscriptions", "bills", "entries"),
    *("balances", "fees", "method_success", "recurring_revenue"),
)


@pytest.fixture
def side(ledger_database: str) -> Iterator[ReportSide]:
    with open_report_side(ledger_database) as opened:
        yield opened


# ── what they are ─────────────────────────────────────────────────────────────────────────────────────────────


def test_there_is_a_view_for_each_report() -> None:
    assert sorted(report.name for report in REPORTS) == sorted(ASKED_FOR)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_column_is_documented_with_the_type_that_it_has(side: ReportSide, view: View) -> None:
    found = side.rows(
        "select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type,"
        " col_description(a.attrelid, a.attnum) as words"
        " from pg_attribute a where a.attrelid = %s::regclass and a.attnum > 0 order by a.attnum",
        f"{NAMES.reporting_schema}.{view.name}",
    )

    for row in found:
        row["type"] = row["type"].replace("timestamp with time zone", "timestamptz")
    documented = [
        {"name": one.name, "type": one.type, "words": f"{one.unit}: {one.words}"}
        for one in view.columns
    ]
    assert documented == found
    assert {one.unit for one in view.columns} <= UNITS.keys()
    assert view.words


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_every_report_says_how_fresh_it_is_and_is_ordered_by_what_names_a_row(
    side: ReportSide, report: Report
) -> None:
    names = [one.name for one in report.columns]

    assert names[-1] == "as_of_position"
    assert {*report.order, report.by} <= {*names}
    assert report.dated.type in ("date", "timestamptz")


def test_amounts_are_whole_and_have_their_currency_beside_them() -> None:
    for view in VIEWS:
        amounts = [one for one in view.columns if one.unit == "minor units"]
        assert all(one.name.endswith("_minor") and one.type == "bigint" for one in amounts)
        assert all(one.unit == "minor units" for one in view.columns if "_minor" in one.name)
        assert not amounts or "currency" in [one.name for one in view.columns]


# ── who may read them ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_role_reads_these_views_and_nothing_else_of_the_database(side: ReportSide) -> None:
    side.catch_up()
    found = side.report(
        "select n.nspname::text as schema, c.relname::text as name"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')"
        " and c.relkind in ('r', 'v', 'm', 'p', 'f', 'S')"
        " and has_schema_privilege(n.oid, 'usage') and ("
        "   c.relkind = 'S' and has_sequence_privilege(c.oid, 'select, usage, update')"
        "   or c.relkind <> 'S' and has_table_privilege(c.oid, 'select, insert, update, delete, truncate')"
        "   or c.relkind <> 'S' and has_any_column_privilege(c.oid, 'select, insert, update'))"
    )

    assert {(row["schema"], row["name"]) for row in found} == {
        (NAMES.reporting_schema, view.name) for view in VIEWS
    }


@pytest.mark.parametrize(
    "statement",
    [
        "select * from bukubesar.events",
        "select * from bukubesar_read.payments",
        "select * from bukubesar.key_ring",
        "insert into payments (payment_id) values ('pay_1')",
        "create table mine (a int)",
        "create temporary table mine (a int)",
        "delete from payments",
    ],
)
def test_who_reports_may_do_nothing_else(side: ReportSide, statement: str) -> None:
    with pytest.raises(
        (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
    ):
        side.reports.execute(statement.encode())


def test_the_role_may_not_write_where_somebody_makes_it_log_in(side: ReportSide) -> None:
    settings = side.rows(
        "select setconfig from pg_db_role_setting s join pg_roles r on r.oid = s.setrole"
        " where r.rolname = %s",
        NAMES.roles["reporting"],
    )

    assert settings == [{"setconfig": ["default_transaction_read_only=on"]}]


# ── that they last ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("group", ["money", "views"])
def test_views_show_the_tables_that_a_rebuild_puts_in_place(side: ReportSide, group: str) -> None:
    side.log.append("pay_1", lived("pay_1", *SETTLED))
    side.catch_up()
    side.connection.execute(
        b"create view bukubesar_reporting.my_own as select count(*) as n from bukubesar_reporting.payments"
    )
    before = {view.name: side.all(view) for view in VIEWS}

    rebuild_live(side.conninfo, SCHEMA, group)

    assert {view.name: side.all(view) for view in VIEWS} == before
    side.log.append("pay_2", lived("pay_2", *SETTLED))
    side.catch_up()
    assert len(side.report("select * from payments")) == 2
    assert len(side.report("select distinct payment_id from entries")) == 2
    assert side.report("select n from my_own") == [{"n": 2}]


def test_a_start_leaves_views_alone_that_are_as_they_should_be(side: ReportSide) -> None:
    query = "select xmin::text from pg_class where oid = 'bukubesar_reporting.payments'::regclass"
    before = side.rows(query)

    with connect(side.conninfo, SCHEMA, "reporting") as reader, reader.transaction():
        reader.execute("select * from payments")  # it would have to be waited for
        lay_out(side.conninfo, SCHEMA)

    assert side.rows(query) == before


def test_a_start_makes_what_is_missing_or_was_made_otherwise(side: ReportSide) -> None:
    side.connection.execute(b"drop view bukubesar_reporting.fees")
    lay_out(side.conninfo, SCHEMA)
    assert side.report("select * from fees") == []

    side.connection.execute(b"comment on schema bukubesar_reporting is 'of another version'")
    side.connection.execute(b"comment on column bukubesar_reporting.fees.rule is null")
    lay_out(side.conninfo, SCHEMA)
    query = (
        "select col_description(attrelid, attnum) as words from pg_attribute"
        " where attrelid = 'bukubesar_reporting.fees'::regclass and attname = 'rule'"
    )
    assert side.rows(query) == [{"words": "word: The posting rule that made the entry."}]


def test_two_logs_of_one_database_have_reports_of_their_own(side: ReportSide) -> None:
    migrate(side.conninfo, "other")
    lay_out(side.conninfo, "other")
    side.log.append("pay_1", lived("pay_1", *SETTLED))
    side.catch_up()

    with connect(side.conninfo, "other", "reporting") as reader:
        assert reader.execute("select * from payments").fetchall() == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("select * from bukubesar_reporting.payments")


def test_installing_leaves_the_search_path_as_it_was(side: ReportSide) -> None:
    with connections.connect(side.conninfo, SCHEMA) as connection, connection.transaction():
        before = connection.execute("show search_path").fetchall()
        reporting.install(connection.cursor(), NAMES)
        assert connection.execute("show search_path").fetchall() == before


# ── what the page says ────────────────────────────────────────────────────────────────────────────────────────


def test_sql_as_the_page_has_it_works_for_a_login_of_ones_own(side: ReportSide) -> None:
    side.log.append("pay_1", lived("pay_1", *SETTLED))
    side.catch_up()
    made, asked, together = re.findall(r"```sql\n(.*?)```", reporting_docs.render(), re.DOTALL)
    with psycopg.connect(side.conninfo, autocommit=True) as owner:
        owner.execute(made.encode())
    try:
        login = make_conninfo(side.conninfo, user="finance", password="…")
        with psycopg.connect(login, autocommit=True) as finance:
            (day,) = finance.execute(asked.encode()).fetchall()
            assert (day[0], day[1], day[3]) == (date(2026, 11, 1), 1, 8)
            for statement in together.replace("48211", "8").split("\n"):
                finance.execute(statement.replace("…", "").encode())
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                finance.execute("select * from bukubesar_read.payments")
    finally:
        with psycopg.connect(side.conninfo, autocommit=True) as owner:
            owner.execute("drop role finance")

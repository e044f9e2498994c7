"""Live against replay, row by row: every row that differs is named or counted."""

from collections.abc import Iterator

import pytest

from projections.differing import TABLES, TableUnknown, diff
from projections.replay_words import of
from support.following import as_deployed, aside, choking, eventually, running
from support.log_rows import SCHEMA
from support.payment_lives import SETTLED, interleaved, lived
from support.read_side import ReadSide, open_read_side


@pytest.fixture
def followed(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        opened.log.copy_all(interleaved(payments=40, steps=8, seed=21))
        opened.catch_up()
        yield opened


def test_where_nothing_differs_every_table_is_said_to_be_equal(followed: ReadSide) -> None:
    report = diff(followed.conninfo, SCHEMA)

    assert report.ok
    assert [table.table for table in report.tables] == list(TABLES)
    assert report.events == followed.log.position
    assert f"{'payments':<23} equal" in of(report)


def test_every_row_that_differs_is_named_with_both_sides(followed: ReadSide) -> None:
    ids = [row["payment_id"] for row in followed.rows("select payment_id from payments order by 1")]
    followed.connection.execute(
        "update payments set status = 'lost' where payment_id = any(%s)", (ids[3:6],)
    )
    followed.connection.execute("delete from payments where payment_id = any(%s)", ([ids[0]],))
    followed.connection.execute(
        'insert into payments select (jsonb_populate_record(p, \'{"payment_id": "pay_zzz",'
        ' "first_position": 0}\')).* from payments p where payment_id = %s',
        (ids[1],),
    )
    followed.connection.execute("update balances set postings = postings + 1")

    report = diff(followed.conninfo, SCHEMA)
    found = {table.table: table for table in report.tables if not table.equal}

    assert not report.ok
    assert sorted(found) == ["balances", "payments"]
    wrong = found["payments"]
    assert (wrong.changed, wrong.missing, wrong.extra) == (3, 1, 1)
    assert [row.key[0] for row in wrong.rows] == [ids[0], *ids[3:6], "pay_zzz"]
    assert [row.live is None for row in wrong.rows] == [True, False, False, False, False]
    assert [row.replayed is None for row in wrong.rows] == [False, False, False, False, True]
    assert "lost" in (wrong.rows[1].live or "") and "lost" not in (wrong.rows[1].replayed or "")
    accounts = followed.one("select count(*) as n from balances")["n"]
    assert found["balances"].changed == accounts
    assert f"{'payments':<23} DIFFERENT: 3 changed, 1 missing, 1 too many" in of(report)


def test_more_rows_than_are_named_are_counted(followed: ReadSide) -> None:
    followed.connection.execute("update payments set status = 'lost'")

    report = diff(followed.conninfo, SCHEMA, table="payments", limit=2)
    everything = diff(followed.conninfo, SCHEMA, table="payments", limit=0)

    (one,) = report.tables
    assert (len(one.rows), one.changed) == (2, 40)
    assert "  and 38 more (--limit 0 names all)" in of(report)
    assert len(everything.tables[0].rows) == 40


def test_a_table_of_another_version_is_not_compared_row_by_row(followed: ReadSide) -> None:
    followed.connection.execute("alter table balances add column note text")

    report = diff(followed.conninfo, SCHEMA, table="balances")

    assert (report.ok, report.tables[0].other_layout) == (False, True)


def test_tables_with_parked_streams_are_said_not_to_be_compared(followed: ReadSide) -> None:
    followed.log.append("pay_x", lived("pay_x", *SETTLED))
    followed.followers["money"].step(followed.connection)
    views = as_deployed(followed, "views", choking("views", "payments", "pay_x", version=5))
    with running(views):
        eventually(lambda: aside(followed) and views.position == followed.log.position)

    report = diff(followed.conninfo, SCHEMA)

    assert "payments" in report.not_compared and "balances" not in report.not_compared
    assert report.ok is False


def test_a_log_that_was_changed_is_the_finding(followed: ReadSide) -> None:
    followed.log.tamper("update events set state = state || ' ' where notification_id = 20")

    report = diff(followed.conninfo, SCHEMA)

    assert report.finding is not None
    assert (report.finding.rule, report.tables) == ("chain", [])


def test_an_unknown_table_is_not_an_equal_one(followed: ReadSide) -> None:
    with pytest.raises(TableUnknown):
        diff(followed.conninfo, SCHEMA, table="payment")

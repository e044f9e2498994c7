"""Following the log: once and only once, alone or in company, through failures."""

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from eventsourcing.persistence import Tracking

from ledger.eventstore.connections import conninfo_for
from projections import GROUPS, balances
from projections.engine import connections, rebuild
from projections.engine import follower as following
from projections.engine.follower import Follower, LogBehindReadModels
from projections.engine.log import LogHasGap
from projections.engine.positions import PositionMoved, Positions
from projections.engine.read_model import Batch, Cursor
from projections.freshness import freshness
from support.following import eventually, running
from support.log_rows import SCHEMA
from support.payment_lives import PAID, SETTLED, interleaved, lived
from support.read_side import READ_SCHEMA, ReadSide, open_read_side

TOTALS = "select coalesce(sum(postings), 0)::int as postings from balances"


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


class Failing:
    """The balances, but every so often something breaks after the rows are written."""

    NAME, TABLES, FOLLOWS, SQL = balances.NAME, balances.TABLES, balances.FOLLOWS, balances.SQL

    def __init__(self, every: int) -> None:
        self.every, self.calls = every, 0

    def apply(self, batch: Batch, cursor: Cursor) -> None:
        balances.apply(batch, cursor)
        self.calls += 1
        if self.calls % self.every == 0:
            raise RuntimeError("broken on purpose")


def follower(read_side: ReadSide, group: str = "money", model: Any = None) -> Follower:
    return Follower(read_side.conninfo, SCHEMA, group, [model] if model else GROUPS[group])


def postings(read_side: ReadSide) -> int:
    return int(read_side.one(TOTALS)["postings"])


def test_a_follower_catches_up_and_then_keeps_up(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID))
    seen: list[tuple[str, int, int]] = []
    money = Follower(
        read_side.conninfo,
        SCHEMA,
        "money",
        GROUPS["money"],
        report=lambda *progress: seen.append(progress),
    )

    with running(money):
        eventually(lambda: money.position == 6)
        read_side.log.append("pay_2", lived("pay_2", *PAID))
        eventually(lambda: money.position == 12 and money.lag == 0)

    assert postings(read_side) == 6
    assert ("money", 12, 0) in seen


def test_polling_alone_is_enough_when_no_notice_comes(read_side: ReadSide) -> None:
    money = follower(read_side)

    with running(money):
        read_side.log.copy_all(
            [("pay_1", lived("pay_1", *PAID))]
        )  # past append(), so without NOTIFY
        eventually(lambda: money.position == 6, seconds=5)


def test_a_notice_wakes_it_long_before_it_would_look_again(
    read_side: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 8.0)
    money = follower(read_side)

    with running(money):
        for number in (1, 2):
            eventually(lambda: _listening(read_side) == 1)
            read_side.log.append(f"pay_{number}", lived(f"pay_{number}", *PAID))
            eventually(lambda: money.position == read_side.log.position, seconds=5)


def test_commands_gather_so_that_a_batch_is_not_one_of_them(read_side: ReadSide) -> None:
    counting = Failing(every=1_000)
    money = follower(read_side, model=counting)

    with running(money):
        began = time.monotonic()
        for number in range(40):
            read_side.log.append(f"pay_{number}", lived(f"pay_{number}", *PAID))
        eventually(lambda: money.position == read_side.log.position)
        took = time.monotonic() - began

    assert counting.calls <= took / following.GATHER_SECONDS + 2
    assert postings(read_side) == 120


def test_failures_before_commit_leave_no_trace(read_side: ReadSide) -> None:
    appends = interleaved(payments=20, steps=6, seed=11)
    read_side.log.copy_all(appends)
    failing = Failing(every=5)
    money = follower(read_side, model=failing)
    money._size = 10

    with money.connect() as connection:
        while money.position < read_side.log.position:
            try:
                money.step(connection)
            except RuntimeError:
                continue

    expected = sum(
        len(fact.legs) for _, facts in appends for fact in facts if hasattr(fact, "legs")
    )
    assert failing.calls > 5
    assert postings(read_side) == expected


def test_competing_followers_apply_each_event_once(read_side: ReadSide) -> None:
    appends = interleaved(payments=40, steps=8, seed=12)
    head = read_side.log.copy_all(appends)
    competitors = [follower(read_side) for _ in range(3)]
    for competitor in competitors:
        competitor._size = 7

    with running(*competitors):
        eventually(lambda: max(one.position for one in competitors) == head)

    expected = sum(
        len(fact.legs) for _, facts in appends for fact in facts if hasattr(fact, "legs")
    )
    assert postings(read_side) == expected


def test_whoever_lost_the_race_commits_nothing(read_side: ReadSide) -> None:
    positions = Positions(read_side.conninfo, SCHEMA, READ_SCHEMA)
    cursor = read_side.connection.cursor()
    positions.advance(cursor, "money", 0, 5)

    with pytest.raises(PositionMoved):
        positions.advance(cursor, "money", 0, 5)

    assert positions.read(cursor, "money") == 5


def test_while_another_has_the_turn_a_follower_does_nothing(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID))
    money = follower(read_side)

    with (
        money.connect() as one,
        money.connect() as other,
        other.transaction(),
        other.cursor() as cursor,
    ):
        assert money._take_turn(cursor).taken
        assert money.step(one) is None

    assert postings(read_side) == 0


def test_the_position_is_the_librarys_own_tracking_record(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID))
    read_side.catch_up()

    positions = Positions(read_side.conninfo, SCHEMA, READ_SCHEMA)
    try:
        assert positions.max_tracking_id("money") == 6
        assert positions.has_tracking_id("views", 6)
        positions.wait("views", 6, timeout=1)
    finally:
        positions.datastore.close()


def test_other_trackers_of_the_library_may_use_the_table_too(read_side: ReadSide) -> None:
    positions = Positions(read_side.conninfo, SCHEMA, READ_SCHEMA)
    with read_side.connection.cursor() as cursor:
        positions._insert_tracking(cursor, Tracking("exporter", 3))

        assert positions.read(cursor, "exporter") == 3


def test_an_event_nobody_can_read_stops_it_there_and_what_came_before_is_applied(
    read_side: ReadSide,
) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID))
    read_side.log.append("pay_2", lived("pay_2", *PAID))
    read_side.log.tamper(
        "update events set topic = 'payment.unheard_of.v9' where notification_id = 8"
    )
    views = follower(read_side, "views")
    views._size = 3

    with running(views):
        eventually(lambda: views._failures >= 2)

    assert views.position == 7
    assert (
        read_side.one("select position from payments where payment_id = 'pay_1'")["position"] == 6
    )


def test_one_group_halts_and_the_other_goes_on(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    broken = follower(read_side, "money", Failing(every=1))
    views = follower(read_side, "views")

    with running(broken, views):
        eventually(lambda: views.position == 8 and broken._failures > 0)

    assert broken.position == 5  # the sixth event is the first entry
    assert postings(read_side) == 0


def test_it_comes_back_after_its_connection_was_cut(read_side: ReadSide) -> None:
    money = follower(read_side)

    with running(money):
        eventually(lambda: money._report is None and _sessions(read_side) > 0)
        with psycopg.connect(read_side.conninfo, autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'bukubesar projector' and datname = current_database()"
                " and pid <> %s",
                [read_side.connection.info.backend_pid],
            )
        read_side.log.append("pay_1", lived("pay_1", *PAID))
        eventually(lambda: money.position == 6)


def test_an_outage_is_waited_for_in_short_pauses_and_a_poison_event_in_longer_ones(
    read_side: ReadSide,
) -> None:
    """Back within ten seconds, however long the server was away (reliability.md 2, P12)."""
    away, broken = follower(read_side), follower(read_side)

    outage = [away._failed(psycopg.OperationalError("connection refused")) for _ in range(10)]
    poison = [broken._failed(ValueError("what is this")) for _ in range(10)]

    assert max(outage) <= 2.0
    assert (poison[0], poison[-1]) == (1.0, 60.0)


def _listening(read_side: ReadSide) -> int:
    """Sessions whose last words were to ask for news, as one does just after `listen`."""
    return _sessions(read_side, last_words="select coalesce(max(notification_id)%")


def _sessions(read_side: ReadSide, last_words: str = "%") -> int:
    query = (
        "select count(*)::int as n from pg_stat_activity where application_name = 'bukubesar projector'"
        " and datname = current_database() and pid <> pg_backend_pid()"
        " and query like %s"
    )
    with psycopg.connect(read_side.conninfo, autocommit=True) as admin:
        row = admin.execute(query.encode(), [last_words]).fetchone()
    return int(row[0]) if row else 0


def test_a_hole_in_the_log_is_not_stepped_over(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID))
    read_side.log.tamper("delete from events where notification_id = 4")

    with pytest.raises(LogHasGap) as gap:
        read_side.catch_up()

    assert gap.value.context == {"position": 4}


def test_a_log_shorter_than_its_read_models_raises_the_alarm(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID))
    read_side.catch_up()
    read_side.log.tamper("delete from events where notification_id > 4")

    with pytest.raises(LogBehindReadModels):
        read_side.followers["money"]._has_news(read_side.connection)


def test_what_postgres_quotes_of_a_row_stays_out_of_the_logs(
    read_side: ReadSide, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(psycopg.errors.NotNullViolation) as quoted:
        read_side.connection.execute("insert into due_work (stream) values ('Siti')")

    follower(read_side)._failed(quoted.value)

    assert "Siti" not in capsys.readouterr().out


def test_making_the_read_schema_again_changes_nothing(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID))
    read_side.catch_up()

    with connections.connect(read_side.conninfo, SCHEMA) as connection:
        rebuild.create(connection, read_side.conninfo, SCHEMA, READ_SCHEMA, GROUPS)

    assert postings(read_side) == 3
    assert (
        Positions(read_side.conninfo, SCHEMA, READ_SCHEMA).read(
            read_side.connection.cursor(), "money"
        )
        == 6
    )


async def test_a_reader_learns_how_fresh_its_answer_is(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID))
    read_side.followers["money"].step(read_side.connection)

    async with read_side.asking() as conn:
        assert await freshness(conn) == {"money": 6, "views": 0, "head": 6}


def test_services_may_read_the_read_models_but_not_write_them(read_side: ReadSide) -> None:
    with psycopg.connect(conninfo_for(read_side.conninfo, SCHEMA, "app")) as conn:
        conn.execute("select * from payments")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("delete from payments")


def test_the_count_is_compared_with_the_log_every_minute(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID))
    money = follower(read_side)
    with money.connect() as connection:
        money.step(connection)
        money._check_count(connection, now=0.0)
        read_side.log.append("pay_2", lived("pay_2", *PAID))
        money.step(connection)
        read_side.log.tamper("delete from events where notification_id = 9")

        money._check_count(connection, now=following.COUNT_EVERY_SECONDS - 1)
        with pytest.raises(LogHasGap) as gap:
            money._check_count(connection, now=following.COUNT_EVERY_SECONDS)

    assert gap.value.context == {"position": 9}

"""Replay equals live, byte for byte; and whatever somebody changes behind our back is found and named."""

from collections.abc import Callable, Iterator

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.journal.events import EntryPosted, Leg
from ledger.money import Money
from projections import GROUPS, READ_MODELS, sides
from projections.auditing import Finding
from projections.engine import connections, rebuild
from projections.engine.digests import Side, digest
from projections.engine.replay import Stop, replay
from projections.replay_words import of
from projections.replaying import Report, verify, verify_chain
from projections.stream_reading import StreamUnknown, read_stream
from support.following import eventually
from support.log_rows import SCHEMA, LogRows
from support.payment_lives import PAID, SETTLED, START, interleaved, lived
from support.read_side import READ_SCHEMA, ReadSide, open_read_side


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


@pytest.fixture
def followed(read_side: ReadSide) -> ReadSide:
    """Forty payments in the middle of their lives, followed to the end."""
    read_side.log.copy_all(interleaved(payments=40, steps=8, seed=21))
    read_side.catch_up(batch=50)
    return read_side


def left_behind(read_side: ReadSide) -> list[str]:
    """Tables in other schemas than a ledger has."""
    rows = read_side.rows(
        "select schemaname || '.' || tablename as name from pg_tables where schemaname not in"
        " ('pg_catalog', 'information_schema', 'bukubesar', 'bukubesar_read')"
    )
    return [row["name"] for row in rows]


def test_the_replay_is_equal_to_what_was_followed_live(followed: ReadSide) -> None:
    seen: dict[str, tuple[int, int]] = {}

    def progress(step: str, done: int, total: int) -> None:
        seen[step] = (done, total)

    report = verify(followed.conninfo, SCHEMA, progress)

    assert report.finding is None
    assert report.equal == {model.NAME: True for model in READ_MODELS}
    assert report.events == report.until == followed.log.position
    assert report.streams == 40
    assert report.totals == {"IDR": 0}
    assert seen["replaying"] == (report.until, report.until)
    assert seen["comparing"][0] == seen["comparing"][1] > report.until  # rows of all tables
    eventually(lambda: left_behind(followed) == [])  # a session ends after its connection


def test_groups_that_stand_at_different_places_are_compared_where_they_stand(
    followed: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "LIVE_MAY_LAG_SECONDS", 0.1)
    followed.log.append("pay_new", lived("pay_new", *SETTLED))
    followed.followers["money"].step(followed.connection)

    report = verify(followed.conninfo, SCHEMA)

    assert report.finding is None
    assert report.events == followed.log.position


def test_an_empty_log_is_sound(read_side: ReadSide) -> None:
    report = verify(read_side.conninfo, SCHEMA)

    assert (report.ok, report.events, report.totals) == (True, 0, {})


CHANGES = {
    "chain": "update events set state = convert_to(replace(convert_from(state, 'UTF8'), 'test', 'tost'), 'UTF8')"
    " where notification_id = 20",
    "positions": "delete from events where notification_id = 20",
}


@pytest.mark.parametrize("look", [verify, verify_chain])
@pytest.mark.parametrize("rule", CHANGES)
def test_a_change_to_the_log_is_found_at_its_event(
    followed: ReadSide, rule: str, look: Callable[[str, str], Report]
) -> None:
    followed.log.tamper(CHANGES[rule])

    report = look(followed.conninfo, SCHEMA)

    assert report.finding is not None
    assert (report.finding.rule, report.finding.position) == (rule, 20)
    eventually(lambda: left_behind(followed) == [])  # a session ends after its connection


@pytest.mark.parametrize(
    "change",
    [
        "update events set hash = sha256(hash) where notification_id = 20",
        "update events set topic = topic || '.' where notification_id = 20",
        "update events set originator_id = originator_id || '.' where notification_id = 20",
        "update events set state = state || ' ' where notification_id = 20",
        "update events set notification_id = -1 where notification_id = 20;"
        "update events set notification_id = 20 where notification_id = 21;"
        "update events set notification_id = 21 where notification_id = -1",
        "update events set notification_id = -notification_id where notification_id >= 20;"
        "update events set notification_id = 1 - notification_id where notification_id < 0;"
        "insert into events select originator_id || '.', 1, topic, state, 20, hash"
        " from events where notification_id = 21",
    ],
    ids=["hash", "topic", "stream", "bytes", "two in the place of one another", "one more"],
)
def test_the_chain_alone_finds_what_was_changed_without_reading_it(
    followed: ReadSide, change: str
) -> None:
    assert verify_chain(followed.conninfo, SCHEMA).finding is None
    followed.log.tamper(change)

    report = verify_chain(followed.conninfo, SCHEMA)

    assert report.finding is not None
    assert (report.finding.rule, report.finding.position) == ("chain", 20)
    assert report.entries is None


def test_the_chain_alone_says_how_far_it_looked(followed: ReadSide) -> None:
    report = verify_chain(followed.conninfo, SCHEMA)

    assert (report.ok, report.events, report.streams) == (True, followed.log.position, 40)
    assert of(report)[-1] == f"hash chain      ok to {report.until:,}"
    assert not any(line.startswith(("entries", "trial balance")) for line in of(report))


def test_a_row_too_many_after_the_end_is_found_by_the_chain_alone(followed: ReadSide) -> None:
    followed.log.tamper(
        "insert into events select originator_id, 999, topic, state, notification_id + 1, hash"
        " from events order by notification_id desc limit 1"
    )

    finding = verify_chain(followed.conninfo, SCHEMA).finding

    assert finding is not None
    assert (finding.rule, finding.position) == ("chain", followed.log.position + 1)


def test_a_log_cut_short_is_found(followed: ReadSide) -> None:
    followed.log.tamper("delete from events where notification_id > 20")

    finding = verify(followed.conninfo, SCHEMA).finding

    assert finding is not None
    assert "the log has 20" in finding.words


def test_an_event_nobody_can_read_is_named_and_not_a_traceback(read_side: ReadSide) -> None:
    log = LogRows(read_side.conninfo)
    facts = lived("pay_1", *PAID)
    log.copy_all([("pay_1", facts[:3])])
    read_side.catch_up()
    rechained = (
        "update events set topic = 'payment.unheard_of.v1', hash = {} where notification_id = 3"
    )
    log.tamper(rechained.format(_hash_of_the_third("payment.unheard_of.v1")))

    finding = verify(read_side.conninfo, SCHEMA).finding

    assert finding is not None
    assert (finding.rule, finding.position, finding.stream, finding.version, finding.topic) == (
        *("readable", 3, "pay_1", 3),
        "payment.unheard_of.v1",
    )
    assert "  at position   3, stream pay_1, version 3, payment.unheard_of.v1" in of(
        verify(read_side.conninfo, SCHEMA)
    )


def _hash_of_the_third(topic: str) -> str:
    """In SQL, by the formula of the chain, over the row as it stands."""
    formula = (
        "(select sha256(b.hash || int8send(3) || int4send(5) || 'pay_1'::bytea || int8send(3)"
        " || int4send({length}) || '{topic}'::bytea || events.state) from events b where b.notification_id = 2)"
    )
    return formula.format(length=len(topic), topic=topic)


def test_an_entry_that_does_not_balance_is_found(read_side: ReadSide) -> None:
    leg = Leg(account="Assets:Bank:InTransit", amount=Money.rupiah(5))
    lame = EntryPosted(
        rule="P3", words="lame", effective_on=START.date(), legs=(leg,), occurred_at=START
    )
    read_side.log.tamper("select 1")
    read_side.log.copy_all([("jrn_1", [lame])])
    read_side.catch_up()

    finding = verify(read_side.conninfo, SCHEMA).finding

    assert finding is not None
    assert (finding.rule, finding.words) == ("balance", "the entry does not balance: IDR 5")


def test_a_stream_with_a_missing_version_is_found(read_side: ReadSide) -> None:
    read_side.log.versions["pay_1"] = 1
    read_side.log.tamper("select 1")
    facts = lived("pay_1", *PAID)
    read_side.log.copy_all([("pay_1", facts)])

    finding = verify_without_waiting(read_side)

    assert finding is not None
    assert (finding.rule, finding.words) == ("versions", "version 1 of the stream is missing")


def verify_without_waiting(read_side: ReadSide) -> Finding | None:
    waited = sides.LIVE_MAY_LAG_SECONDS
    sides.LIVE_MAY_LAG_SECONDS = 0.0  # type: ignore[misc]
    try:
        return verify(read_side.conninfo, SCHEMA).finding
    finally:
        sides.LIVE_MAY_LAG_SECONDS = waited  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "table", "live_is_there", "replayed_is_there"),
    [
        ("update balances set balance_minor = balance_minor + 1", "balances", True, True),
        ("delete from legs where position = (select max(position) from legs)", "legs", False, True),
        (
            "insert into due_work select 'pay_', kind, subject, due_at, position from due_work limit 1",
            *("due_work", True, False),
        ),
        ("update payments set metadata = '{}' where first_position = 1", "payments", True, True),
    ],
)
def test_a_change_to_a_read_model_is_found_at_its_row(
    followed: ReadSide, change: str, table: str, live_is_there: bool, replayed_is_there: bool
) -> None:
    followed.connection.execute(change.encode())

    report = verify(followed.conninfo, SCHEMA)

    assert report.finding is not None
    assert report.finding.table == table
    assert (report.finding.live is not None, report.finding.replayed is not None) == (
        live_is_there,
        replayed_is_there,
    )
    assert list(report.equal.values()).count(False) == 1
    assert "differences     1" in of(report)


def test_a_table_made_by_another_version_is_told_from_a_wrong_row(followed: ReadSide) -> None:
    followed.connection.execute(
        "alter table balances drop constraint balances_pkey, add primary key (position, account)"
    )

    finding = verify(followed.conninfo, SCHEMA).finding

    assert finding is not None
    assert (finding.rule, finding.table) == ("layout", "balances")


def test_one_stream_is_shown_with_its_entries_and_its_links(read_side: ReadSide) -> None:
    read_side.log.append("pay_0", lived("pay_0", *PAID))
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))

    report = read_stream(read_side.conninfo, SCHEMA, "pay_1")

    assert [event.version for event in report.events] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [len(event.legs) for event in report.events] == [0, 0, 0, 0, 0, 3, 0, 5]
    assert report.finding is None
    assert of(report)[-1] == "links           8 ok"


def test_a_broken_link_of_a_stream_is_named(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    read_side.log.tamper(
        "update events set topic = 'payment.captured.v1' where notification_id = 4"
    )

    report = read_stream(read_side.conninfo, SCHEMA, "pay_1")

    assert report.finding is not None
    assert (report.finding.rule, report.finding.position) == ("chain", 4)
    assert len(report.events) == 3


def test_an_unknown_stream_is_not_an_empty_one(read_side: ReadSide) -> None:
    with pytest.raises(StreamUnknown):
        read_stream(read_side.conninfo, SCHEMA, "pay_none")


@pytest.mark.parametrize("at", ["replaying", "comparing"])
def test_an_interrupted_replay_leaves_nothing_behind(followed: ReadSide, at: str) -> None:
    def interrupt(step: str, done: int, total: int) -> None:
        if step == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(followed.conninfo, SCHEMA, interrupt)

    eventually(lambda: left_behind(followed) == [])  # a session ends after its connection


def test_a_report_can_be_given_to_programs(followed: ReadSide) -> None:
    report = verify(followed.conninfo, SCHEMA)

    assert msgspec.json.decode(msgspec.json.encode(report))["equal"]["payments"] is True


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(1, 10**6), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_where_batches_begin_and_end_leaves_no_trace(
    read_side: ReadSide, seed: int, sizes: list[int]
) -> None:
    """The same events in any batches give the same bytes."""
    appends = interleaved(payments=8, steps=10, seed=seed)
    log = LogRows(read_side.conninfo)
    _start_over(read_side)
    log.copy_all(appends)
    round_robin = 0
    for follower in read_side.followers.values():
        follower._size = sizes[0]
        while follower.step(read_side.connection):
            round_robin += 1
            follower._size = sizes[round_robin % len(sizes)]
    live = Side(read_side.connection, READ_SCHEMA)
    with (
        sides.scratch(read_side.conninfo, SCHEMA, READ_MODELS) as at_once,
        read_side.connection.transaction(),
    ):
        with connections.connect(read_side.conninfo, SCHEMA) as source:
            replay(source, sides.into(at_once), [Stop(READ_MODELS, log.position)])
        for model in READ_MODELS:
            for table in model.TABLES:
                assert digest(live, table) == digest(at_once[model.NAME], table), table


def _start_over(read_side: ReadSide) -> None:
    read_side.log.tamper("alter table events disable trigger all; delete from events")
    with psycopg.connect(read_side.conninfo, autocommit=True) as admin:
        admin.execute(f"drop schema {READ_SCHEMA} cascade")
        admin.execute(f"create schema {READ_SCHEMA} authorization {SCHEMA}_projector")
    rebuild.create(read_side.connection, read_side.conninfo, SCHEMA, READ_SCHEMA, GROUPS)

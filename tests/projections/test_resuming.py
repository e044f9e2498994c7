"""Once it is repaired: what was put aside is followed again, and live is what a replay gives."""

from collections.abc import Iterator

import psycopg
import pytest

from projections import GROUPS, READ_MODELS, balances, journal, payments
from projections.condition import conditions
from projections.engine.quarantine import EventNotApplied
from projections.engine.read_model import ReadModel
from projections.rebuilding import GroupUnknown
from projections.replaying import verify, verify_chain
from projections.resuming import resume
from support.following import Choking, as_deployed, aside, choking, eventually, poison, running
from support.log_rows import SCHEMA
from support.payment_lives import PAID, SETTLED, lived
from support.read_side import READ_SCHEMA, ReadSide, open_read_side


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


@pytest.fixture
def log(read_side: ReadSide) -> ReadSide:
    for payment in ("pay_1", "pay_2", "pay_3"):
        read_side.log.append(payment, lived(payment, *SETTLED))
    return read_side


def put_aside(log: ReadSide, group: str, models: list[ReadModel] | None = None) -> None:
    """Followed to the end, or to where it halts."""
    follower = as_deployed(log, group, models)
    with running(follower):
        eventually(lambda: any(row[0] == group for row in aside(log)))
        eventually(lambda: group == "money" or follower.position == log.log.position)


def schemas(log: ReadSide) -> set[str]:
    query = "select nspname::text as name from pg_namespace where starts_with(nspname, 'bukubesar')"
    rows = log.rows(query)
    return {row["name"] for row in rows}


def equal(log: ReadSide) -> dict[str, bool]:
    report = verify(log.conninfo, SCHEMA)
    assert report.finding is None, report.finding
    return report.equal


REPORTING = f"{SCHEMA}_reporting"
EVERY_ONE = {model.NAME: True for model in READ_MODELS}


def test_a_repaired_event_leaves_no_trace_of_having_been_parked(log: ReadSide) -> None:
    repair = poison(log, 13)
    put_aside(log, "views")
    log.followers["money"].step(log.connection)
    repair()

    resumed = resume(log.conninfo, SCHEMA, "views")

    assert resumed == ("views", 24, True, ["pay_2"])
    assert aside(log) == []
    assert equal(log) == EVERY_ONE
    assert schemas(log) == {SCHEMA, READ_SCHEMA, REPORTING}


def test_a_repaired_program_takes_in_what_it_could_not(log: ReadSide) -> None:
    put_aside(log, "views", choking("views", "payment_events", "pay_3", version=3))
    log.followers["money"].step(log.connection)

    resume(log.conninfo, SCHEMA, "views")

    assert aside(log) == []
    assert equal(log) == EVERY_ONE


def test_money_that_halted_goes_on_from_there(log: ReadSide) -> None:
    put_aside(log, "money", choking("money", "journal", "pay_2"))
    log.followers["views"].step(log.connection)

    resumed = resume(log.conninfo, SCHEMA, "money")

    assert resumed == ("money", 24, False, ())
    assert aside(log) == []
    assert equal(log) == EVERY_ONE


def test_while_it_is_not_repaired_resuming_changes_nothing(log: ReadSide) -> None:
    poison(log, 14)
    put_aside(log, "money")
    put_aside(log, "views")
    before = aside(log), log.rows("select * from payments order by payment_id")

    for group in GROUPS:
        with pytest.raises(EventNotApplied) as refused:
            resume(log.conninfo, SCHEMA, group)
        assert refused.value.context["position"] == 14

    assert (aside(log), log.rows("select * from payments order by payment_id")) == before
    assert schemas(log) == {SCHEMA, READ_SCHEMA, REPORTING}


def test_followers_and_readers_go_on_through_a_swap(log: ReadSide) -> None:
    repair = poison(log, 13)
    followers = [as_deployed(log, group) for group in GROUPS for _ in range(2)]
    with running(*followers), psycopg.connect(log.conninfo, autocommit=True) as reader:
        reader.execute(f"set search_path = {READ_SCHEMA}".encode())
        eventually(lambda: aside(log))
        repair()
        for n in range(4, 8):  # so that statements are prepared
            assert reader.execute("select count(*) from payments", prepare=True).fetchone()
            log.log.append(f"pay_{n}", lived(f"pay_{n}", *PAID))
            eventually(lambda: all(one.position == log.log.position for one in followers))
        resume(log.conninfo, SCHEMA, "views")
        log.log.append("pay_8", lived("pay_8", *SETTLED))
        eventually(lambda: all(one.position == log.log.position for one in followers))
        found = reader.execute("select count(*) from payments", prepare=True).fetchone()

    assert found == (8,)
    assert aside(log) == []
    assert equal(log) == EVERY_ONE


def test_where_nothing_was_put_aside_there_is_nothing_to_do(log: ReadSide) -> None:
    assert resume(log.conninfo, SCHEMA, "views") is None
    with pytest.raises(GroupUnknown):
        resume(log.conninfo, SCHEMA, "moneys")


# ── what the replay says ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_replay_names_a_parked_stream_and_no_row_that_differs(log: ReadSide) -> None:
    put_aside(log, "views", choking("views", "payments", "pay_2", version=5))
    log.followers["money"].step(log.connection)

    report = verify(log.conninfo, SCHEMA)

    assert report.finding is not None
    assert (report.finding.rule, report.finding.position) == ("quarantine", 13)
    assert report.finding.stream == "pay_2"
    assert report.equal == {balances.NAME: True, journal.NAME: True}


def test_the_replay_names_where_money_has_halted(log: ReadSide) -> None:
    put_aside(log, "money", choking("money", "balances", "pay_2"))
    log.followers["views"].step(log.connection)

    finding = verify(log.conninfo, SCHEMA).finding

    assert finding is not None
    assert (finding.rule, finding.position) == ("quarantine", 14)


def test_an_event_that_a_replay_cannot_apply_is_a_finding_and_not_a_traceback(
    log: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.catch_up()
    broken = Choking(payments, "pay_2", version=5)
    monkeypatch.setattr(payments, "apply", broken.apply)
    broken._model = type("Original", (), {"apply": staticmethod(_apply_payments)})  # type: ignore[assignment]

    report = verify(log.conninfo, SCHEMA)

    assert report.finding is not None
    assert (report.finding.rule, report.finding.position, report.finding.version) == (
        *("applicable", 13, 5),
    )
    assert verify_chain(log.conninfo, SCHEMA).ok


_apply_payments = payments.apply


# ── how they fare ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_condition_of_a_group_is_how_far_it_is_and_what_it_put_aside(
    log: ReadSide,
) -> None:
    put_aside(log, "money", choking("money", "balances", "pay_2"))
    put_aside(log, "views", choking("views", "payments", "pay_2", version=5))

    async with log.asking() as conn:
        money, views = await conditions(conn)

    assert (money.group, money.position, money.lag) == ("money", 13, 11)
    assert money.halted is not None and money.halted.position == 14
    assert money.lag_seconds > 3600  # what it lacks was recorded weeks ago
    assert (views.lag, views.lag_seconds, views.halted) == (0, 0.0, None)
    assert [event.stream for event in views.parked] == ["pay_2"]
    assert (money.must_be_right, views.must_be_right) == (True, False)


async def test_of_an_event_that_cannot_be_read_no_age_is_known(log: ReadSide) -> None:
    poison(log, 1)

    async with log.asking() as conn:
        assert [group.lag_seconds for group in await conditions(conn)] == [0.0, 0.0]

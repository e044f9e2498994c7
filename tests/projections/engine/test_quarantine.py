"""An event that cannot be applied stops only what it must: money, or its own stream."""

import time
from collections.abc import Iterator
from functools import partial

import psycopg
import pytest
from eventsourcing.persistence import MapperDeserialisationError

from ledger.errors import LedgerError
from ledger.payments.events import PaymentSettled
from projections.engine import follower as following
from projections.engine import quarantine
from projections.engine.follower import TRIES, Follower
from projections.engine.log import LogHasGap, StoredRow
from projections.engine.positions import PositionMoved
from projections.engine.suspicion import Suspicion
from support.following import as_deployed, aside, choking, eventually, poison, running
from support.log_rows import SCHEMA
from support.payment_lives import PAID, SETTLED, lived
from support.read_side import ReadSide, open_read_side

ELSEWHERE_WITHIN_SECONDS = 10.0  # reliability.md P20


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


@pytest.fixture
def log(read_side: ReadSide) -> ReadSide:
    """Positions 1 to 8, 9 to 16 and 17 to 24; the sixth and the eighth of each is an entry."""
    for payment in ("pay_1", "pay_2", "pay_3"):
        read_side.log.append(payment, lived(payment, *SETTLED))
    return read_side


def status(read_side: ReadSide) -> dict[str, str]:
    return {
        row["payment_id"]: row["status"]
        for row in read_side.rows("select payment_id, status from payments")
    }


def test_an_event_that_cannot_be_read_parks_its_stream_and_everything_else_goes_on(
    log: ReadSide,
) -> None:
    poison(log, 13)
    views, money = as_deployed(log, "views"), as_deployed(log, "money")

    began = time.monotonic()
    with running(views, money):
        eventually(lambda: views.position == 24 and money.position == 24)
        took = time.monotonic() - began
        later = lived("pay_2", *SETTLED, PaymentSettled)[-1:]
        log.log.append("pay_2", later)
        log.log.append("pay_4", lived("pay_4", *PAID))
        eventually(lambda: views.position == log.log.position and views.lag == 0)

    assert took < ELSEWHERE_WITHIN_SECONDS
    assert aside(log) == [("views", 13, "pay_2", "parked")]
    assert status(log) == {
        **{"pay_1": "settled", "pay_2": "pending", "pay_3": "settled", "pay_4": "captured"}
    }
    kept = log.one("select max(version) as version from payment_events where payment_id = 'pay_2'")
    assert kept["version"] == 4


def test_money_halts_at_an_entry_and_goes_on_by_itself_once_it_is_repaired(
    log: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "HALTED_SECONDS", 0.2)
    repair = poison(log, 14)
    views, money = as_deployed(log, "views"), as_deployed(log, "money")

    began = time.monotonic()
    with running(views, money):
        eventually(lambda: len(aside(log)) == 2)
        took = time.monotonic() - began
        eventually(lambda: views.position == 24)
        halted, postings = money.position, log.one("select sum(postings) as n from balances")["n"]
        both = aside(log)
        repair()
        eventually(lambda: money.position == 24)

    assert took < ELSEWHERE_WITHIN_SECONDS
    assert (halted, postings) == (13, 8)
    assert both == [("money", 14, "pay_2", "halted"), ("views", 14, "pay_2", "parked")]
    assert aside(log) == [("views", 14, "pay_2", "parked")]
    assert log.one("select sum(postings) as n from balances")["n"] == 24


def test_a_fault_in_one_read_model_parks_only_the_streams_that_meet_it(log: ReadSide) -> None:
    views = as_deployed(log, "views", choking("views", "method_health", "pay_1", version=4))

    with running(views):
        eventually(lambda: views.position == 24)

    assert aside(log) == [("views", 4, "pay_1", "parked")]
    assert status(log)["pay_3"] == "settled"


def test_what_is_put_aside_is_told_once_and_without_the_payload(
    log: ReadSide, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(following, "HALTED_SECONDS", 0.05)
    poison(log, 14)
    views, money = as_deployed(log, "views"), as_deployed(log, "money")

    with running(views, money):
        eventually(lambda: views.position == 24 and money._failures > TRIES + 3)

    told = capsys.readouterr().out
    lines = [line for line in told.splitlines() if "projection.quarantined" in line]
    assert len(lines) == 2
    assert any("due_work" in line and "is not done, until" in line for line in lines)
    rows = log.rows("select error, code, detail from quarantine")
    assert {row["error"] for row in rows} == {"MapperDeserialisationError"}
    assert {row["code"] for row in rows} == {"event_unreadable"}
    assert {row["detail"] for row in rows} == {
        "it cannot be read: ValidationError - at `$.m`",
    }
    assert "Siti" not in told


def test_a_topic_nobody_knows_halts_even_those_who_park_until_the_program_is_newer(
    log: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "HALTED_SECONDS", 0.2)
    rename = "update events set topic = '{}' where notification_id = 12"
    topic = log.one("select topic from events where notification_id = 12")["topic"]
    log.log.tamper(rename.format("payment.unheard_of.v9"))
    views = as_deployed(log, "views")

    with running(views):
        eventually(lambda: aside(log) == [("views", 12, "pay_2", "halted")])
        code = log.one("select code from quarantine")["code"]
        log.log.tamper(rename.format(topic))
        eventually(lambda: views.position == 24)

    assert code == "topic_unknown"
    assert aside(log) == []
    assert status(log)["pay_2"] == "settled"


def test_so_many_parked_streams_are_the_programs_fault(
    log: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MOST_PARKED", 1)
    poison(log, 5)
    poison(log, 13)
    views = as_deployed(log, "views")

    with running(views):
        eventually(lambda: len(aside(log)) == 2)

    assert aside(log) == [("views", 5, "pay_1", "parked"), ("views", 13, "pay_2", "halted")]
    assert views.position == 12


def test_competing_followers_park_a_stream_once(log: ReadSide) -> None:
    poison(log, 13)
    competitors = [as_deployed(log, "views") for _ in range(3)]

    with running(*competitors):
        eventually(lambda: max(one.position for one in competitors) == 24)

    assert aside(log) == [("views", 13, "pay_2", "parked")]
    assert status(log) == {"pay_1": "settled", "pay_2": "pending", "pay_3": "settled"}


def test_what_fails_every_event_alike_puts_none_of_them_aside(
    log: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LONGEST_PAUSE_SECONDS", 0.1)
    log.connection.execute("alter table payments rename to payments_elsewhere")
    views = as_deployed(log, "views")

    with running(views):
        eventually(lambda: views._failures > 2 * TRIES)
        failed_at = views.position
        log.connection.execute("alter table payments_elsewhere rename to payments")
        eventually(lambda: views.position == 24)

    assert failed_at == 0
    assert aside(log) == []


def test_who_comes_late_does_not_put_aside_what_another_has_applied(log: ReadSide) -> None:
    late, quick = as_deployed(log, "views"), as_deployed(log, "views")
    late._size = 1
    repair = poison(log, 1)
    with late.connect() as connection, pytest.raises(MapperDeserialisationError) as failed:
        late.step(connection)
    repair()
    with quick.connect() as connection:
        quick.catch_up(connection)
        late._put_aside(failed.value, connection)

    assert aside(log) == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError(), True),
        (KeyError(), True),
        (LedgerError(), True),
        (MapperDeserialisationError(), True),
        (psycopg.errors.NumericValueOutOfRange(), True),
        (psycopg.errors.UniqueViolation(), True),
        (psycopg.errors.UndefinedTable(), False),
        (psycopg.errors.InsufficientPrivilege(), False),
        (psycopg.errors.DiskFull(), False),
        (psycopg.errors.DeadlockDetected(), False),
        (psycopg.errors.ReadOnlySqlTransaction(), False),
        (psycopg.OperationalError(), False),
        (OSError(), False),
        (MemoryError(), False),
        (PositionMoved(), False),
        (LogHasGap(), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_whose_fault_an_error_is(error: Exception, expected: bool) -> None:
    assert quarantine.of_the_event(error) is expected


@pytest.mark.parametrize("failing", [1, 2, 2_500, 4_999, 5_000])
def test_the_event_that_fails_stands_alone_after_few_batches(failing: int) -> None:
    suspicion, position, batches = Suspicion(), 0, 0
    tries = 0
    while tries == 0:
        size = suspicion.size(position, otherwise=5_000)
        rows = [StoredRow(n, "", 0, "", b"", b"") for n in range(position + 1, position + size + 1)]
        batches += 1
        if rows[0].position <= failing <= rows[-1].position:
            tries = suspicion.blame(rows)
        else:
            position = rows[-1].position

    assert (position, len(rows)) == (failing - 1, 1)
    assert batches <= 15


def test_tries_are_those_of_one_event_in_a_row() -> None:
    suspicion = Suspicion()
    blame = [partial(suspicion.blame, [StoredRow(n, "", 0, "", b"", b"")]) for n in (1, 2)]

    assert [blame[0](), blame[0](), blame[1](), blame[1](), blame[1]()] == [1, 2, 1, 2, 3]


def test_catching_up_by_hand_names_the_event_that_does_not_let_it(log: ReadSide) -> None:
    poison(log, 13)
    views = Follower(log.conninfo, SCHEMA, "views", as_deployed(log, "views")._models)

    with views.connect() as connection, pytest.raises(quarantine.EventNotApplied) as stopped:
        views.catch_up(connection)

    assert stopped.value.code == "event_not_applied"
    assert stopped.value.context == {
        **{"position": 13, "stream": "pay_2", "version": 5, "topic": "payment.captured.v1"}
    }
    assert views.position == 12

"""A made history is what the real store and the real read models would have made."""

from collections.abc import Iterator

import psycopg
import pytest

from benchmarks import history
from benchmarks.history import READ, History
from benchmarks.stage import SCHEMA, assert_safe
from ledger.payments.deciding import BOOKED_PAYMENT
from ledger.payments.life import Status
from projections import READ_MODELS
from projections.engine import connections, digests
from projections.engine.replay import Stop, replay
from projections.replaying import verify_chain
from projections.sides import into, scratch
from support.stores import open_store

EVENTS = 8_000  # of 1,000 payments


@pytest.fixture
def made(ledger_database: str) -> Iterator[History]:
    return history.build(ledger_database, EVENTS)


def test_the_read_models_of_a_made_history_are_what_a_replay_makes_of_its_log(
    ledger_database: str, made: History
) -> None:
    with (
        connections.connect(ledger_database, SCHEMA) as source,
        scratch(ledger_database, SCHEMA, READ_MODELS) as sides,
    ):
        replay(source, into(sides), [Stop(READ_MODELS, made.events)])

        live = digests.Side(source, READ)
        for model in READ_MODELS:
            again = sides[model.NAME]
            for table in model.TABLES:
                with source.transaction(), again.connection.transaction():
                    assert digests.first_difference(live, again, table) is None
                assert digests.digest(live, table) == digests.digest(again, table)


def test_the_log_of_a_made_history_is_chained_and_guarded(
    ledger_database: str, made: History
) -> None:
    report = verify_chain(ledger_database, SCHEMA)

    assert (report.finding, report.events) == (None, made.events)
    assert abs(made.events - EVENTS) < EVENTS * 0.15
    assert_safe(ledger_database)


async def test_every_payment_of_a_made_history_can_be_loaded(
    ledger_database: str, made: History
) -> None:
    async with open_store(ledger_database) as opened:
        states = [
            (await opened.store.load(BOOKED_PAYMENT, made.payment_id(number))).state
            for number in range(100)
        ]

    assert {state.status for state in states} > {Status.SETTLED, Status.PENDING, Status.EXPIRED}


def test_ids_sort_as_the_payments_came_in(ledger_database: str, made: History) -> None:
    with psycopg.connect(ledger_database) as conn:
        rows = conn.execute(
            f'select payment_id, created_at from "{READ}".payments order by first_position'  # noqa: S608
        ).fetchall()

    assert len(rows) == made.payments
    assert [row[0] for row in rows] == [made.payment_id(n) for n in range(made.payments)]
    assert rows == sorted(rows, key=lambda row: row[1])

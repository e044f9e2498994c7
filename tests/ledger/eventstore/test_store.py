"""The road from a command to the log, on a real PostgreSQL."""

import asyncio
import json
from collections.abc import Iterator
from itertools import pairwise

import psycopg
import pytest

from ledger.eventstore.connections import conninfo_for
from ledger.eventstore.store import SLICE, Begun, CommandIdReused, Work
from support.counting import COUNTER, Count, CountedTooFar
from support.log_rows import chained
from support.stores import SCHEMA, OpenStore, context, open_store


@pytest.fixture
def superuser(ledger_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(
        ledger_database, autocommit=True, options=f"-c search_path={SCHEMA}"
    ) as conn:
        yield conn


async def test_a_command_appends_its_facts_and_a_second_store_sees_them(ledger_database: str):
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        executed = await one.store.execute(COUNTER, "counter-1", Count(3), context())
        assert (executed.state, executed.version) == (3, 1)

        seen = await other.store.load(COUNTER, "counter-1")
        assert (seen.state, seen.version) == (3, 1)


async def test_the_same_command_twice_is_done_once(ledger_database: str):
    async with open_store(ledger_database) as opened:
        await opened.store.execute(COUNTER, "counter-1", Count(3), context("cmd-a"))
        again = await opened.store.execute(COUNTER, "counter-1", Count(3), context("cmd-a"))
        assert again.replayed and again.state == 3

        with pytest.raises(CommandIdReused):
            await opened.store.execute(COUNTER, "counter-1", Count(3), context("cmd-a", b"other"))


async def test_a_repeat_that_would_now_be_refused_is_still_a_repeat(ledger_database: str):
    async with open_store(ledger_database) as opened:
        await opened.store.execute(COUNTER, "counter-1", Count(3, limit=3), context("cmd-a"))
        again = await opened.store.execute(
            COUNTER, "counter-1", Count(3, limit=3), context("cmd-a")
        )
        assert again.replayed and again.version == 1

        with pytest.raises(CountedTooFar):
            await opened.store.execute(COUNTER, "counter-1", Count(3, limit=3), context("cmd-b"))


async def test_two_processes_racing_on_one_stream_lose_nothing(ledger_database: str):
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        jobs = [
            opened.store.execute(COUNTER, "counter-1", Count(1), context())
            for _ in range(25)
            for opened in (one, other)
        ]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        done = [result for result in results if not isinstance(result, BaseException)]
        final = await one.store.load(COUNTER, "counter-1")
        assert final.state == final.version == len(done) > 25


async def test_one_conflict_in_a_batch_fails_alone(ledger_database: str):
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        await one.store.load(COUNTER, "counter-7")
        await other.store.execute(COUNTER, "counter-7", Count(1), context())
        results = await asyncio.gather(
            *(one.store.execute(COUNTER, f"counter-{n}", Count(1), context()) for n in range(20))
        )
        assert [result.state for result in results] == [2 if n == 7 else 1 for n in range(20)]


async def test_positions_are_gap_free_and_chained(ledger_database: str):
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        await asyncio.gather(
            *(
                opened.store.execute(COUNTER, f"c-{n}", Count(1), context())
                for n in range(100)
                for opened in (one, other)
            ),
            return_exceptions=True,
        )
    assert chained(ledger_database)


@pytest.mark.parametrize(
    "statement", ["update events set topic = 'x'", "delete from events", "truncate events"]
)
async def test_nobody_edits_history(
    ledger_database: str, superuser: psycopg.Connection, statement: str
):
    async with open_store(ledger_database) as opened:
        await opened.store.execute(COUNTER, "counter-1", Count(1), context())

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        superuser.execute(statement)
    superuser.execute("set session_replication_role = replica")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        superuser.execute(statement)
    with psycopg.connect(conninfo_for(ledger_database, SCHEMA, "app"), autocommit=True) as app:
        for attempt in (statement, "insert into events values ('a', 1, 't', '', 99, '')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(attempt)


def entry_of(*amounts: tuple[object, str]) -> bytes:
    legs = [
        {"account": "A", "amount": {"minor": minor, "currency": unit}} for minor, unit in amounts
    ]
    return json.dumps({"m": {}, "d": {"legs": legs}}).encode()


UNBALANCED = {
    "one leg": entry_of((5, "IDR")),
    "off by one": entry_of((5, "IDR"), (-4, "IDR")),
    "no legs": entry_of(),
    "no list of legs": b'{"m":{},"d":{}}',
    "two currencies that only sum to zero together": entry_of((5, "IDR"), (-5, "USD")),
    "one of two currencies off": entry_of((5, "IDR"), (-5, "IDR"), (1, "USD")),
    "no amount": b'{"m":{},"d":{"legs":[{"account":"A"}]}}',
    "an amount of nothing": entry_of((None, "IDR")),
}
STORE = (
    "select * from append(array['s'], array[1], array['journal.entry_posted.v1'],"
    " array[%s::bytea], array['c'], array[''::bytea])"
)


@pytest.mark.parametrize("state", UNBALANCED.values(), ids=UNBALANCED)
async def test_the_database_refuses_an_entry_that_does_not_balance(
    superuser: psycopg.Connection, state: bytes
):
    with pytest.raises(psycopg.errors.CheckViolation):
        superuser.execute(STORE, [state])


async def test_an_entry_balances_in_each_of_its_currencies(superuser: psycopg.Connection):
    superuser.execute(STORE, [entry_of((5, "IDR"), (2, "USD"), (-5, "IDR"), (-2, "USD"))])


async def test_an_append_survives_the_loss_of_its_connection(
    ledger_database: str, superuser: psycopg.Connection
):
    async with open_store(ledger_database) as opened:
        await opened.store.execute(COUNTER, "counter-1", Count(1), context())
        superuser.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'bukubesar app' and datname = current_database() and pid <> pg_backend_pid()"
        )
        executed = await opened.store.execute(COUNTER, "counter-1", Count(1), context())
        assert executed.state == 2


async def test_many_new_streams_have_an_outcome_each(
    ledger_database: str,
):
    works = [
        Work("a", Count(1), context("cmd-a", b"1")),
        Work("b", Count(9, limit=3), context("cmd-b", b"1")),
        Work("a", Count(1), context("cmd-a", b"1")),
        Work("a", Count(2), context("cmd-a", b"2")),
    ]
    async with open_store(ledger_database) as opened:
        done, *others = await opened.store.begin_all(COUNTER, works)

        refused, again, reused = others
        assert done == Begun("a")
        assert isinstance(refused, CountedTooFar)
        assert again == Begun("a", replayed=True)
        assert isinstance(reused, CommandIdReused)
        assert (await opened.store.load(COUNTER, "a")).state == 1


async def test_others_have_their_turn_while_very_many_are_begun(ledger_database: str):
    made = 0

    def works() -> Iterator[Work[Count]]:
        nonlocal made
        for made in range(1, 5 * SLICE + 1):
            yield Work(f"s-{made}", Count(1), context())

    turns = [0]
    async with open_store(ledger_database) as opened:
        begun = asyncio.ensure_future(opened.store.begin_all(COUNTER, works()))
        while not begun.done():
            await asyncio.sleep(0)
            turns.append(made)

    assert made == len(begun.result()) == 5 * SLICE
    assert max(later - earlier for earlier, later in pairwise(turns)) <= SLICE


async def test_two_processes_at_one_stream_both_get_through(ledger_database: str):
    """One command at a time in each: every race is lost by one of them, and none gives up."""
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:

        async def count(opened: OpenStore) -> None:
            for _ in range(60):
                await opened.store.execute(COUNTER, "counter-1", Count(1), context())

        await asyncio.gather(count(one), count(other))

        assert (await one.store.load(COUNTER, "counter-1")).state == 120

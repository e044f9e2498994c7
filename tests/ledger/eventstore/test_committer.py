"""The committer's edges: bounds, deadlines, drain, a refused command among good ones, a server that freezes or dies."""

import asyncio
import os
import signal
import time
from functools import partial
from itertools import product
from pathlib import Path

import psycopg
import pytest

from api.embedded import EmbeddedPostgres
from ledger.eventstore import group_call as module
from ledger.eventstore.committer import (
    Append,
    Appended,
    Committer,
    Duplicate,
    NewEvent,
    StoreOverloaded,
    StoreRefused,
    StoreUnavailable,
    VersionConflict,
)
from ledger.eventstore.connections import connect_for_calls, conninfo_for
from ledger.eventstore.line import ConnectionLost, Line
from ledger.eventstore.migrate import migrate
from support.counting import COUNTER, Count
from support.log_rows import APPEND, append_arguments, chained
from support.stores import SCHEMA, context, open_store


def event(
    stream: str, version: int = 1, state: bytes = b"{}", topic: str = "test.done.v1"
) -> NewEvent:
    return NewEvent(stream, version, topic, state)


@pytest.fixture
async def committer(ledger_database: str):
    committer = Committer(partial(connect_for_calls, ledger_database, SCHEMA))
    yield committer
    await committer.close()


async def test_every_command_of_a_batch_gets_its_own_outcome(committer: Committer):
    assert await committer.append("one", b"f1", [event("s-1")]) == Appended(1)
    assert await committer.append("two", b"", [event("s-1", 1)]) == VersionConflict()
    assert await committer.append("three", b"", [event("s-2"), event("s-2", 2)]) == Appended(3)
    assert await committer.append("one", b"f1", [event("s-9")]) == Duplicate(1, "s-1", 1, b"f1")
    assert await committer.append("four", b"", [event("s-2", 4)]) == VersionConflict()  # a gap


async def test_commands_fail_alone_wherever_they_stand_in_a_batch(
    committer: Committer, ledger_database: str
):
    """Every way in which three commands of one to three events can be new, repeated, late or early;
    the same id or stream comes once, for else they would not go in one batch.
    """
    await committer.append("c", b"f", [event("old"), event("old", 2)])
    position, batches = 2, 1
    for n, kinds in enumerate(product(("new", "repeated", "late", "early"), repeat=3)):
        asked, expected = [], []
        for place, kind in enumerate(kinds):
            if kind in ("repeated", "late") and kind in kinds[:place]:
                continue
            name = "c" if kind == "repeated" else f"c-{n}-{place}"
            stream = "old" if kind == "late" else f"s-{n}-{place}"
            first = 3 if kind == "early" else 1
            versions = range(first, first + 1 + (n + place) % 3)
            asked.append(Append(name, b"f", [event(stream, version) for version in versions]))
            position += len(versions) if kind == "new" else 0
            told = {"new": Appended(position), "repeated": Duplicate(2, "old", 2, b"f")}
            expected.append(told.get(kind, VersionConflict()))
        assert await asyncio.gather(*map(committer.submit, asked)) == expected
        batches += 1
    assert committer.batches == batches
    assert chained(ledger_database) == position


async def test_the_first_batch_of_all_knows_a_gap_too(committer: Committer, ledger_database: str):
    outcomes = await asyncio.gather(
        committer.append("gap", b"", [event("s-1", 2)]),
        committer.append("ours", b"", [event("s-2", 1), event("s-2", 2)]),
        committer.append("hole", b"", [event("s-3", 1), event("s-3", 3)]),
        committer.append("library's", b"", [event("s-4", 0)]),
    )
    assert outcomes == [VersionConflict(), Appended(2), VersionConflict(), Appended(3)]
    assert chained(ledger_database) == 3


async def test_a_batch_whose_last_command_has_no_id_is_refused_at_a_conflict(
    committer: Committer, ledger_database: str
):
    await committer.append("one", b"", [event("s-1")])
    arguments = append_arguments([("two", [event("s-1")])]) | {"ids": [None]}
    with (
        psycopg.connect(conninfo_for(ledger_database, SCHEMA, "app")) as conn,
        pytest.raises(psycopg.errors.InvalidParameterValue),
    ):
        conn.execute(APPEND, arguments)


async def test_what_queues_during_a_commit_goes_in_one_batch(committer: Committer):
    outcomes = await asyncio.gather(
        *(committer.append(f"c{n}", b"", [event(f"s-{n}")]) for n in range(500))
    )
    assert sorted(outcome.position for outcome in outcomes) == list(range(1, 501))
    assert committer.batches < 50


async def test_a_command_the_database_refuses_fails_alone(committer: Committer):
    unbalanced = event("bad", state=b'{"d":{"legs":[]}}', topic="journal.entry_posted.v1")
    good = [committer.append(f"c{n}", b"", [event(f"s-{n}")]) for n in range(20)]
    outcomes = await asyncio.gather(
        *good[:10], committer.append("bad", b"", [unbalanced]), *good[10:], return_exceptions=True
    )
    assert isinstance(outcomes.pop(10), StoreRefused)
    assert all(isinstance(outcome, Appended) for outcome in outcomes)


async def test_the_same_command_twice_in_one_batch_is_done_once(committer: Committer):
    outcomes = await asyncio.gather(
        *(committer.append("same", b"", [event("s-1")]) for _ in range(20))
    )
    assert sum(isinstance(outcome, Appended) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Duplicate) for outcome in outcomes) == 19


async def test_a_full_queue_says_so_at_once(ledger_database: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MAXIMUM_QUEUED", 3)

    async def never() -> psycopg.AsyncConnection:
        raise psycopg.OperationalError("no server")

    committer = Committer(never)
    waiting = [
        asyncio.ensure_future(committer.append(f"c{n}", b"", [event(f"s-{n}")])) for n in range(8)
    ]
    done, _ = await asyncio.wait(waiting, timeout=1)
    assert done and all(isinstance(task.exception(), StoreOverloaded) for task in done)
    await asyncio.gather(*waiting, return_exceptions=True)
    await committer.close()


async def test_of_many_commands_those_that_find_no_room_are_told_among_the_outcomes(
    committer: Committer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MAXIMUM_QUEUED", 3)

    outcomes = await committer.append_all(
        [Append(f"c{n}", b"", [event(f"s-{n}")]) for n in range(5)]
    )

    assert [type(outcome) for outcome in outcomes] == [Appended] * 3 + [StoreOverloaded] * 2


async def test_a_connection_that_dies_before_it_is_prepared_is_replaced(
    ledger_database: str, monkeypatch: pytest.MonkeyPatch
):
    prepare, failed = Line.prepare, []

    def fail_once(line: Line, *given: object) -> None:
        if not failed:
            failed.append(line)
            raise psycopg.OperationalError("the connection died")
        prepare(line, *given)

    monkeypatch.setattr(Line, "prepare", fail_once)
    committer = Committer(partial(connect_for_calls, ledger_database, SCHEMA))

    assert await committer.append("one", b"", [event("s-1")]) == Appended(1)
    assert await committer.append("two", b"", [event("s-2")]) == Appended(2)
    await committer.close()
    assert failed


async def test_closing_commits_what_is_queued_and_takes_no_more(ledger_database: str):
    committer = Committer(partial(connect_for_calls, ledger_database, SCHEMA))
    waiting = [
        asyncio.ensure_future(committer.append(f"c{n}", b"", [event(f"s-{n}")])) for n in range(50)
    ]
    await asyncio.sleep(0)
    await committer.close()
    assert all(isinstance(outcome, Appended) for outcome in await asyncio.gather(*waiting))
    with pytest.raises(StoreUnavailable):
        await committer.append("late", b"", [event("s-late")])


@pytest.mark.parametrize("is_new", [False, True])
async def test_a_reply_that_is_lost_after_the_commit_is_no_second_append(
    ledger_database: str, monkeypatch: pytest.MonkeyPatch, is_new: bool
):
    """The connection dies between commit and reply: the batch is sent again and finds itself in the log."""
    async with open_store(ledger_database) as opened:
        original, lost = module.check, []

        def lose_the_first_reply(result):
            original(result)
            if result.ntuples and not lost:
                lost.append(result)
                raise ConnectionLost("the reply was lost")

        monkeypatch.setattr(module, "check", lose_the_first_reply)
        executed = await opened.store.execute(
            COUNTER, "counter-1", Count(5), context(), is_new=is_new
        )
        assert lost and (executed.state, executed.version) == (5, 1)
        assert opened.recorder.max_notification_id() == 1
        # Who made the stream knows that nobody else can have: it won, and does what follows at once.
        assert executed.replayed is not is_new


@pytest.fixture
def own_server(open_folder: Path):
    with EmbeddedPostgres(open_folder / "frozen", settings={"fsync": "off"}) as server:
        migrate(server.dsn, SCHEMA)
        yield server


async def test_a_frozen_server_is_answered_for_in_time_and_used_again(own_server: EmbeddedPostgres):
    async with open_store(own_server.dsn) as opened:
        await opened.store.execute(COUNTER, "counter-1", Count(1), context())
        with psycopg.connect(own_server.dsn) as conn:
            rows = conn.execute(
                "select pid from pg_stat_activity where application_name = 'bukubesar app'"
            ).fetchall()
        pids = [own_server.pid, *(pid for (pid,) in rows)]
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
            with pytest.raises(StoreUnavailable):
                await opened.store.execute(COUNTER, "counter-1", Count(1), context("cmd-frozen"))
            assert time.monotonic() - began < 5
        finally:
            for pid in reversed(pids):
                os.kill(pid, signal.SIGCONT)
        executed = await repeat_until_stored(opened, "cmd-frozen")
        assert executed.state == 2  # once, whether the first try was stored or not


async def repeat_until_stored(opened, command_id: str):
    for _ in range(10):
        try:
            return await opened.store.execute(COUNTER, "counter-1", Count(1), context(command_id))
        except StoreUnavailable:
            await asyncio.sleep(0.2)
    raise AssertionError("the store did not come back")

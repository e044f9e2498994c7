"""What follows from a command on other streams stands in the same append, on a real PostgreSQL."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from ledger.decider import followed_by
from ledger.errors import LedgerError
from ledger.events import DomainEvent
from ledger.eventstore import joining
from ledger.eventstore.joining import Step, Then
from ledger.eventstore.store import CommandIdReused, StreamBusy
from support import counting
from support.counting import COUNTER, WHEN, Count, Counted, CountedTooFar
from support.stores import SCHEMA, OpenStore, context, open_store


def chain(*streams: str, limit: int = 1_000_000) -> Then:
    """What is counted on one of the streams is counted on the next."""
    after = dict(pairwise(streams))

    def then(stream: str, fact: DomainEvent, state: object) -> Sequence[Step[int, Count]]:
        assert isinstance(fact, Counted)
        return [Step(COUNTER, after[stream], Count(fact.by, limit))] if stream in after else []

    return then


def once(stream: str, *steps: Step[Any, Any]) -> Then:
    return lambda where, _, __: steps if where == stream else ()


def appended(conninfo: str) -> list[tuple[str, int, str | None]]:
    """Stream, version and command id of each event, in the order of the log."""
    with psycopg.connect(conninfo, options=f"-c search_path={SCHEMA}") as db:
        return db.execute(
            "select originator_id, originator_version, command_id from events"
            " order by notification_id"
        ).fetchall()


async def count(opened: OpenStore, stream: str, by: int = 1, **more: Any) -> Any:
    return await opened.store.execute(COUNTER, stream, Count(by), context(), **more)


async def totals(conninfo: str, *streams: str) -> list[int]:
    """By a store that has cached nothing."""
    async with open_store(conninfo) as opened:
        return [(await opened.store.load(COUNTER, stream)).state for stream in streams]


async def test_what_follows_on_three_streams_is_one_append_and_the_commanded_stream_stands_last(
    ledger_database: str,
):
    async with open_store(ledger_database) as opened:
        done = await opened.store.execute(
            COUNTER, "a", Count(3), context("cmd-a"), then=chain("a", "b", "c")
        )

    assert appended(ledger_database) == [("b", 1, None), ("c", 1, None), ("a", 1, "cmd-a")]
    assert (done.stream, done.state, done.version, done.also) == ("a", 3, 1, {"b": 3, "c": 3})
    assert [recorded.stream for recorded in done.events] == ["a"]
    assert await totals(ledger_database, "a", "b", "c") == [3, 3, 3]


async def test_all_events_of_an_append_say_the_same_command(ledger_database: str):
    async with open_store(ledger_database) as opened:
        await opened.store.execute(COUNTER, "a", Count(3), context("cmd-a"), then=chain("a", "b"))
        told = [await opened.store.history(stream) for stream in ("a", "b")]

    assert told[0][0].metadata == told[1][0].metadata
    assert told[0][0].metadata.command_id == "cmd-a"


async def test_what_was_appended_is_known_without_asking_the_log(ledger_database: str):
    async with open_store(ledger_database) as opened:
        for _ in range(2):
            await count(opened, "a", then=chain("a", "b"))
        done = await count(opened, "b")

        assert (done.state, done.version) == (3, 3)


async def test_an_entry_stands_after_its_fact_and_may_itself_be_followed(ledger_database: str):
    booked = followed_by(COUNTER, lambda fact: [Counted(by=10, occurred_at=WHEN)])

    def then(stream: str, fact: DomainEvent, state: object) -> Sequence[Step[int, Count]]:
        assert isinstance(fact, Counted)
        return [Step(booked, "b", Count(fact.by + 1))] if stream == "a" else []

    async with open_store(ledger_database) as opened:
        await opened.store.execute(booked, "a", Count(1), context(), then=then)
        told = {stream: await opened.store.history(stream) for stream in ("a", "b")}

    by = {stream: [one.event.by for one in records] for stream, records in told.items()}  # type: ignore[attr-defined]
    assert by == {"a": [1, 10], "b": [2, 10, 11, 10]}


async def test_a_stream_may_be_visited_twice_and_the_second_visit_sees_the_first(
    ledger_database: str,
):
    twice = once("a", *[Step(COUNTER, "b", Count(2, limit)) for limit in (2, 4)])
    async with open_store(ledger_database) as opened:
        await count(opened, "b", 0)
        done = await count(opened, "a", then=twice)

        assert done.also == {"b": 4}
        with pytest.raises(CountedTooFar):
            await count(opened, "a", then=twice)
    assert [row[:2] for row in appended(ledger_database)] == [
        ("b", 1),
        ("b", 2),
        ("b", 3),
        ("a", 1),
    ]


async def test_a_step_may_come_back_to_the_commanded_stream(ledger_database: str):
    def back(stream: str, fact: DomainEvent, state: object) -> Sequence[Step[int, Count]]:
        if fact == Counted(by=1, occurred_at=WHEN):
            return [Step(COUNTER, "b", Count(2))]
        return [Step(COUNTER, "a", Count(5))] if stream == "b" else []

    async with open_store(ledger_database) as opened:
        done = await opened.store.execute(COUNTER, "a", Count(1), context("cmd-a"), then=back)

    assert (done.state, done.version, len(done.events), done.also) == (6, 2, 2, {"b": 2})
    assert appended(ledger_database) == [("b", 1, None), ("a", 1, None), ("a", 2, "cmd-a")]


async def test_without_a_fact_of_its_own_nothing_follows(ledger_database: str):
    idle = replace(COUNTER, decide=lambda total, command: [])
    async with open_store(ledger_database) as opened:
        done = await opened.store.execute(idle, "a", Count(1), context(), then=chain("a", "b"))

    assert (done.events, done.also) == ((), {})
    assert appended(ledger_database) == []


@pytest.mark.parametrize("is_known", [False, True])
async def test_a_refused_step_refuses_all(ledger_database: str, is_known: bool):
    async with open_store(ledger_database) as opened:
        if is_known:
            await opened.store.load(COUNTER, "c")
            await count(opened, "c", 0)
        before = appended(ledger_database)
        with pytest.raises(CountedTooFar):
            await count(opened, "a", 4, then=chain("a", "b", "c", limit=3))

        assert appended(ledger_database) == before
        assert (await count(opened, "b")).version == 1


async def test_a_refusal_that_rests_on_an_old_state_of_another_stream_is_decided_again(
    ledger_database: str,
):
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        await count(one, "b", 3)
        await count(other, "b", -3)

        assert (await count(one, "a", 3, then=chain("a", "b", limit=3))).also == {"b": 3}


async def test_a_conflict_on_another_stream_has_all_decided_again(ledger_database: str):
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        for stream in ("a", "b", "c"):
            await count(one, stream)
        for stream in ("b", "c"):
            await count(other, stream, 10)
        done = await count(one, "a", 2, then=chain("a", "b", "c"))

    assert (done.state, done.version, done.also) == (3, 2, {"b": 13, "c": 13})
    assert await totals(ledger_database, "a", "b", "c") == [3, 13, 13]
    assert len(appended(ledger_database)) == 8


async def test_a_conflict_that_stays_leaves_nothing_half_done(
    ledger_database: str, monkeypatch: pytest.MonkeyPatch
):
    """Somebody is faster at every try, until the store gives up."""
    monkeypatch.setattr("ledger.eventstore.store.BUSY_SECONDS", 0.05)
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        append = one.recorder.committer.append

        async def second(*given: Any) -> Any:
            await count(other, "b", 10)
            return await append(*given)

        monkeypatch.setattr(one.recorder.committer, "append", second)
        with pytest.raises(StreamBusy):
            await count(one, "a", then=chain("a", "b", "c"))

    assert {row[0] for row in appended(ledger_database)} == {"b"}


def up_to(total: int, command: Count) -> Sequence[DomainEvent]:
    return [] if total >= command.limit else counting.decide(total, Count(command.by))


capped = replace(COUNTER, decide=up_to)


async def test_a_command_that_decides_nothing_looks_at_the_log_first(ledger_database: str):
    """Another process may have brought about what it waits for."""
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        await count(one, "a", 3)
        await count(other, "a", -1)

        done = await one.store.execute(capped, "a", Count(1, limit=3), context())
        nothing = await one.store.execute(capped, "a", Count(1, limit=3), context())

    assert (done.state, len(done.events)) == (3, 1)
    assert (nothing.state, nothing.version, nothing.events) == (3, 3, ())


async def test_a_step_that_decides_nothing_looks_at_the_log_first(ledger_database: str):
    """Nothing of its stream is in the append, so no conflict would tell."""
    then = once("a", Step(capped, "b", Count(1, limit=3)))
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        await count(one, "b", 3)
        assert (await count(one, "a", then=then)).also == {"b": 3}
        await count(other, "b", -1)

        assert (await count(one, "a", then=then)).also == {"b": 3}
    assert await totals(ledger_database, "a", "b") == [2, 3]


REPEATS: dict[str, Callable[[OpenStore], Any]] = {
    "the same process": lambda one: one,
    "another process": lambda _: None,
}


@pytest.mark.parametrize("by", REPEATS.values(), ids=REPEATS)
@pytest.mark.parametrize("limit", [1_000_000, 3], ids=["again possible", "by now refused"])
async def test_a_repeat_is_answered_from_the_commanded_stream(
    ledger_database: str, by: Callable[[OpenStore], Any], limit: int
):
    then = chain("a", "b", "c", limit=limit)
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        await one.store.execute(COUNTER, "a", Count(3), context("cmd-a"), then=then)
        repeating = (by(one) or other).store
        again = await repeating.execute(COUNTER, "a", Count(3), context("cmd-a"), then=then)

        assert (again.replayed, again.stream, again.state, again.version) == (True, "a", 3, 1)
        with pytest.raises(CommandIdReused):
            await repeating.execute(COUNTER, "a", Count(3), context("cmd-a", b"2"), then=then)
    assert await totals(ledger_database, "a", "b", "c") == [3, 3, 3]


async def test_a_repeat_under_a_new_id_finds_the_first(ledger_database: str):
    then = once("first", Step(COUNTER, "b", Count(3)))
    again_then = once("second", Step(COUNTER, "b", Count(3)))
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        await one.store.execute(
            COUNTER, "first", Count(3), context("cmd-a"), is_new=True, then=then
        )
        again = await other.store.execute(
            COUNTER, "second", Count(3), context("cmd-a"), is_new=True, then=again_then
        )

    assert (again.replayed, again.stream, again.state) == (True, "first", 3)
    assert await totals(ledger_database, "first", "second", "b") == [3, 0, 3]


async def test_a_lost_answer_about_a_new_stream_is_not_taken_for_a_repeat(
    ledger_database: str, monkeypatch: pytest.MonkeyPatch
):
    async with open_store(ledger_database) as opened:
        append = opened.recorder.committer.append

        async def twice(*given: Any) -> Any:
            await append(*given)
            return await append(*given)

        monkeypatch.setattr(opened.recorder.committer, "append", twice)
        done = await count(opened, "a", 3, is_new=True, then=chain("a", "b"))

    assert (done.replayed, done.state, done.also) == (False, 3, {"b": 3})
    assert len(appended(ledger_database)) == 2


async def test_many_joint_commands_race_over_one_stream_and_all_succeed(ledger_database: str):
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        done = await asyncio.gather(
            *(
                count(opened, f"{name}-{n}", then=chain(f"{name}-{n}", "shared"))
                for n in range(10)
                for name, opened in (("one", one), ("other", other))
            )
        )

    rows = appended(ledger_database)
    assert sorted(result.also["shared"] for result in done) == list(range(1, 21))
    assert [row[1] for row in rows if row[0] == "shared"] == list(range(1, 21))
    # Each beside the event that it follows from, and that one last.
    assert [row[0] for row in rows[::2]] == ["shared"] * 20
    assert all(command for _, _, command in rows[1::2])


async def test_commands_across_two_streams_in_both_directions_do_not_wait_for_each_other(
    ledger_database: str,
):
    async with open_store(ledger_database) as opened:
        await asyncio.gather(
            *(
                count(opened, first, then=once(first, Step(COUNTER, second, Count())))
                for _ in range(10)
                for first, second in (("a", "b"), ("b", "a"))
            ),
        )

    assert await totals(ledger_database, "a", "b") == [20, 20]


async def test_what_follows_without_end_is_a_fault(
    ledger_database: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(joining, "STEPS_AT_MOST", 10)

    def ping_pong(stream: str, fact: DomainEvent, state: object) -> Sequence[Step[int, Count]]:
        return [Step(COUNTER, "b" if stream == "a" else "a", Count())]

    async with open_store(ledger_database) as opened:
        with pytest.raises(RuntimeError, match="has no end") as fault:
            await count(opened, "a", then=ping_pong)

    assert not isinstance(fault.value, LedgerError)
    assert appended(ledger_database) == []


async def test_what_follows_sees_the_state_after_the_decision(ledger_database: str):
    seen: list[object] = []

    def then(stream: str, fact: DomainEvent, state: object) -> Sequence[Step[int, Count]]:
        seen.append((stream, state))
        return [Step(COUNTER, "b", Count(2), is_new=True)] if stream == "a" else ()

    async with open_store(ledger_database) as opened:
        await count(opened, "a", 3, then=then)

    assert seen[0] == ("a", 3) and seen[-1] == ("b", 2)

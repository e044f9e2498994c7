"""Over random histories of subscriptions: recurring revenue is what its movements come to, month before month,
and each movement leads to the event behind it; a state is what its events make of it.
"""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest

from ledger.events import Recorded
from ledger.eventstore.mapping import EventMapper
from projections import recurring_revenue
from projections.explaining import revenue, states
from projections.explaining.tree import ExplanationBroken
from projections.recurring_figures import figures
from support.explained import NOTHING_KEPT, of_kind, revenue_trees, state_trees
from support.payment_lives import interleaved
from support.read_side import ReadSide, open_read_side
from support.subscription_chances import happen, some
from support.subscription_facts import ACCOUNT, CARD
from support.subscription_stories import Bought, in_order

BEGINS: Final = datetime(2026, 1, 1, tzinfo=UTC)
LIVES: Final = 25
DAYS: Final = 420
LAST: Final = date(2027, 2, 1)


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


def lived(n: int) -> Bought:
    chance = random.Random(n)
    began = BEGINS + timedelta(minutes=chance.randrange(0, DAYS * 24 * 60 // 2))
    paying, broke = chance.choice([CARD, CARD, ACCOUNT]), chance.random() < 0.1
    bought = Bought(f"sub_{n}", f"cust_{n // 2}", some(chance), began, paying=paying, broke=broke)
    end = BEGINS + timedelta(days=DAYS)
    while chance.random() < 0.85:
        happen(bought, chance, bought.now + (end - bought.now) * chance.random() / 3)
    return bought.until(end)


@pytest.fixture
def lives(read_side: ReadSide) -> list[Bought]:
    all_of_them = [lived(n) for n in range(LIVES)]
    read_side.log.copy_all(in_order(all_of_them))
    read_side.catch_up()
    return all_of_them


def asked(month: date, size: int) -> revenue.Question:
    return revenue.Question(month=month, currency="IDR", size=size)


@pytest.mark.parametrize("size", [2, 20])
async def test_the_leaves_come_to_the_recurring_revenue(
    read_side: ReadSide, lives: list[Bought], size: int
) -> None:
    async with read_side.asking() as conn:
        rows = await recurring_revenue.by_month(conn, "IDR", LAST)
        months = figures(rows, date(2026, 1, 1), LAST)
        by_subscription = await recurring_revenue.standing_at_end(conn, LAST, "", LIVES)
        trees = [tree async for tree in revenue_trees(conn, asked(LAST, size))]

    assert trees[0].amount == months[-1].recurring > 0
    # Every month before is on the way, as it is reported.
    totals = {tree.words[-7:]: tree.amount for tree in trees if tree.kind == "recurring"}
    begun = [month for month in months if month.recurring or month.month >= LAST]
    assert {f"{m.month:%Y-%m}": m.recurring for m in begun}.items() <= totals.items()
    leaves = [node for tree in trees for node in of_kind(tree, "movement")]
    assert sum(node.amount or 0 for node in leaves) == months[-1].recurring
    moved = read_side.one(
        "select count(*) as times from recurring_movements where month <= %s", LAST
    )
    assert len(leaves) == moved["times"]
    # What each subscription's own movements come to is what it counts for.
    of_each = Counter[str]()
    for node in leaves:
        of_each[node.words] += node.amount or 0
    assert {name: minor for name, minor in of_each.items() if minor} == {
        row["subscription_id"]: row["level_minor"] for row in by_subscription
    }


async def test_a_movement_leads_to_its_event_and_command(
    read_side: ReadSide, lives: list[Bought]
) -> None:
    async with read_side.asking() as conn:
        trees = [tree async for tree in revenue_trees(conn, asked(LAST, 20))]

    for node in (node for tree in trees for node in of_kind(tree, "movement")):
        (event,) = node.parts
        (command,) = event.parts
        assert event.fact and event.fact.stream == node.words
        assert event.fact.event["occurred_at"]
        assert command.command and command.command.actor == "test"


@pytest.mark.parametrize(
    "lie",
    [
        "update recurring_movements set position = position + 1",
        "update recurring_movements set topic = 'subscription.paused.v1'",
        "update recurring_movements set version = version + 4000",
    ],
)
async def test_movements_that_lie_are_not_explained_away(
    read_side: ReadSide, lives: list[Bought], lie: str
) -> None:
    read_side.connection.execute(lie.encode())

    async with read_side.asking() as conn:
        with pytest.raises(ExplanationBroken):
            async for _ in revenue_trees(conn, asked(LAST, 20)):
                pass


# ── states ────────────────────────────────────────────────────────────────────────────────────────────────────


def stream_of(read_side: ReadSide, stream: str) -> list[Recorded]:
    rows = read_side.rows(
        "select originator_version, topic, state, notification_id from events"
        " where originator_id = %s order by originator_version",
        stream,
    )
    mapper = EventMapper()
    return [mapper.decode(stream, *row.values()) for row in rows]


@pytest.mark.parametrize("size", [1, 4, 100])
async def test_a_subscription_is_what_its_events_made_of_it(
    read_side: ReadSide, lives: list[Bought], size: int
) -> None:
    for bought in lives:
        told = bought.state.status.value
        question = states.Question(
            subject=states.SUBSCRIPTION_STATE, stream=bought.subscription_id, told=told, size=size
        )
        history = stream_of(read_side, bought.subscription_id)
        async with read_side.asking() as conn:
            trees = [tree async for tree in state_trees(conn, question, history)]
        steps = [part for tree in trees for part in tree.parts if part.kind in ("step", "steps")]
        assert steps[0].after == told
        assert steps[-1].before == "new"
        assert [step.before for step in steps[:-1]] == [step.after for step in steps[1:]]
        assert sum(step.count for step in steps) == len(history)
        if len(history) <= size:
            assert [step.words for step in reversed(steps)] == [one.event.TOPIC for one in history]


@pytest.mark.parametrize("size", [2, 60])
async def test_so_is_a_payment_with_the_entries_that_it_brought(
    read_side: ReadSide, size: int
) -> None:
    appends = interleaved(payments=12, steps=14, seed=11)
    read_side.log.copy_all(appends)
    for stream in {stream for stream, _ in appends}:
        history = stream_of(read_side, stream)
        folded = states.PAYMENT.decider.fold(one.event for one in history)
        told = folded.public_status
        question = states.Question(subject=states.PAYMENT, stream=stream, told=told, size=size)
        async with read_side.asking() as conn:
            trees = [tree async for tree in state_trees(conn, question, history)]
        steps = [part for tree in trees for part in tree.parts if part.kind in ("step", "steps")]
        entries = [node for tree in trees for node in of_kind(tree, "entry")]
        facts = [one for one in history if one.event.TOPIC != "journal.entry_posted.v1"]
        assert (steps[0].after, steps[-1].before) == (told, "new")
        assert sum(step.count for step in steps) == len(facts)
        if size == 60:
            assert len(entries) == len(history) - len(facts)


async def test_a_state_that_its_events_do_not_make_is_not_explained(read_side: ReadSide) -> None:
    (stream, _), *_ = appends = interleaved(payments=1, steps=8, seed=1)
    read_side.log.copy_all(appends)
    history = stream_of(read_side, stream)
    question = states.Question(subject=states.PAYMENT, stream=stream, told="refunded", size=20)

    async with read_side.asking() as conn:
        with pytest.raises(ExplanationBroken) as broken:
            states.tree(question, await states.read(conn, question, history), history, NOTHING_KEPT)

    assert broken.value.context["told"] == "refunded"

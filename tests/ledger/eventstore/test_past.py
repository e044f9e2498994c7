"""What was known by a point: a prefix of the stream, by position or by the time of recording."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.events import DomainEvent, Metadata, Recorded
from ledger.eventstore.past import PastStore, Point, known_by
from support.counting import COUNTER, Count
from support.payment_lives import PAID, lived
from support.stores import context, open_store

AT = datetime(2026, 11, 23, 3, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def recorded(*minutes: int) -> list[Recorded[DomainEvent]]:
    """Events of one stream, recorded at these minutes."""
    facts = lived("pay_1", *PAID)
    return [
        Recorded(
            stream="pay_1",
            version=place,
            event=facts[place],
            metadata=Metadata(command_id="c", actor="test", recorded_at=AT + minute * MINUTE),
            position=place,
        )
        for place, minute in enumerate(minutes, start=1)
    ]


@pytest.mark.parametrize(
    ("point", "known"),
    [
        (1, 1),
        (2, 2),
        (99, 3),
        (AT - MINUTE, 0),
        (AT, 1),
        (AT + 1.5 * MINUTE, 2),
        (AT + 2 * MINUTE, 3),
        ((AT + MINUTE).astimezone(), 2),
    ],
)
def test_a_point_cuts_the_stream_after_what_was_recorded_by_then(point: Point, known: int) -> None:
    history = recorded(0, 1, 2)

    assert known_by(point, history) == history[:known]


def test_clocks_that_disagree_leave_no_hole() -> None:
    """The second was recorded by a clock that was ahead; nothing behind it is known without it."""
    history = recorded(0, 5, 1)

    assert known_by(AT + 2 * MINUTE, history) == history[:1]
    assert known_by(AT + 5 * MINUTE, history) == history


async def test_a_past_state_stays_the_same_while_the_stream_goes_on(ledger_database: str) -> None:
    async with open_store(ledger_database) as opened:
        for _ in range(3):
            await opened.store.execute(COUNTER, "counter-1", Count(2), context())
        past = PastStore(opened.store, 2)
        seen = await past.load(COUNTER, "counter-1")
        await opened.store.execute(COUNTER, "counter-1", Count(2), context())

        assert await past.load(COUNTER, "counter-1") == seen
        assert (seen.state, seen.version, past.newest["counter-1"].position) == (4, 2, 2)
        assert (await opened.store.load(COUNTER, "counter-1")).state == 8


async def test_nothing_is_appended_to_the_past(ledger_database: str) -> None:
    async with open_store(ledger_database) as opened:
        past = PastStore(opened.store, 1)

        with pytest.raises(RuntimeError):
            await past.execute(COUNTER, "counter-1", Count(1), context())
        with pytest.raises(RuntimeError):
            await past.begin_all(COUNTER, [])
        assert await opened.store.history("counter-1") == []

"""A kept state that is not what the events say is found by the replay."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from ledger.events import DomainEvent
from ledger.eventstore.store import SNAPSHOT_EVERY
from ledger.payments.deciding import BOOKED_PAYMENT, PAYMENT
from projections.replaying import verify
from support import payment_facts
from support.facts import begun, dispatched, unknown
from support.log_rows import SCHEMA
from support.read_side import ReadSide, open_read_side
from support.stores import open_store


def long_life() -> Sequence[DomainEvent]:
    """A charge whose sender never learns what became of it, longer than a snapshot's distance."""
    facts = list(begun("qris"))
    for number in range(SNAPSHOT_EVERY):
        at = payment_facts.AT + timedelta(seconds=number)
        facts.append(unknown() if number % 2 else dispatched(sending=number // 2 + 1, at=at))
    return facts


@pytest.fixture
async def kept(ledger_database: str) -> AsyncIterator[ReadSide]:
    """A long stream that was loaded once, and so has a snapshot."""
    with open_read_side(ledger_database) as read_side:
        read_side.log.copy_all([("pay_1", long_life())])
        read_side.catch_up()
        async with open_store(ledger_database) as opened:
            await opened.store.load(BOOKED_PAYMENT, "pay_1")
        yield read_side


async def test_the_first_load_of_a_long_stream_keeps_its_state(kept: ReadSide) -> None:
    row = kept.one("select version, format, state from bukubesar.snapshots")

    assert row["version"] == len(long_life())
    assert PAYMENT.snapshot.decode(row["state"]) == PAYMENT.fold(long_life())
    assert verify(kept.conninfo, SCHEMA).finding is None


async def test_checking_kept_states_says_how_far_it_is(kept: ReadSide) -> None:
    said: list[tuple[str, int, int]] = []

    verify(kept.conninfo, SCHEMA, lambda *words: said.append(words))

    assert said[-1] == ("folding", 1, 1)


async def test_the_next_process_starts_from_it_and_reads_what_came_since(kept: ReadSide) -> None:
    kept.log.append("pay_1", [dispatched(sending=999)])
    kept.log.tamper("delete from events where originator_version < 50")

    async with open_store(kept.conninfo) as opened:
        loaded = await opened.store.load(BOOKED_PAYMENT, "pay_1")

    assert loaded.version == len(long_life()) + 1
    assert loaded.state.attempt.sendings == 999


async def test_a_state_of_other_code_is_not_read(kept: ReadSide) -> None:
    kept.log.tamper("update snapshots set format = 'another', state = 'nonsense'")

    async with open_store(kept.conninfo) as opened:
        loaded = await opened.store.load(BOOKED_PAYMENT, "pay_1")

    assert loaded.state == PAYMENT.fold(long_life())
    assert verify(kept.conninfo, SCHEMA).finding is None


async def test_a_state_that_cannot_be_kept_fails_nobody(kept: ReadSide) -> None:
    kept.log.tamper("delete from snapshots")

    async with open_store(kept.conninfo) as opened:
        await opened.store._snapshots.close()
        loaded = await opened.store.load(BOOKED_PAYMENT, "pay_1")

    assert loaded.version == len(long_life())


async def test_a_state_that_somebody_changed_is_found(kept: ReadSide) -> None:
    kept.log.tamper(
        "update snapshots set state = convert_to("
        "replace(convert_from(state, 'UTF8'), '99000', '99001'), 'UTF8')"
    )

    finding = verify(kept.conninfo, SCHEMA).finding

    assert finding is not None
    assert (finding.rule, finding.stream) == ("snapshots", "pay_1")

"""The history of a subscription and of a bill for reading."""

from collections.abc import Iterator

import pytest

from ledger.events import TOPICS
from projections import billing_events, history
from support import bill_facts as b
from support.read_side import ReadSide, open_read_side
from support.subscription_facts import SUB, Life


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


async def test_history_comes_in_order_and_in_pages(read_side: ReadSide) -> None:
    facts = Life().created().paid(1).advanced().story.facts
    bill = b.booked(*b.paid_bill(), b.recognise(b.end_of_day(1))).facts
    read_side.log.append(SUB, facts)
    read_side.log.append("bill_1", bill)
    read_side.catch_up(batch=4)

    async with read_side.asking() as conn:
        first = await billing_events.of(conn, SUB, 0, 4)
        rest = await billing_events.of(conn, SUB, first[-1]["version"], 10)
        of_bill = await billing_events.of(conn, "bill_1", 0, 10)

    shown = first + rest
    assert [row["topic"] for row in shown] == [type(fact).TOPIC for fact in facts]
    assert [row["version"] for row in shown] == list(range(1, len(facts) + 1))
    assert {row["actor"] for row in shown} == {"test"}
    # Its entries are in the journal.
    assert [row["version"] for row in of_bill] == [1, 2, 3, 4]
    assert of_bill[-1]["event"]["amount"]["minor"] == 2_972


def test_nothing_that_happens_to_a_subscription_or_bill_holds_anything_sealed() -> None:
    assert not [fact for fact in billing_events.FOLLOWS if history._holds_sealed(fact)]
    assert len(billing_events.FOLLOWS) >= 30
    assert history._holds_sealed(TOPICS["customer.registered.v1"])

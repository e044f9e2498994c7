"""The history of a payment for reading, without anything personal."""

from collections.abc import Iterator

import pytest

from projections import payment_events
from support.payment_lives import SETTLED, lived
from support.read_side import ReadSide, open_read_side


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


async def test_history_comes_in_order_and_in_pages(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    read_side.log.append("pay_2", lived("pay_2", *SETTLED))
    read_side.catch_up(batch=4)

    async with read_side.asking() as conn:
        first = await payment_events.of(conn, "pay_1", 0, 4)
        rest = await payment_events.of(conn, "pay_1", first[-1]["version"], 10)

    shown = first + rest
    assert [row["topic"] for row in shown] == [event.TOPIC for event in SETTLED]
    assert [row["version"] for row in shown] == [1, 2, 3, 4, 5, 7]
    assert {row["actor"] for row in shown} == {"test"}


def test_sealed_values_only_say_that_they_are_sealed(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED[:2]))

    read_side.catch_up()

    event = read_side.one("select event from payment_events where version = 1")["event"]
    assert event["payer"] == {"sealed": True}
    assert "ciphertext" not in str(event)
    assert event["metadata"] == {"orderId": "order_pay_1"}

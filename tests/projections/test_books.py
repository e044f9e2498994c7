"""Balances and the journal: the sums, and each posting with what caused it."""

from collections import Counter
from collections.abc import Iterator

import pytest

from ledger.journal.events import EntryPosted
from ledger.payments import events as e
from projections import balances, journal
from support.payment_lives import PAID, SETTLED, interleaved, lived
from support.read_side import ReadSide, open_read_side

PENDING = "Assets:Gateway:Midtrans:Pending"
AVAILABLE = "Assets:Gateway:Midtrans:Available"


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


@pytest.mark.parametrize("batch", [1, 7, 5_000])
def test_balances_are_the_sums_of_all_postings(read_side: ReadSide, batch: int) -> None:
    appends = interleaved(payments=30, steps=10, seed=3)
    read_side.log.append_all(appends)
    sums: Counter[str] = Counter()
    for _, facts in appends:
        for fact in facts:
            for leg in fact.legs if isinstance(fact, EntryPosted) else ():
                sums[leg.account] += leg.amount.minor

    read_side.catch_up(batch)

    shown = {row["account"]: row for row in read_side.rows("select * from balances")}
    assert {account: row["balance_minor"] for account, row in shown.items()} == dict(sums)
    assert sum(sums.values()) == 0
    assert all(r["balance_minor"] == r["debit_minor"] - r["credit_minor"] for r in shown.values())


async def test_the_trial_balance_lists_every_account_and_sums_to_zero(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    read_side.catch_up()

    async with read_side.asking() as conn:
        rows = await balances.trial_balance(conn)
        (pending,) = await balances.account(conn, PENDING)

    assert len(rows) == 7
    assert sum(row["balance_minor"] for row in rows) == 0
    assert (pending["balance_minor"], pending["postings"]) == (0, 2)


async def test_an_account_nobody_posted_to_has_no_balance(read_side: ReadSide) -> None:
    async with read_side.asking() as conn:
        assert await balances.account(conn, PENDING) == []


async def test_postings_of_an_account_come_newest_first_with_their_payment(
    read_side: ReadSide,
) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID))
    read_side.log.append("pay_2", lived("pay_2", *PAID, e.PaymentSettled))
    read_side.catch_up()

    async with read_side.asking() as conn:
        first = await journal.entries_of(conn, PENDING, None, 2)
        rest = await journal.entries_of(conn, PENDING, (first[-1]["position"], first[-1]["leg"]), 2)

    shown = [(row["stream"], row["position"], row["rule"]) for row in first + rest]
    assert shown == [("pay_2", 14, "P2"), ("pay_2", 12, "P1b"), ("pay_1", 6, "P1b")]


@pytest.mark.parametrize("batch", [1, 2, 5_000])
async def test_every_entry_names_the_fact_that_caused_it(read_side: ReadSide, batch: int) -> None:
    events = (*SETTLED, e.RefundRequested, e.RefundDispatched, e.RefundAccepted, e.RefundConfirmed)
    facts = lived("pay_1", *events)
    read_side.log.append("pay_1", facts)

    read_side.catch_up(batch)

    causes = {
        row["entry_id"]: type(facts[row["cause_version"] - 1]).__name__
        for row in read_side.rows("select * from entries order by position")
    }
    # A confirmed refund has two entries in a row: the money that left, and the fee that came back.
    assert causes == {
        "pay_1/6": "PaymentCaptured",
        "pay_1/8": "PaymentSettled",
        "pay_1/12": "RefundAccepted",
        "pay_1/14": "RefundConfirmed",
        "pay_1/15": "RefundConfirmed",
    }


async def test_postings_of_a_payment_come_in_the_order_of_its_life(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))
    read_side.catch_up()

    async with read_side.asking() as conn:
        legs = await journal.entries_of_stream(conn, "pay_1")

    assert [leg["rule"] for leg in legs] == ["P1b"] * 3 + ["P2"] * 5
    assert sum(leg["minor"] for leg in legs) == 0


def test_a_reversing_entry_names_the_rule_that_it_takes_back(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID, e.ChargeCancelled))

    read_side.catch_up()

    assert [
        row["reverses"] for row in read_side.rows("select reverses from entries order by position")
    ] == ["", "P1b"]

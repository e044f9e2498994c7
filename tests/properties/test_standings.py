"""Ten thousand pairs of (effective, known) balances of a random history, each against adding everything up."""

import random
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Final, NamedTuple

import pytest

from ledger.events import Metadata, Recorded
from ledger.journal.events import EntryPosted, Leg
from ledger.money import Money
from projections import journal, standings
from support.payment_facts import AT
from support.read_side import ReadSide, open_read_side

ENTRIES: Final = 600
PAIRS: Final = 10_000
ACCOUNTS: Final = ("Assets:A", "Assets:B", "Liabilities:C", "Income:D")
CURRENCIES: Final = ("IDR", "USD")
STEP: Final = 400  # positions from entry to entry, at most: some seven blocks in all
DAYS: Final = 90

Sums = dict[tuple[str, str], tuple[int, int, int]]  # debit, credit, postings


class Posting(NamedTuple):
    position: int
    recorded_at: datetime
    effective_on: date
    account: str
    currency: str
    minor: int


def history(chance: random.Random) -> list[Recorded[EntryPosted]]:
    """Days far back and ahead, and clocks that disagree by minutes."""
    position, now, records = 0, AT, []
    for number in range(ENTRIES):
        position += chance.randint(1, STEP)
        now += timedelta(seconds=chance.randint(0, 120))
        skew = timedelta(seconds=chance.choice((0, 0, 0, -300, 300)))
        records.append(
            Recorded(
                stream=f"pay_{number}",
                version=2,
                event=_entry(chance, now),
                metadata=Metadata(command_id="c", actor="test", recorded_at=now + skew),
                position=position,
            )
        )
    return records


def _entry(chance: random.Random, now: datetime) -> EntryPosted:
    currency, parts = chance.choice(CURRENCIES), chance.randint(1, 3)
    amounts = [chance.randint(-1_000, 1_000) or 1 for _ in range(parts)]
    legs = [
        Leg(account=chance.choice(ACCOUNTS), amount=Money(minor, currency))
        for minor in (*amounts, -sum(amounts) or 0)
    ]
    return EntryPosted(
        rule="P1",
        words="random",
        effective_on=now.date() - timedelta(days=chance.randint(-2, DAYS)),
        legs=tuple(leg for leg in legs if leg.amount),
        occurred_at=now,
    )


def postings(records: list[Recorded[EntryPosted]]) -> list[Posting]:
    return [
        Posting(
            record.position,
            record.metadata.recorded_at,
            record.event.effective_on,
            leg.account,
            leg.amount.currency,
            leg.amount.minor,
        )
        for record in records
        for leg in record.event.legs
    ]


def added_up(known: list[Posting], effective_on: date | None) -> Sums:
    found: dict[tuple[str, str], Counter[str]] = {}
    for one in known:
        if effective_on is None or one.effective_on <= effective_on:
            total = found.setdefault((one.account, one.currency), Counter())
            total["debit" if one.minor > 0 else "credit"] += abs(one.minor)
            total["postings"] += 1
    return {key: (sums["debit"], sums["credit"], sums["postings"]) for key, sums in found.items()}


def known_then(all_of_them: list[Posting], point: int | datetime) -> list[Posting]:
    if isinstance(point, int):
        return [one for one in all_of_them if one.position <= point]
    return list(takewhile(lambda one: one.recorded_at <= point, all_of_them))


def shown(rows: list[dict]) -> Sums:
    assert all(row["balance_minor"] == row["debit_minor"] - row["credit_minor"] for row in rows)
    return {
        (row["account"], row["currency"]): (
            row["debit_minor"],
            row["credit_minor"],
            row["postings"],
        )
        for row in rows
    }


@pytest.fixture
def chance() -> random.Random:
    return random.Random(6)


@pytest.fixture
def records(chance: random.Random) -> list[Recorded[EntryPosted]]:
    return history(chance)


async def test_every_pair_is_the_sum_of_what_counts_and_was_known(
    ledger_database: str, records: list[Recorded[EntryPosted]], chance: random.Random
) -> None:
    entries, head = postings(records), records[-1].position
    assert head >> journal.BLOCK_BITS >= 4
    first, last = min(p.recorded_at for p in entries), max(p.recorded_at for p in entries)
    with open_read_side(ledger_database) as read_side:
        apply(read_side, records, chance)
        async with read_side.asking() as conn:
            for number in range(PAIRS):
                on = AT.date() + timedelta(days=chance.randint(-DAYS - 1, 5))
                effective_on = None if number % 10 == 0 else on
                point: int | datetime = chance.randint(0, head + 10)
                position = point
                if number % 4 == 0:
                    point = first + chance.uniform(-0.01, 1.01) * (last - first)
                    found = await standings.last_known(conn, point)
                    position = head if found is None else found
                known = known_then(entries, point)
                if number % 25 == 0:
                    rows = await standings.trial_balance(conn, effective_on, position)
                    assert shown(rows) == added_up(known, effective_on), (effective_on, point)
                else:
                    name = chance.choice(ACCOUNTS)
                    rows = await standings.account(conn, name, effective_on, position)
                    own = [one for one in known if one.account == name]
                    assert shown(rows) == added_up(own, effective_on), (name, effective_on, point)


def apply(read_side: ReadSide, records: list[Recorded[EntryPosted]], chance: random.Random) -> None:
    """In batches of any size."""
    rest = records
    while rest:
        size = chance.randint(1, 40)
        batch, rest = rest[:size], rest[size:]
        with read_side.connection.transaction(), read_side.connection.cursor() as cursor:
            journal.apply(batch, cursor)

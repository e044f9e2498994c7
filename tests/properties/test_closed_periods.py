"""Once a period is closed, no balance for any of its days changes, whatever is recorded afterwards."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest

from ledger.journal.events import EntryPosted, Leg, PeriodClosed
from ledger.journal.period import PeriodAlreadyClosed, last_day
from ledger.journal.service import PeriodService
from ledger.money import Money
from projections import standings
from projections.exporting import export
from support.log_rows import SCHEMA
from support.read_side import ReadSide, open_read_side
from support.stores import open_store

MONTHS: Final = ("2026-09", "2026-10", "2026-11")
BEGAN: Final = date(2026, 9, 1)


def posted(chance: random.Random, now: datetime) -> EntryPosted:
    """Of today or of long ago."""
    amount = chance.randint(1, 100_000)
    return EntryPosted(
        rule="P1",
        words="any",
        effective_on=max(BEGAN, now.date() - timedelta(days=chance.choice((0, 0, 1, 20, 70)))),
        legs=(
            Leg(account="Assets:Gateway:Midtrans:Pending", amount=Money(amount)),
            Leg(account="Income:Sales:General", amount=Money(-amount)),
        ),
        occurred_at=now,
    )


def write(read_side: ReadSide, seed: int) -> dict[str, int]:
    """Four months with entries every day, each month closed some days after its end; the positions of
    the closings.
    """
    chance, closings = random.Random(seed), {}
    closes = {last_day(month) + timedelta(days=3 + n): month for n, month in enumerate(MONTHS)}
    for day in range(115):
        now = datetime.combine(BEGAN + timedelta(days=day), datetime.min.time(), UTC)
        read_side.log.append(
            f"pay_{day}", [posted(chance, now) for _ in range(chance.randint(1, 4))]
        )
        if month := closes.get(now.date()):
            closed = PeriodClosed(
                occurred_at=now, period=month, until=last_day(month), by="ana", reason="final"
            )
            read_side.log.append(f"period-{month}", [closed])
            closings[month] = read_side.log.position
    return closings


@pytest.mark.parametrize("batch", [1, 7, 5_000])
async def test_the_books_of_a_closed_period_are_final(ledger_database: str, batch: int) -> None:
    with open_read_side(ledger_database) as read_side:
        closings = write(read_side, seed=batch)
        read_side.catch_up(batch)
        head = read_side.log.position
        late = read_side.rows("select * from entries where original_on is not null")
        assert len(late) > 20
        assert {row["effective_on"].day for row in late} == {1}
        async with read_side.asking() as conn:
            for month, position in closings.items():
                for back in range(0, 40, 3):
                    on = last_day(month) - timedelta(days=back)
                    then = await standings.trial_balance(conn, on, position)
                    assert await standings.trial_balance(conn, on, head) == then, (month, on)
            whole = await standings.trial_balance(conn, None, head)
        sums = read_side.rows("select account, balance_minor from balances order by account")
        assert [(r["account"], r["balance_minor"]) for r in whole] == [
            (r["account"], r["balance_minor"]) for r in sums
        ]


def test_an_export_is_of_the_same_days(ledger_database: str) -> None:
    with open_read_side(ledger_database) as read_side:
        write(read_side, seed=3)
        read_side.catch_up()
        entries = read_side.rows("select * from entries order by position")
        for after in (0, entries[len(entries) // 2]["position"]):
            pieces: list[bytes] = []
            export(ledger_database, SCHEMA, pieces.append, format="beancount", after=after)
            lines = b"".join(pieces).decode().splitlines()
            shown = [line[:10] for line in lines if " * " in line]
            kept = [row for row in entries if row["position"] > after]
            assert shown == [row["effective_on"].isoformat() for row in kept]
            original = [line.split('"')[1] for line in lines if line.startswith("  original:")]
            assert original == [str(row["original_on"]) for row in kept if row["original_on"]]


async def test_of_two_who_close_a_month_one_does(ledger_database: str) -> None:
    def now() -> datetime:
        return datetime(2026, 12, 2, tzinfo=UTC)

    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        closed = await PeriodService(store=one.store, now=now).close("2026-11", "ana", "final")
        with pytest.raises(PeriodAlreadyClosed):
            await PeriodService(store=other.store, now=now).close("2026-11", "budi", "final")

        (recorded,) = await other.store.history("period-2026-11")
        assert recorded.event == closed
        assert (recorded.metadata.actor, recorded.metadata.reason) == ("ana", "final")

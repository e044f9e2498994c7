"""Balances by two times: what an account with a million postings held for any day, as known at any point.

The journal's rows are made by PostgreSQL itself. In one history entries are effective when they are
recorded, but for a twentieth that comes late; in the other each is of any day of a thousand, as after
years were imported in no order: then most sums are of few postings.
"""

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.rows import dict_row

from benchmarks.history import BY_DAY, READ
from benchmarks.measuring import Figure, Sample, Slot, interleaved, sample
from benchmarks.processes import Loader, closed_loop, loader
from benchmarks.stage import SCHEMA, Stage
from ledger.eventstore.connections import conninfo_for
from projections import balances, standings
from projections.journal import BLOCK_BITS

POSTINGS: Final = 1_000_000
APART: Final = (
    4  # positions from one entry of the account to the next, as of payments with eight events
)
DAYS: Final = 1_000
BEGAN: Final = datetime(2024, 3, 1, tzinfo=UTC)
ACCOUNT: Final = "Assets:Gateway:Midtrans:Available"
ENOUGH_SECONDS: Final = 1.0  # of a question that takes milliseconds
CURRENT_BAR: Final = 5.0  # ms
PAIR_BAR: Final = 50.0

FILL: Final = (
    """
insert into entries
select 'pay_' || n || '/6', n * %(apart)s, 'pay_' || n, 'P2', 'Settled net of fee', on_day, null, at, at, 5, ''
from made
""",
    """
insert into legs
select 'pay_' || n || '/6', leg, case leg when 1 then %(account)s else 'Income:Sales:P' || n %% 20 end,
    case leg when 1 then 1 else -1 end * (1 + n %% 9973), 'IDR', n * %(apart)s, on_day
from made cross join generate_series(1, 2) as leg
order by n, leg
""",
    """
insert into balances
select account, currency, sum(minor), sum(greatest(minor, 0)), sum(greatest(-minor, 0)), count(*), max(position)
from legs group by 1, 2
""",
)
MADE: Final = """
create temporary table made as
select n, %(began)s::timestamptz + n * (%(days)s * interval '1 day' / %(postings)s) as at,
    (%(began)s::date + (n::bigint * %(days)s / %(postings)s)::int
        - case when n %% 20 = 0 then (n %% 61)::int else 0 end) as on_day
from generate_series(1, %(postings)s) as n
"""
ANY_DAY: Final = "update made set on_day = %(began)s::date + (n::bigint * 7919 %% %(days)s)::int"


class Asking(NamedTuple):
    conn: psycopg.AsyncConnection[Any]
    chance: random.Random

    def day(self) -> date:
        return BEGAN.date() + timedelta(days=self.chance.randrange(DAYS))

    def moment(self) -> datetime:
        return BEGAN + timedelta(days=self.chance.uniform(0, DAYS - 1))

    def position(self) -> int:
        return self.chance.randint(1, POSTINGS * APART)


@asynccontextmanager
async def asking(conninfo: str) -> AsyncIterator[Asking]:
    app = conninfo_for(conninfo, SCHEMA, "app")
    async with await psycopg.AsyncConnection.connect(
        app, autocommit=True, row_factory=dict_row
    ) as conn:
        yield Asking(conn, random.Random(5))


async def _by_moment(asked: Asking) -> list[dict[str, Any]]:
    known = await standings.last_known(asked.conn, asked.moment())
    return await standings.account(asked.conn, ACCOUNT, asked.day(), known or POSTINGS * APART)


Question = Callable[[Asking], Awaitable[Any]]

# fmt: off
QUESTIONS: Final[dict[str, tuple[Question, float | None]]] = {
    "balance now": (lambda a: balances.account(a.conn, ACCOUNT), CURRENT_BAR),
    "balance for a day, known at a position":
        (lambda a: standings.account(a.conn, ACCOUNT, a.day(), a.position()), PAIR_BAR),
    "balance for a day, known at a moment": (_by_moment, PAIR_BAR),
    "balance for a day, known today":
        (lambda a: standings.account(a.conn, ACCOUNT, a.day(), POSTINGS * APART), PAIR_BAR),
    "trial balance for a day, known at a position":
        (lambda a: standings.trial_balance(a.conn, a.day(), a.position()), None),
}
# fmt: on


def measure(stage: Stage, rounds: int, seconds: float) -> list[Figure]:
    histories = {"in order": False, "of any day": True}
    figures = []
    for name, any_day in histories.items():
        conninfo = stage.fresh_database(name.replace(" ", "_"))
        sums = _fill(conninfo, any_day=any_day)
        with loader(asking, conninfo) as one:
            found = interleaved({asked: _slot(one, asked, seconds) for asked in QUESTIONS}, rounds)
        figures += [
            Figure(
                name=f"{asked}, entries {name}",
                clients=1,
                kind="p99",
                ours=found[asked],
                bar=bar,
                notes={"postings": POSTINGS, "daily_sums": sums},
            )
            for asked, (_, bar) in QUESTIONS.items()
        ]
    return figures


def _slot(one: Loader, asked: str, seconds: float) -> Slot:
    return partial(one.run, ask, asked, min(seconds, ENOUGH_SECONDS))


async def ask(opened: Asking, name: str, seconds: float) -> Sample:
    question, _ = QUESTIONS[name]

    async def once(_: int) -> float:
        asked = time.perf_counter()
        await question(opened)
        return time.perf_counter() - asked

    return sample(*await closed_loop(once, 1, seconds))


def _fill(conninfo: str, *, any_day: bool) -> int:
    """The sums of the account that there are in the end."""
    values = {
        "apart": APART,
        "account": ACCOUNT,
        "began": BEGAN,
        "days": DAYS,
        "postings": POSTINGS,
        "bits": BLOCK_BITS,
    }
    with psycopg.ClientCursor(psycopg.connect(conninfo, autocommit=True)) as cursor:
        cursor.execute(f'set search_path = "{READ}", "{SCHEMA}"')
        for statement in (MADE, *([ANY_DAY] if any_day else []), *FILL, *BY_DAY):
            cursor.execute(statement, values)
        cursor.execute("vacuum (analyze)")
        cursor.execute("select count(*) from daily_sums where account = %(account)s", values)
        row = cursor.fetchone()
        cursor.connection.close()
        return int(row[0]) if row else 0

"""What is asked of a ledger of any size: the questions of the API and of a command, each about a
payment, a customer or a time chosen at random.
"""

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sized
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.rows import dict_row

from benchmarks.history import History
from benchmarks.measuring import Sample, sample
from benchmarks.processes import closed_loop
from benchmarks.stage import SCHEMA
from ledger.eventstore.connections import conninfo_for
from ledger.eventstore.store import EventStore
from ledger.payments.deciding import BOOKED_PAYMENT
from projections import balances, journal, payment_events, payments
from projections.freshness import freshness
from projections.payments import PaymentFilter
from support.stores import open_store

LIMIT: Final = 20
WARM: Final = 100  # payments that stay in the cache
NEW: Final = 1_000  # payments that came in last
IN_RANGE: Final = 200  # payments between the two ends of a range
BANK: Final = "Assets:Gateway:Midtrans:Available"


class Desk(NamedTuple):
    """`conn` is as the API's readers have it."""

    store: EventStore
    conn: psycopg.AsyncConnection[Any]
    history: History
    chance: random.Random

    def number(self, of: int | None = None) -> int:
        return self.chance.randrange(of or self.history.payments)

    def payment(self) -> str:
        return self.history.payment_id(self.number())

    async def page(self, after: int | None = None, **wanted: Any) -> Sized:
        place = None if after is None else (after,)
        return await payments.page(self.conn, PaymentFilter(**wanted), place, LIMIT)


@asynccontextmanager
async def desk(conninfo: str, history: History) -> AsyncIterator[Desk]:
    app = conninfo_for(conninfo, SCHEMA, "app")
    async with (
        open_store(conninfo) as opened,
        await psycopg.AsyncConnection.connect(app, autocommit=True, row_factory=dict_row) as conn,
    ):
        yield Desk(opened.store, conn, history, random.Random(7))


async def _cold(desk: Desk) -> Sized:
    """As if this process had never seen it."""
    desk.store._cache.clear()
    loaded = await desk.store.load(BOOKED_PAYMENT, desk.payment())
    return range(loaded.version)


async def _new(desk: Desk) -> Sized:
    """As another process does with a payment that has just come in."""
    desk.store._cache.clear()
    newest = desk.history.payments - 1 - desk.number(min(NEW, desk.history.payments))
    return range((await desk.store.load(BOOKED_PAYMENT, desk.history.payment_id(newest))).version)


async def _warm(desk: Desk) -> Sized:
    payment_id = desk.history.payment_id(desk.number(WARM))
    return range((await desk.store.load(BOOKED_PAYMENT, payment_id)).version)


async def _row(desk: Desk) -> Sized:
    cursor = desk.conn.cursor()
    return await (await cursor.execute(payments.SQL["load"], ([desk.payment()],))).fetchall()


async def _created(desk: Desk) -> Sized:
    first = desk.number(desk.history.payments - IN_RANGE)
    began, ends = desk.history.began(first), desk.history.began(first + IN_RANGE)
    return await desk.page(created_from=began, created_to=ends + timedelta(seconds=1))


async def _entries(desk: Desk, after: int | None = None) -> Sized:
    return await journal.entries_of(desk.conn, BANK, after and (after, 1), LIMIT)


def _deep(desk: Desk) -> int:
    """A position around the middle of the log."""
    return desk.history.events // 2 + desk.number(desk.history.events // 4)


Question = Callable[[Desk], Awaitable[Sized]]

# fmt: off
QUESTIONS: Final[dict[str, Question]] = {
    "load a payment, nothing remembered":  _cold,
    "load a new payment, nothing remembered": _new,
    "load a payment, remembered (GET)":    _warm,
    "row of a payment":                    _row,
    "events of a payment":                 lambda d: payment_events.of(d.conn, d.payment(), 0, 100),
    "postings of a settled payment":       lambda d: journal.entries_of_stream(d.conn, _settled(d)),
    "balance of an account":               lambda d: balances.account(d.conn, BANK),
    "freshness":                           lambda d: freshness(d.conn),
    "list: newest":                        lambda d: d.page(),
    "list: settled":                       lambda d: d.page(status="settled"),
    "list: expired, one in eleven":        lambda d: d.page(status="expired"),
    "list: by method":                     lambda d: d.page(method="shopeepay"),
    "list: by customer":                   lambda d: d.page(customer_id=d.history.customer(d.number())),
    "list: by order":                      lambda d: d.page(order_reference=d.history.order(d.number())),
    "list: created in a range":            _created,
    "list: deep page":                     lambda d: d.page(after=_deep(d)),
    "list: deep page of a status":         lambda d: d.page(after=_deep(d), status="expired"),
    "postings of an account":              _entries,
    "postings of an account, deep page":   lambda d: _entries(d, _deep(d)),
}
# fmt: on


def _settled(desk: Desk) -> str:
    """The first life of every hundred is a settled one."""
    return desk.history.payment_id(desk.number(desk.history.payments // 100) * 100)


async def ask(opened: Desk, name: str, seconds: float) -> Sample:
    """One caller, again and again."""

    async def once(_: int) -> float:
        asked = time.perf_counter()
        if not len(await QUESTIONS[name](opened)):
            raise RuntimeError(f"{name}: nothing was found")
        return time.perf_counter() - asked

    return sample(*await closed_loop(once, 1, seconds))

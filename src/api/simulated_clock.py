"""A clock for a whole database: every process of it lives by the time that one row says.

Only a database that was made with BUKUBESAR_SIMULATED_CLOCK has the row, and none that has it may be
used with an account at the gateway where money is real. From then on the database says it, so that
no process of it, not even a tool, can live by another time than the rest.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import psycopg
import structlog
from psycopg import sql
from psycopg.rows import tuple_row

from ledger import clock
from ledger.errors import LedgerError
from ledger.eventstore.connections import AWAY, Readers
from ledger.eventstore.group_call import Connect
from ledger.settings import MidtransSettings, Settings

MIGRATION: Final = Path(__file__).with_suffix(".sql")
POLL_SECONDS: Final = 1.0  # the guarantee; NOTIFY makes it milliseconds
AWAY_SECONDS: Final = 0.5
CLOSED_WITHIN_SECONDS: Final = 2.0

IS_THERE: Final = "select to_regclass('simulated_clock') is not null as there"
READ: Final = "select ahead, frozen_at from simulated_clock"
WRITE: Final = "update simulated_clock set ahead = %s, frozen_at = %s, changed_by = %s"

log = structlog.get_logger(__name__)


class ClockIsReal(LedgerError):
    code = "clock_is_real"
    title = "This database was made to live by real time, and does so for good."


class ClockNotForRealMoney(LedgerError):
    code = "clock_not_for_real_money"
    title = "A database with a simulated clock never meets an account with real money."


class Hands(NamedTuple):
    """What the row says."""

    ahead: timedelta = timedelta()
    frozen_at: datetime | None = None

    @property
    def now(self) -> datetime:
        return self.frozen_at or clock.real_now() + self.ahead

    @classmethod
    def at(cls, moment: datetime, *, frozen: bool) -> "Hands":
        return cls(moment - clock.real_now(), moment if frozen else None)


class SimulatedClock:
    """As the row says; a change by any process is known to all of them in less than 100 ms."""

    def __init__(self, connect: Connect, schema: str) -> None:
        self._connect = connect
        self._channel = sql.Identifier(f"{schema}_clock")
        self._following: asyncio.Task[None] | None = None
        self.hands = Hands()

    def now(self) -> datetime:
        return self.hands.now

    async def open(self) -> None:
        async with await self._connect() as conn:
            self.hands = await _read(conn)
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        if self._following:
            self._following.cancel()
            # A server that has frozen would let us wait for ever.
            await asyncio.wait({self._following}, timeout=CLOSED_WITHIN_SECONDS)

    async def set(self, hands: Hands, by: str) -> None:
        async with await self._connect() as conn, conn.transaction():
            await conn.execute(WRITE, [hands.ahead, hands.frozen_at, by])
            await conn.execute(sql.SQL("notify {}").format(self._channel))
        self.hands = hands
        log.info("clock.set", now=hands.now.isoformat(), frozen=bool(hands.frozen_at), by=by)

    async def _follow(self) -> None:
        """While PostgreSQL is away, time goes on as it did."""
        while True:
            with suppress(*AWAY):
                async with await self._connect() as conn:
                    await conn.execute(sql.SQL("listen {}").format(self._channel))
                    while True:
                        self.hands = await _read(conn)
                        async for _ in conn.notifies(timeout=POLL_SECONDS, stop_after=1):
                            pass
            await asyncio.sleep(AWAY_SECONDS)


async def _read(conn: psycopg.AsyncConnection[Any]) -> Hands:
    cursor = conn.cursor(row_factory=tuple_row)
    row = await (await cursor.execute(READ)).fetchone()
    return Hands(*row) if row else Hands()


@asynccontextmanager
async def living_by(
    settings: Settings, readers: Readers, calls: Connect
) -> AsyncIterator[SimulatedClock | None]:
    """This process lives by the clock of its database; None where that is the machine's."""
    async with readers.connection() as conn:
        row = await (await conn.execute(IS_THERE)).fetchone()
    if not _is_simulated(settings, there=bool(row and row["there"])):
        yield None
        return
    simulated = SimulatedClock(calls, settings.database_schema)
    await simulated.open()
    try:
        with clock.using(simulated.now):
            yield simulated
    finally:
        await simulated.close()


def check_clock(settings: Settings) -> None:
    """Before a process begins; raises ClockIsReal or ClockNotForRealMoney."""
    with psycopg.connect(settings.database_url.get_secret_value(), connect_timeout=10) as db:
        _is_simulated(settings, there=_has_clock(db, settings))


def migrations(settings: Settings) -> tuple[Path, ...]:
    """Before a database is migrated; raises ClockIsReal where a log has begun by real time."""
    if not settings.simulated_clock:
        return ()
    _refuse_real_money(settings.midtrans)
    with psycopg.connect(settings.database_url.get_secret_value(), connect_timeout=10) as db:
        if _has_events(db, settings.database_schema) and not _has_clock(db, settings):
            raise ClockIsReal("The log has begun already; a simulated clock needs a new database.")
    return (MIGRATION,)


def _is_simulated(settings: Settings, *, there: bool) -> bool:
    if there:
        _refuse_real_money(settings.midtrans)
    elif settings.simulated_clock:
        raise ClockIsReal(
            "Run `bukubesar migrate` with BUKUBESAR_SIMULATED_CLOCK on a new database."
        )
    return there


def _refuse_real_money(account: MidtransSettings) -> None:
    if is_real(account):
        raise ClockNotForRealMoney(
            "Give a sandbox key, or the local simulator's, and its addresses."
        )


def is_real(account: MidtransSettings) -> bool:
    """By its key or by either address (midtrans.md 1): sandbox keys begin with `SB-`."""
    key = account.server_key.get_secret_value()
    hosts = [urlsplit(url).hostname or "" for url in (account.core_url, account.snap_url)]
    return bool(key and not key.startswith("SB-")) or any(map(_is_production, hosts))


def _is_production(host: str) -> bool:
    midtrans = f".{host}".endswith(".midtrans.com")
    return midtrans and not host.endswith(".sandbox.midtrans.com")


def _has_events(db: psycopg.Connection[Any], schema: str) -> bool:
    return _exists(db, schema, "events") and _has_rows(db, sql.Identifier(schema, "events"))


def _has_clock(db: psycopg.Connection[Any], settings: Settings) -> bool:
    return _exists(db, settings.database_schema, "simulated_clock")


def _exists(db: psycopg.Connection[Any], schema: str, table: str) -> bool:
    row = db.execute("select to_regclass(%s) is not null", [f"{schema}.{table}"]).fetchone()
    return bool(row and row[0])


def _has_rows(db: psycopg.Connection[Any], table: sql.Identifier) -> bool:
    return bool(db.execute(sql.SQL("select 1 from {} limit 1").format(table)).fetchone())

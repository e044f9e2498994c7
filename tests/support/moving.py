"""A whole running system whose time a test moves: its database, API and workers live by one simulated
clock, and its own simulator of Midtrans comes along.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api import simulated_clock
from api.clock_travel import Traveller
from api.gateway_clock import gateway_clock
from api.wiring import MIGRATIONS
from ledger import clock
from ledger.eventstore.migrate import migrate
from projections.layout import lay_out
from support.customer import Caller, Gateway
from support.databases import copied
from support.market import Market
from support.running import SCHEMA, Running, running, simulator

BEGIN = datetime(2027, 1, 31, 3, 0, tzinfo=UTC)  # ten in the morning in Jakarta


@dataclass
class Moving:
    system: Running
    gateway: Gateway
    shop: Caller
    _traveller: Traveller

    @property
    def now(self) -> datetime:
        return clock.now()

    async def to(self, moment: datetime, stride_days: float = 0) -> None:
        """As time would pass, from one moment at which something is due to the next; with a stride,
        what is due within it is done at its end.
        """
        await self._traveller.advance(moment, timedelta(days=stride_days))

    async def pass_by(self, *, stride_days: float = 0, **time: float) -> None:
        await self.to(self.now + timedelta(**time), stride_days)

    async def leap(self, moment: datetime, *, back: bool = False) -> None:
        """At once, as if nothing had run meanwhile."""
        await self._traveller.set(moment, back=back)
        await self.rest()

    async def rest(self) -> None:
        """Until nothing is left to do at this moment."""
        await self._traveller.run_until_idle()


@asynccontextmanager
async def moving(database: str, *, workers: int = 1, **changes: Any) -> AsyncIterator[Moving]:
    """Frozen at BEGIN."""
    with simulator() as place:
        outside = Gateway(*place)
        settings = {"simulated_clock": True, **changes}
        async with (
            running(database, outside, workers=workers, **settings) as system,
            gateway_clock(outside.url) as theirs,
        ):
            traveller = Traveller(system.wired, theirs)
            await traveller.set(BEGIN, frozen=True)
            yield Moving(system, outside, await system.caller("admin"), traveller)
        await outside.close()


_LAID_OUT = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def laid_out_with_clock(request: pytest.FixtureRequest, server: str) -> str:
    """As `template`, with a clock of its own."""
    stash = request.config.stash
    if _LAID_OUT not in stash:
        name = "laid_out_with_clock"
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute(f'create database "{name}"')
        conninfo = make_conninfo(server, dbname=name)
        migrate(conninfo, SCHEMA, (*MIGRATIONS, simulated_clock.MIGRATION))
        lay_out(conninfo, SCHEMA)
        stash[_LAID_OUT] = name
    return stash[_LAID_OUT]


@pytest.fixture
def database_with_clock(
    new_database: Callable[[str], str], laid_out_with_clock: str
) -> Iterator[str]:
    yield new_database(laid_out_with_clock)


@pytest.fixture(scope="module")
def shared_database_with_clock(server: str, laid_out_with_clock: str) -> Iterator[str]:
    """For modules whose tests leave nothing behind that another one could see."""
    with copied(server, laid_out_with_clock) as database:
        yield database


@pytest.fixture
async def market(life: Moving) -> Market:
    return Market(life.shop, life.gateway)


@pytest.fixture
async def life(database_with_clock: str) -> AsyncIterator[Moving]:
    async with moving(database_with_clock) as moved:
        yield moved

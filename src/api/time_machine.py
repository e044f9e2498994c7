"""Months in seconds: worker, read models and time driven by hand, in one process.

The same Worker, Claims and Follower as everywhere; only nobody waits. Time stands still while
everything that is due is done, and then goes on to the next moment at which something falls due.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from api.idleness import next_moment
from api.simulated_clock import Hands
from api.wiring import Wiring
from api.worker import Worker
from ledger import clock
from projections import GROUPS
from projections.engine import log
from projections.engine.follower import Connection, Follower

# Called at each stop: people and banks act. They may say when they want to be called at the latest.
Outside = Callable[[datetime], Awaitable[datetime | None]]

MOST_TURNS: Final = 10_000  # at one stop; what is to be done anew waits for a later one


class NeverIdle(RuntimeError):
    """Work begets work without any time going by."""


async def nobody(_: datetime) -> datetime | None:
    return None


class TimeMachine:
    def __init__(self, wired: Wiring, begins: datetime) -> None:
        self.now = begins
        self.stops = 0
        self._wired = wired
        self._worker = Worker(wired)
        self._read_models = ReadModels(wired)

    def time(self) -> datetime:
        return self.now

    async def advance(
        self, to: datetime, outside: Outside = nobody, stride: timedelta = timedelta()
    ) -> None:
        """As time would pass. With a stride, what falls due within one is done at its end."""
        while True:
            moments = [await self._stop(outside), await self._next(), to]
            if self.now >= to:
                return
            soonest = min(moment for moment in moments if moment and moment > self.now)
            self.now = min(to, max(soonest, self.now + stride))

    async def leap(self, to: datetime) -> None:
        """At once, as if nothing had run meanwhile; also back."""
        self.now = to
        await self.run_until_idle()

    async def run_until_idle(self) -> None:
        """All that is due now, and what comes of it."""
        for _ in range(MOST_TURNS):
            self._read_models.follow()
            if not await self._worker.turn():
                return
        raise NeverIdle(f"{MOST_TURNS} turns at {self.now}")

    async def _stop(self, outside: Outside) -> datetime | None:
        self.stops += 1
        await self.run_until_idle()
        wanted = await outside(self.now)
        await self.run_until_idle()
        return wanted

    async def _next(self) -> datetime | None:
        async with self._wired.readers.connection() as conn:
            return await next_moment(conn, self.now)

    def close(self) -> None:
        self._read_models.close()


class ReadModels:
    """Brought to the head of the log where one stands, without a thread and without waiting."""

    def __init__(self, wired: Wiring) -> None:
        settings = wired.settings
        conninfo, schema = settings.database_url.get_secret_value(), settings.database_schema
        self._followers = [Follower(conninfo, schema, *group) for group in GROUPS.items()]
        self._connections = ExitStack()
        self._pairs: list[tuple[Follower, Connection]] = [
            (follower, self._connections.enter_context(follower.connect()))
            for follower in self._followers
        ]

    def follow(self) -> None:
        """Raises EventNotApplied."""
        with self._pairs[0][1].cursor() as cursor:
            head = log.head(cursor)
        for follower, connection in self._pairs:
            if follower.position < head:
                follower.catch_up(connection)

    def close(self) -> None:
        self._connections.close()


@asynccontextmanager
async def time_machine(wired: Wiring, begins: datetime | None = None) -> AsyncIterator[TimeMachine]:
    """This process lives by its time; at the end, so does whoever else lives by the database's."""
    machine = TimeMachine(wired, begins or clock.now())
    try:
        with clock.using(machine.time):
            yield machine
    finally:
        machine.close()
        if wired.simulated_clock:
            await wired.simulated_clock.set(Hands.at(machine.now, frozen=True), by="time machine")

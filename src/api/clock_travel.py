"""Moving the clock of a whole running system: the gateway's simulator, API and workers.

The world outside moves first, and tells of it when we have come along: what happens there has happened
when we learn of it, and we learn of it at the time at which it did. Between two moments at which
something falls due nothing can happen, so time goes from one to the next, and stands still until all
that was due is done.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from api.gateway_clock import GatewayClock, gateway_clock
from api.idleness import Standing, next_moment, standing
from api.simulated_clock import ClockIsReal, Hands, SimulatedClock
from api.tools import operator
from api.wiring import Wiring, open_wiring
from ledger import clock
from ledger.errors import Rejected, Unavailable
from ledger.settings import Settings

LOOK_SECONDS: Final = 0.05
LOOKS: Final = 2  # in a row that find nothing: a notice may be between the gateway and us

Tell = Callable[[str], None]


class TimeGoesForward(Rejected):
    code = "time_goes_forward"
    title = "The clock is only set back when that is asked for."


class NotIdle(Unavailable):
    code = "not_idle"
    title = "There is still something to do at this moment; does a worker run?"


class Traveller:
    def __init__(
        self,
        wired: Wiring,
        gateway: GatewayClock | None,
        tell: Tell = lambda _: None,
        within_seconds: float = 60.0,
    ) -> None:
        """`within_seconds`: how long one stop may take before NotIdle."""
        if wired.simulated_clock is None:
            raise ClockIsReal
        self.clock: SimulatedClock = wired.simulated_clock
        self.gateway = gateway
        self.stops = 0
        self._wired = wired
        self._tell = tell
        self._within_seconds = within_seconds

    @property
    def is_frozen(self) -> bool:
        return self.clock.hands.frozen_at is not None

    async def set(
        self, moment: datetime, *, frozen: bool | None = None, back: bool = False
    ) -> None:
        """At once. Raises TimeGoesForward; `frozen` None: as it is."""
        frozen = self.is_frozen if frozen is None else frozen
        if moment < self.clock.now() and not back:
            raise TimeGoesForward(f"It is {clock.in_wib(self.clock.now())} already.")
        ahead = self.gateway.ahead(moment, frozen=frozen) if self.gateway else nullcontext()
        async with ahead:
            await self.clock.set(Hands.at(moment, frozen=frozen), by=operator())

    async def stand_still(self, frozen: bool) -> None:
        """Or run on, from where it stands."""
        await self.set(self.clock.now(), frozen=frozen, back=True)

    async def advance(self, to: datetime, stride: timedelta = timedelta()) -> None:
        """As time would pass. With a stride, what falls due within one is done at its end."""
        ran = not self.is_frozen
        await self.stand_still(True)
        try:
            await self._stop()
            while (now := self.clock.now()) < to:
                moments = [moment for moment in await self._next(now) if moment > now]
                await self.set(min(to, max(min([to, *moments]), now + stride)))
                await self._stop()
        finally:
            if ran:
                await self.stand_still(False)

    async def run_until_idle(self) -> None:
        """Raises NotIdle."""
        until, looks, left = clock.monotonic_seconds() + self._within_seconds, 0, Standing()
        while looks < LOOKS:
            left = await self._left()
            looks = looks + 1 if left.idle else 0
            if clock.monotonic_seconds() > until:
                raise NotIdle(f"At {clock.in_wib(clock.now())} there is still: {left.words}.")
            self._tell(f"{clock.in_wib(clock.now())}: {left.words}")
            await asyncio.sleep(LOOK_SECONDS)

    async def _stop(self) -> None:
        self.stops += 1
        await self.run_until_idle()

    async def _left(self) -> Standing:
        """The gateway first: what leaves it has not arrived with us."""
        sent = (await self.gateway.read()).notices_under_way if self.gateway else 0
        async with self._wired.readers.connection() as conn:
            left = await standing(conn, self.clock.now())
        return replace(left, notices=left.notices + sent)

    async def _next(self, now: datetime) -> list[datetime]:
        async with self._wired.readers.connection() as conn:
            ours = await next_moment(conn, now)
        theirs = (await self.gateway.read()).next if self.gateway else None
        return [moment for moment in (ours, theirs) if moment]


@asynccontextmanager
async def traveller(
    settings: Settings, tell: Tell = lambda _: None, within_seconds: float = 60.0
) -> AsyncIterator[Traveller]:
    """Raises ClockIsReal."""
    async with (
        open_wiring(settings, "tool") as wired,
        gateway_clock(settings.midtrans.core_url) as gateway,
    ):
        yield Traveller(wired, gateway, tell, within_seconds)

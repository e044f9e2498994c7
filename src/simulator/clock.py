"""The simulated clock, in Jakarta time, and the agenda of what happens when it strikes."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from heapq import heappop, heappush
from itertools import count

import structlog

WIB = timezone(timedelta(hours=7), "WIB")
log = structlog.get_logger()


def wib(moment: datetime) -> str:
    """As Midtrans writes times: Jakarta time without an offset (midtrans.md 14)."""
    return moment.astimezone(WIB).strftime("%Y-%m-%d %H:%M:%S")


class Clock:
    """Real time plus an offset that can only grow."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(WIB) + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += timedelta(seconds=max(0.0, seconds))


class Agenda:
    """Acts in order of their due time. An act checks for itself whether it still applies."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._serial = count()

    def at(self, due: datetime, act: Callable[[], None]) -> None:
        heappush(self._due, (due, next(self._serial), act))

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.at(self._clock.now() + timedelta(seconds=seconds), act)

    def run_due(self) -> None:
        """Called before every answer too, so nobody reads a state that the clock has ended."""
        while self._due and self._due[0][0] <= self._clock.now():
            heappop(self._due)[2]()

    async def run_forever(self, tick_seconds: float) -> None:
        while True:
            await asyncio.sleep(self._pause(tick_seconds))
            try:
                self.run_due()
            except Exception:
                log.exception("agenda.act_failed")

    def _pause(self, tick_seconds: float) -> float:
        if not self._due:
            return tick_seconds
        return min(tick_seconds, max(0.0, (self._due[0][0] - self._clock.now()).total_seconds()))

"""The simulated clock, in Jakarta time, and the agenda of what happens when it strikes."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from heapq import heappop, heappush
from itertools import count

import structlog

WIB = timezone(timedelta(hours=7), "WIB")
log = structlog.get_logger()


def wib(moment: datetime) -> str:
    """As Midtrans writes times: Jakarta time without an offset (midtrans.md 14)."""
    return moment.astimezone(WIB).strftime("%Y-%m-%d %H:%M:%S")


def moment(text: str) -> datetime:
    """A time as people and Midtrans write it; in Jakarta when it does not say where."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=WIB)


class Clock:
    """Real time plus an offset that can only grow; or, while it is frozen, one moment."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self._frozen_at: datetime | None = None
        self._acting_at: datetime | None = None

    @property
    def frozen(self) -> bool:
        return self._frozen_at is not None

    def now(self) -> datetime:
        return self._acting_at or self._frozen_at or datetime.now(WIB) + self.offset

    @contextmanager
    def acting_at(self, due: datetime) -> Iterator[None]:
        """What was due an hour ago happened an hour ago, however far the clock leapt."""
        self._acting_at = due
        try:
            yield
        finally:
            self._acting_at = None

    def advance(self, seconds: float) -> None:
        step = timedelta(seconds=max(0.0, seconds))
        self.offset += step
        if self._frozen_at:
            self._frozen_at += step

    def set(self, moment: datetime) -> None:
        """To any moment. Whether it may go back is for the caller to know: what is planned stays
        planned for when it was planned.
        """
        self.offset = moment - datetime.now(WIB)
        if self._frozen_at:
            self._frozen_at = moment.astimezone(WIB)

    def freeze(self) -> None:
        self._frozen_at = self.now()

    def thaw(self) -> None:
        """Goes on from the moment it stood at."""
        if self._frozen_at:
            moment, self._frozen_at = self._frozen_at, None
            self.set(moment)


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

    @property
    def next_due(self) -> datetime | None:
        """When it has to act next, or at least to look whether it still has to."""
        return self._due[0][0] if self._due else None

    def run_due(self) -> None:
        """Called before every answer too, so nobody reads a state that the clock has ended."""
        while self._due and self._due[0][0] <= self._clock.now():
            due, _, act = heappop(self._due)
            with self._clock.acting_at(due):
                act()

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

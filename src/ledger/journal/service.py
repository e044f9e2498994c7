"""Periods in the log. The only file of this area that does I/O."""

from dataclasses import dataclass

from ledger import clock
from ledger.clock import Clock
from ledger.eventstore.store import Context, EventStore
from ledger.identity import new_id
from ledger.journal.events import PeriodClosed
from ledger.journal.period import PERIOD, ClosePeriod, stream_of


@dataclass(frozen=True, kw_only=True)
class PeriodService:
    store: EventStore
    now: Clock = clock.now

    async def close(self, period: str, by: str, reason: str) -> PeriodClosed:
        """Raises PeriodMalformed, PeriodNotOver, PeriodAlreadyClosed."""
        command = ClosePeriod(now=self.now(), period=period, by=by, reason=reason)
        context = Context(command_id=new_id("cmd"), actor=by, reason=reason)
        closed = (await self.store.execute(PERIOD, stream_of(period), command, context)).state
        assert closed is not None, "it was just closed"
        return closed

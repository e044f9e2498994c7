"""Accounting periods: a month that is over is closed once, and then nothing counts for its days any more.

Which entries came too late, the order of the log says: an entry behind the closing is of the first
open day, whatever day it names (docs/decisions/0022-closed-periods.md).
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from ledger.clock import business_date
from ledger.decider import Decider
from ledger.errors import Conflict, Rejected
from ledger.events import DomainEvent
from ledger.journal.events import PeriodClosed

STREAM: Final = "period-"
MONTH: Final = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")
DAY: Final = timedelta(days=1)


class PeriodMalformed(Rejected):
    code = "period_malformed"
    title = "A period is a month, as 2026-11."


class PeriodNotOver(Conflict):
    code = "period_not_over"
    title = "A period is closed when it is over, not before."


class PeriodAlreadyClosed(Conflict):
    code = "period_already_closed"
    title = "This period is closed."


class ClosePeriod(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime
    period: str
    by: str
    reason: str


def stream_of(period: str) -> str:
    """Raises PeriodMalformed."""
    last_day(period)
    return f"{STREAM}{period}"


def last_day(period: str) -> date:
    """Of a month; raises PeriodMalformed."""
    found = MONTH.fullmatch(period)
    if not found:
        raise PeriodMalformed()
    year, month = int(found[1]), int(found[2])
    return date(year + month // 12, month % 12 + 1, 1) - DAY


def decide(closed: PeriodClosed | None, command: ClosePeriod) -> Sequence[PeriodClosed]:
    until = last_day(command.period)
    if closed:
        raise PeriodAlreadyClosed(closed_at=closed.occurred_at.isoformat(), by=closed.by)
    if business_date(command.now) <= until:
        raise PeriodNotOver(last_day=until.isoformat())
    return [
        PeriodClosed(
            occurred_at=command.now,
            period=command.period,
            until=until,
            by=command.by,
            reason=command.reason,
        )
    ]


def evolve(closed: PeriodClosed | None, event: DomainEvent) -> PeriodClosed | None:
    return event if isinstance(event, PeriodClosed) else closed


PERIOD: Final[Decider[PeriodClosed | None, ClosePeriod]] = Decider(None, decide, evolve)


class OpenDays:
    """Tells which day an entry counts for, to who reads the log in order."""

    def __init__(self, closed_until: date | None = None) -> None:
        self._closed_until = closed_until or date.min

    def close(self, event: PeriodClosed) -> None:
        """All days up to its end; an earlier month may be closed later."""
        self._closed_until = max(self._closed_until, event.until)

    def day(self, effective_on: date) -> date:
        return effective_on if effective_on > self._closed_until else self._closed_until + DAY

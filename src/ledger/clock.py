"""The only file that asks what time it is. Stored times are UTC; business dates are WIB (UTC+7).

A process may be given another source of time than this machine's, for what happens in the world
(`now`, and ids, which sort by it). How long something takes (`monotonic_seconds`) is always real.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

AHEAD: Final = timedelta(hours=7)
WIB: Final = timezone(AHEAD, "WIB")

Clock = Callable[[], datetime]


def real_now() -> datetime:
    return datetime.now(UTC)


_sources: Final[list[Clock]] = [real_now]  # the last one counts


def now() -> datetime:
    return _sources[-1]()


@contextmanager
def using(source: Clock) -> Iterator[None]:
    """This process lives by another time. Only the wiring, the time machine and tests ask for it."""
    _sources.append(source)
    try:
        yield
    finally:
        _sources.remove(source)  # not always the last: an API may end before its worker


def epoch_milliseconds() -> int:
    """For ids that sort by the moment they were made."""
    return int(now().timestamp() * 1_000)


def monotonic_seconds() -> float:
    return time.monotonic()


def business_date(moment: datetime) -> date:
    """The calendar day in Jakarta, on which tax and settlement depend."""
    if moment.tzinfo is UTC:  # as nearly all are, and adding takes a sixth of the time
        return (moment + AHEAD).date()
    return moment.astimezone(WIB).date()


def in_wib(moment: datetime) -> str:
    """For people: `23 Nov 2026 17:05 WIB`."""
    return moment.astimezone(WIB).strftime("%d %b %Y %H:%M WIB")

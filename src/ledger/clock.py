"""The only file that asks what time it is. Stored times are UTC; business dates are WIB (UTC+7)."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

WIB: Final = timezone(timedelta(hours=7), "WIB")

Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)


def epoch_milliseconds() -> int:
    """For ids that sort by the moment they were made."""
    return time.time_ns() // 1_000_000


def monotonic_seconds() -> float:
    return time.monotonic()


def business_date(moment: datetime) -> date:
    """The calendar day in Jakarta, on which tax and settlement depend."""
    return moment.astimezone(WIB).date()


def in_wib(moment: datetime) -> str:
    """For people: `23 Nov 2026 17:05 WIB`."""
    return moment.astimezone(WIB).strftime("%d %b %Y %H:%M WIB")

"""Moments and durations as people type them."""

import re
from datetime import datetime, timedelta
from typing import Final

from ledger.clock import WIB

UNITS: Final = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
DURATION: Final = re.compile(r"(?:\d+[wdhms])+")


def moment(text: str) -> datetime:
    """`2027-01-31`, `2027-01-31 09:00`, or with an offset; in Jakarta without. Raises ValueError."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=WIB)


def duration(text: str) -> timedelta:
    """`31d`, `2h`, `1d12h30m`. Raises ValueError."""
    if not DURATION.fullmatch(text):
        raise ValueError(f"{text} is no duration; write 31d, 2h, 1d12h30m")
    parts = re.findall(r"(\d+)([wdhms])", text)
    return sum((timedelta(**{UNITS[unit]: int(count)}) for count, unit in parts), timedelta())

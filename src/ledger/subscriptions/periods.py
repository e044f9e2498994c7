"""When period k begins and ends: anchor + k intervals, by the subscriber's calendar, never from now.

The day of the month is the anchor's; a month too short for it ends the period on its last day, and
the next longer one comes back to it. Indonesia's zones know no summer time.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, Literal, NamedTuple

import msgspec

Unit = Literal["day", "week", "month", "quarter", "year"]
Zone = Literal["WIB", "WITA", "WIT"]

ZONES: Final[dict[Zone, timezone]] = {
    "WIB": timezone(timedelta(hours=7), "WIB"),
    "WITA": timezone(timedelta(hours=8), "WITA"),
    "WIT": timezone(timedelta(hours=9), "WIT"),
}
DAYS: Final[dict[Unit, int]] = {"day": 1, "week": 7}
MONTHS: Final[dict[Unit, int]] = {"month": 1, "quarter": 3, "year": 12}


class Interval(msgspec.Struct, frozen=True, gc=False):
    """`count` units; at least one."""

    unit: Unit
    count: int = 1


class Period(NamedTuple):
    """From `starts_at` up to, and without, `ends_at`; both in UTC. The first is number 0."""

    number: int
    starts_at: datetime
    ends_at: datetime


class Calendar(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """All periods of one subscription. Two of the same anchor, interval and zone are the same."""

    anchor: datetime
    interval: Interval
    zone: Zone = "WIB"

    def period(self, number: int) -> Period:
        return Period(number, self.boundary(number), self.boundary(number + 1))

    def period_at(self, moment: datetime) -> Period:
        """The one that holds the moment; below 0 before the anchor."""
        number = self._guess(moment)
        while self.boundary(number) > moment:
            number -= 1
        while self.boundary(number + 1) <= moment:
            number += 1
        return self.period(number)

    def boundary(self, number: int) -> datetime:
        """Where period `number` begins, and the one before it ends."""
        local = self.anchor.astimezone(ZONES[self.zone])
        times, unit = number * self.interval.count, self.interval.unit
        if unit in DAYS:
            moved = local + timedelta(days=DAYS[unit] * times)
        else:
            moved = _later_by_months(local, MONTHS[unit] * times)
        return moved.astimezone(UTC)

    def local_date(self, moment: datetime) -> date:
        """The subscriber's calendar day."""
        return moment.astimezone(ZONES[self.zone]).date()

    def _guess(self, moment: datetime) -> int:
        """Off by one at most, as months differ by three days."""
        unit, count = self.interval.unit, self.interval.count
        if unit in DAYS:
            return (moment - self.anchor) // timedelta(days=DAYS[unit] * count)
        local = self.anchor.astimezone(ZONES[self.zone])
        other = moment.astimezone(ZONES[self.zone])
        months = 12 * (other.year - local.year) + other.month - local.month
        return months // (MONTHS[unit] * count)


def _later_by_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(12 * moment.year + moment.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))

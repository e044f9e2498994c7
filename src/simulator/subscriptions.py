"""A subscription: its schedule, its retries, and how it is shown (midtrans.md 8)."""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from simulator.clock import WIB, wib
from simulator.transactions import Fields
from simulator.wire import without_nulls

FIXED_UNITS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}


@dataclass(slots=True)
class Schedule:
    interval: int
    unit: str
    max_interval: int | None  # how many charges; None never ends, 0 is once
    start_time: datetime
    next_at: datetime | None
    previous_at: datetime | None = None
    done: int = 0

    def count(self, now: datetime) -> None:
        """One cycle has begun: plans the next, if there is one. The interval of today counts for
        it, so that a change takes effect from the charge after next.
        """
        begun = self.next_at or now
        self.done += 1
        self.previous_at = now
        over = self.max_interval is not None and self.done >= max(1, self.max_interval)
        self.next_at = None if over else later(begun, self.interval, self.unit, self.start_time.day)

    def catch_up(self, now: datetime) -> None:
        """What fell into a pause is not charged afterwards."""
        while self.next_at is not None and self.next_at <= now:
            self.next_at = later(self.next_at, self.interval, self.unit, self.start_time.day)


def later(moment: datetime, interval: int, unit: str, day: int) -> datetime:
    """Months keep the day they began on, as far as they have it."""
    if unit in FIXED_UNITS:
        return moment + interval * FIXED_UNITS[unit]
    years, month = divmod(moment.month - 1 + interval, 12)
    year, month = moment.year + years, month + 1
    return moment.replace(year=year, month=month, day=min(day, monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class Retries:
    """midtrans.md 8: three, an hour apart, unless the merchant says otherwise."""

    interval: int = 1
    unit: str = "hour"
    at_most: int = 3

    @property
    def pause(self) -> timedelta:
        return self.interval * FIXED_UNITS[self.unit]


@dataclass(slots=True, kw_only=True)
class Subscription:
    id: str
    name: str
    amount: str
    currency: str
    payment_type: str
    token: str
    created_at: datetime
    schedule: Schedule
    retries: Retries
    account_id: str | None
    metadata: Fields
    customer_details: Fields
    status: str = "active"  # or inactive
    retries_stopped: bool = False
    transaction_ids: list[str] = field(default_factory=list)

    def view(self) -> Fields:
        """As the API shows it: times in Jakarta, without an offset."""
        retries = self.retries
        return self._shared(wib) | {
            "created_at": self.created_at.astimezone(WIB).replace(tzinfo=None).isoformat(),
            "retry_schedule": {
                "interval": retries.interval,
                "interval_unit": retries.unit,
                "max_interval": retries.at_most,
            },
            "transaction_ids": list(self.transaction_ids),
        }

    def in_notices(self, merchant_id: str) -> Fields:
        """The same with times in UTC (10.6)."""
        return self._shared(utc) | {"merchant_id": merchant_id}

    def _shared(self, shown: Callable[[datetime], str]) -> Fields:
        schedule = self.schedule
        times = {
            "start_time": schedule.start_time,
            "previous_execution_at": schedule.previous_at,
            "next_execution_at": schedule.next_at,
        }
        return without_nulls(
            {
                "id": self.id,
                "name": self.name,
                "amount": self.amount,
                "currency": self.currency,
                "status": self.status,
                "token": self.token,
                "payment_type": self.payment_type,
                "schedule": without_nulls(
                    {
                        "interval": schedule.interval,
                        "interval_unit": schedule.unit,
                        "max_interval": schedule.max_interval,
                        "current_interval": schedule.done,
                        **{name: shown(at) for name, at in times.items() if at},
                    }
                ),
                "metadata": self.metadata,
                "customer_details": self.customer_details,
                "gopay": {"account_id": self.account_id} if self.account_id else None,
            }
        )


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

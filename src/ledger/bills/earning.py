"""When revenue is earned: day by day in Jakarta, each day at its end (books.md 2, rule 3).

Nothing is earned before a bill is paid; the days that had passed by then are caught up by the first
recognition after it.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeVar

from msgspec.structs import replace

from ledger.bills import commands as c
from ledger.bills import events as e
from ledger.bills.bill import Bill, Schedule, may
from ledger.bills.folding import evolve
from ledger.clock import WIB, business_date
from ledger.money import Money

Timed = TypeVar(
    "Timed", e.BillPaid, e.RevenueRecognised, e.BillChanged, e.BillRefunded, e.BillRefundFailed
)
ONE_DAY: Final = timedelta(days=1)
LAST_MOMENT: Final = timedelta(microseconds=1)


def days(schedule: Schedule) -> int:
    """On how many days' ends it is earned; a stretch within one day is earned at the end of that."""
    return max((business_date(schedule.ends_at) - business_date(schedule.starts_at)).days, 1)


def earned_by(schedule: Schedule, moment: datetime) -> Money:
    """The running total, floored, so that the last day earns the residue."""
    passed = (business_date(moment) - business_date(schedule.starts_at)).days
    whole = days(schedule)
    minor = schedule.net.minor * min(max(passed, 0), whole) // whole
    return Money(minor, schedule.net.currency)


def recognise_at(bill: Bill, now: datetime) -> datetime | None:
    """The next end of a day at which something is earned that was not recognised yet."""
    running = bill.running
    if running is None or bill.disputed:
        return None
    # The first day whose running total exceeds what was earned.
    day = -(-(running.earned.minor + 1) * days(running) // running.net.minor)
    earned_on = business_date(running.starts_at) + day * ONE_DAY
    return max(_beginning(earned_on), _beginning(business_date(now) + ONE_DAY))


def timed(bill: Bill, fact: Timed, now: datetime) -> Timed:
    """The fact, saying when revenue is next earned after it."""
    return replace(fact, recognise_at=recognise_at(evolve(bill, fact), now))


def recognise(bill: Bill, command: c.Recognise) -> Sequence[e.RevenueRecognised]:
    return catch_up(bill, command.now, command.now)


def catch_up(bill: Bill, moment: datetime, now: datetime) -> Sequence[e.RevenueRecognised]:
    """What was earned by the moment: each day on its own, also when nobody came for many, and at once
    what had passed when it was paid. Nothing while the payment is disputed.
    """
    facts: list[e.RevenueRecognised] = []
    if bill.paid is None or not may(bill, e.RevenueRecognised):
        return facts
    day = recognise_at(bill, bill.paid.occurred_at)
    while day and day <= moment:
        facts += _earned(bill, day, now)
        bill = evolve(bill, facts[-1])
        day = recognise_at(bill, day)
    return [*facts, *_earned(bill, _beginning(business_date(moment)), now)]


def _earned(bill: Bill, through: datetime, now: datetime) -> Sequence[e.RevenueRecognised]:
    running = bill.running
    if running is None or bill.paid is None or bill.disputed:
        return []
    amount = earned_by(running, through) - running.earned
    if amount.minor <= 0:
        return []
    recognised = e.RevenueRecognised(
        occurred_at=max(through - LAST_MOMENT, bill.paid.occurred_at),
        through=through,
        amount=amount,
        product=running.product,
        recognise_at=None,
    )
    return [timed(bill, recognised, now)]


def _beginning(day: date) -> datetime:
    """Of a day in Jakarta, which is the end of the one before."""
    return datetime.combine(day, time(), WIB).astimezone(UTC)

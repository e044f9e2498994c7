"""What is due for a period in which the price changed, in whole rupiah and without residue.

Not each change is rounded but what the whole period costs: what a change brings is the difference to
what was charged before. So the parts sum to the whole, going up and down again at once costs
nothing, and no series of changes gives back more than was paid.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from ledger.money import Money, half_up
from ledger.subscriptions.periods import Period

By = Literal["day", "second"]


class Change(NamedTuple):
    """From `at` on a whole period costs `price`; nothing, once it was cancelled."""

    at: datetime
    price: Money


class Stretch(NamedTuple):
    """`units` days or seconds of a period at the price of a whole one."""

    price: Money
    units: int


def stretches(period: Period, changes: Sequence[Change], by: By) -> list[Stretch]:
    """The period cut at its changes, which come in order; the first holds from its beginning.

    By day, a day that has begun costs what it cost when it began; days begin at the time of day at
    which the period does.
    """
    measure = MEASURES[by]
    whole = measure(period.ends_at - period.starts_at)
    cuts = [min(max(measure(each.at - period.starts_at), 0), whole) for each in changes]
    cuts[0] = 0
    ends = [*cuts[1:], whole]
    return [
        Stretch(each.price, end - begin)
        for each, begin, end in zip(changes, cuts, ends, strict=True)
    ]


def due(parts: Sequence[Stretch]) -> Money:
    """What the period costs; rounded once, half up."""
    whole = sum(part.units for part in parts)
    owed = sum(part.price.minor * part.units for part in parts)
    return Money(half_up(owed, whole), parts[0].price.currency)


def still_due(parts: Sequence[Stretch], charged: Money) -> Money:
    """What the newest change brings: below zero it is a credit."""
    return due(parts) - charged


def _days(passed: timedelta) -> int:
    """Days begun."""
    return -(-passed // timedelta(days=1))


def _seconds(passed: timedelta) -> int:
    return passed // timedelta(seconds=1)


MEASURES: Final = {"day": _days, "second": _seconds}

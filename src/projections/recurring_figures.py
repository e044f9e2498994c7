"""What is reported of recurring revenue month by month, from the sums of its movements.

docs/subscriptions-reporting.md defines each figure.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from ledger.money import half_up
from projections.recurring_revenue import KINDS

PARTS: Final = 10_000  # rates are rounded to so many parts of one


class MonthFigures(msgspec.Struct, frozen=True, kw_only=True):
    """`at_beginning`, the five movements and `recurring` are amounts: the first six come to the last."""

    month: date
    at_beginning: int
    new: int
    expansion: int
    contraction: int
    churn: int
    reactivation: int
    recurring: int
    customers_at_beginning: int
    customers_gained: int
    customers_lost: int
    customers: int

    @property
    def per_customer(self) -> int | None:
        """ARPU; None without customers."""
        return half_up(self.recurring, self.customers) if self.customers else None

    @property
    def customer_churn(self) -> float | None:
        return _part(self.customers_lost, self.customers_at_beginning)

    @property
    def revenue_churn(self) -> float | None:
        """What contraction and churn took."""
        return _part(-self.contraction - self.churn, self.at_beginning)


def figures(rows: Sequence[Mapping[str, Any]], first: date, last: date) -> list[MonthFigures]:
    """Of each month from `first` to `last`. `rows` has every month with movements up to `last`, in
    order.
    """
    by_month = {row["month"]: row for row in rows}
    recurring = sum(_moved(row) for row in rows if row["month"] < first)
    customers = sum(row["gained"] - row["lost"] for row in rows if row["month"] < first)
    found = []
    for month in _months(first, last):
        one = _of(month, by_month.get(month, NOTHING), recurring, customers)
        recurring, customers = one.recurring, one.customers
        found.append(one)
    return found


NOTHING: Final = {f"{kind}_minor": 0 for kind in KINDS} | {"gained": 0, "lost": 0}


def _of(
    month: date, row: Mapping[str, Any], at_beginning: int, customers_at_beginning: int
) -> MonthFigures:
    return MonthFigures(
        month=month,
        at_beginning=at_beginning,
        **{kind: row[f"{kind}_minor"] for kind in KINDS},
        recurring=at_beginning + _moved(row),
        customers_at_beginning=customers_at_beginning,
        customers_gained=row["gained"],
        customers_lost=row["lost"],
        customers=customers_at_beginning + row["gained"] - row["lost"],
    )


def _moved(row: Mapping[str, Any]) -> int:
    return sum(row[f"{kind}_minor"] for kind in KINDS)


def _months(first: date, last: date) -> Iterator[date]:
    """By their first days."""
    while first <= last:
        yield first
        first = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)


def _part(part: int, whole: int) -> float | None:
    return half_up(part * PARTS, whole) / PARTS if whole else None

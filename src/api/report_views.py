"""What is answered of recurring revenue; docs/subscriptions-reporting.md defines each figure."""

from datetime import date, datetime
from typing import Any, Self

from api.views import FreshnessView, Page, View
from projections.recurring_figures import MonthFigures


class MonthView(View):
    month: str
    at_beginning: int
    new: int
    reactivation: int
    expansion: int
    contraction: int
    churn: int
    recurring: int
    customers_at_beginning: int
    customers_gained: int
    customers_lost: int
    customers: int
    per_customer: int | None
    customer_churn: float | None
    revenue_churn: float | None
    links: dict[str, str]

    @classmethod
    def of(cls, found: MonthFigures) -> Self:
        month = in_words(found.month)
        path = f"/api/v1/reports/recurring/{month}"
        return cls(
            month=month,
            at_beginning=found.at_beginning,
            new=found.new,
            reactivation=found.reactivation,
            expansion=found.expansion,
            contraction=found.contraction,
            churn=found.churn,
            recurring=found.recurring,
            customers_at_beginning=found.customers_at_beginning,
            customers_gained=found.customers_gained,
            customers_lost=found.customers_lost,
            customers=found.customers,
            per_customer=found.per_customer,
            customer_churn=found.customer_churn,
            revenue_churn=found.revenue_churn,
            links={"movements": f"{path}/movements", "subscriptions": f"{path}/subscriptions"},
        )


def in_words(month: date) -> str:
    return f"{month:%Y-%m}"


class RecurringReport(View):
    """Amounts are without tax, in whole units of the currency; months are those of Jakarta."""

    currency: str
    months: list[MonthView]
    as_of: FreshnessView


class MovementView(View):
    """`amount` is by how much, `level` what the subscription counts for from then on. `position` and
    `version` are where the event behind it stands, in the log and in the subscription's stream.
    """

    subscription_id: str
    customer_id: str
    plan_id: str
    kind: str
    amount: int
    level: int
    currency: str
    takes_effect_at: datetime
    topic: str
    position: int
    version: int
    links: dict[str, str]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        path = f"/api/v1/subscriptions/{row['subscription_id']}"
        return cls(
            subscription_id=row["subscription_id"],
            customer_id=row["customer_id"],
            plan_id=row["plan_id"],
            kind=row["kind"],
            amount=row["minor"],
            level=row["level_minor"],
            currency=row["currency"],
            takes_effect_at=row["moment"],
            topic=row["topic"],
            position=row["position"],
            version=row["version"],
            links={"subscription": path, "events": f"{path}/events"},
        )


class MovementPage(Page):
    month: str
    movements: list[MovementView]


class StandingPage(Page):
    """Each subscription that counts at the end of the month, with the movement that brought it there."""

    month: str
    subscriptions: list[MovementView]

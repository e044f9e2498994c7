"""What is behind the figures of recurring revenue; docs/subscriptions-reporting.md defines each figure."""

from datetime import date, datetime
from typing import Any, Self

from api.views import Page, View


def in_words(month: date) -> str:
    return f"{month:%Y-%m}"


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

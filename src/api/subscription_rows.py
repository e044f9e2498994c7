"""Subscriptions and their renewals in lists, from read models."""

from datetime import datetime
from typing import Any, Self

from api.subscription_views import IntervalView, PeriodView
from api.views import Page, View


class ScheduledRowView(View):
    """A change that is to come."""

    effective_at: datetime
    plan_id: str
    plan_version: int
    plan_name: str
    quantity: int
    coupon_code: str | None

    @classmethod
    def of(cls, said: dict[str, Any]) -> Self:
        return cls(
            effective_at=said["at"],
            plan_id=said["plan_id"],
            plan_version=said["plan_version"],
            plan_name=said["plan_name"],
            quantity=said["quantity"],
            coupon_code=said["coupon"] or None,
        )


class SubscriptionRowView(View):
    """What it is sold as now or, when its next period was billed already, from then on. `unitPrice` is
    of one unit for one interval, as the plan prices. `renewsAt` is when the next period begins that
    is not billed yet, and `renewalAmount` what it will cost, tax in it, before credit; null when, as
    things stand, it will not renew. `nextAt` is when it is looked at again.
    """

    subscription_id: str
    customer_id: str
    status: str
    access: bool
    plan_id: str
    plan_version: int
    plan_name: str
    product: str
    quantity: int
    unit_price: int
    currency: str
    interval: IntervalView
    coupon_code: str | None
    payment_method: str
    auto_debit: bool
    zone: str
    current_period: PeriodView | None
    paid_until: datetime | None
    next_at: datetime | None
    renews_at: datetime | None
    renewal_amount: int | None
    trial_ends_at: datetime | None
    ends_at: datetime | None
    resume_at: datetime | None
    scheduled_change: ScheduledRowView | None
    credit: int
    owed: int
    missed_periods: int
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    links: dict[str, str]

    @classmethod
    def of(cls, row: dict[str, Any], now: datetime) -> Self:
        path = f"/api/v1/subscriptions/{row['subscription_id']}"
        return cls(
            **{name: row[name] for name in SAME},
            access=row["has_access"],
            unit_price=row["price_minor"],
            interval=IntervalView(unit=row["interval_unit"], count=row["interval_count"]),
            coupon_code=row["coupon"] or None,
            payment_method=row["method"],
            auto_debit=row["pulled"],
            current_period=_running(row["periods"], now),
            renewal_amount=row["renewal_minor"],
            ends_at=row["cancel_at"],
            scheduled_change=ScheduledRowView.of(row["scheduled"]) if row["scheduled"] else None,
            credit=row["credit_minor"],
            owed=row["owed_minor"],
            missed_periods=row["missed"],
            links={"self": path, "events": f"{path}/events"},
        )


SAME = (
    *("subscription_id", "customer_id", "status", "plan_id", "plan_version", "plan_name"),
    *("product", "quantity", "currency", "zone", "paid_until", "next_at", "renews_at"),
    *("trial_ends_at", "resume_at", "metadata", "created_at", "updated_at"),
)


def _running(periods: list[dict[str, Any]], now: datetime) -> PeriodView | None:
    found = (PeriodView.model_validate(period) for period in periods)
    return next((one for one in found if one.starts_at <= now < one.ends_at), None)


class SubscriptionPage(Page):
    subscriptions: list[SubscriptionRowView]


class RenewalRowView(View):
    """`amount` is what the next period will cost, tax in it; `credit` of it may pay a part."""

    subscription_id: str
    customer_id: str
    status: str
    renews_at: datetime
    plan_id: str
    plan_name: str
    quantity: int
    amount: int
    currency: str
    credit: int
    owed: int
    payment_method: str
    auto_debit: bool

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        changed = row["scheduled"] and datetime.fromisoformat(row["scheduled"]["at"])
        sold = row["scheduled"] if changed and changed <= row["renews_at"] else row
        return cls(
            subscription_id=row["subscription_id"],
            customer_id=row["customer_id"],
            status=row["status"],
            renews_at=row["renews_at"],
            plan_id=sold["plan_id"],
            plan_name=sold["plan_name"],
            quantity=sold["quantity"],
            amount=row["renewal_minor"],
            currency=row["currency"],
            credit=row["credit_minor"],
            owed=row["owed_minor"],
            payment_method=row["method"],
            auto_debit=row["pulled"],
        )


class RenewalPage(Page):
    """The soonest first."""

    renewals: list[RenewalRowView]

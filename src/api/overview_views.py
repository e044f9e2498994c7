"""A customer's page: who it is, what they have, owe and paid."""

from datetime import datetime
from typing import Any, Self

from api.bill_rows import BillRowView
from api.customer_views import CustomerView
from api.subscription_rows import SubscriptionRowView
from api.views import FreshnessView, PaymentRowView, View


class CustomerOverview(View):
    """`credit` of all their subscriptions (below zero: owed), `owed` on open bills, `recurring` a month
    (docs/subscriptions-reporting.md), `unearned` of what they paid for; `captured` and `refunded` of all
    their payments. Of each kind the newest are shown; `links` lead to all.
    """

    customer: CustomerView
    currency: str
    recurring: int
    credit: int
    owed: int
    unearned: int
    captured: int
    refunded: int
    subscription_count: int
    subscriptions: list[SubscriptionRowView]
    bill_count: int
    bills: list[BillRowView]
    payment_count: int
    payments: list[PaymentRowView]
    links: dict[str, str]
    as_of: FreshnessView

    @classmethod
    def of(
        cls,
        customer: CustomerView,
        found: dict[str, Any],
        currency: str,
        now: datetime,
        as_of: FreshnessView,
    ) -> Self:
        asked = f"?customerId={customer.customer_id}"
        return cls(
            customer=customer,
            currency=currency,
            recurring=found["recurring_minor"],
            credit=found["credit_minor"],
            owed=found["owed_minor"],
            unearned=found["unearned_minor"],
            captured=found["captured_minor"],
            refunded=found["refunded_minor"],
            subscription_count=found["subscription_count"],
            subscriptions=[SubscriptionRowView.of(row, now) for row in found["subscriptions"]],
            bill_count=found["bill_count"],
            bills=[BillRowView.of(row) for row in found["bills"]],
            payment_count=found["payment_count"],
            payments=[PaymentRowView.of(row) for row in found["payments"]],
            links={
                "subscriptions": f"/api/v1/subscriptions{asked}",
                "bills": f"/api/v1/bills{asked}",
                "payments": f"/api/v1/payments{asked}",
            },
            as_of=as_of,
        )

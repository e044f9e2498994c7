"""Bills in lists, from a read model."""

from datetime import datetime
from typing import Any, Final, Self

from api.bill_views import AmountView, LineView
from api.views import FailureView, Page, View


class BillRowView(View):
    """`recognised` of its net is earned, `unearned` is paid and still to be earned; `credited` was given
    back by changes. `disputed` is a status of its own. `trouble` says what may help when the latest
    payment brought nothing.
    """

    bill_id: str
    number: int
    invoice_number: str | None
    subscription_id: str
    customer_id: str
    period: int
    reason: str
    status: str
    plan_id: str
    product: str
    coupon_code: str | None
    starts_at: datetime
    ends_at: datetime
    due_at: datetime
    currency: str
    lines: list[LineView]
    discount: int
    amount: AmountView
    credit_used: int
    to_pay: int
    attempts: int
    payment_method: str | None
    trouble: str | None
    failure: FailureView | None
    paid_by: str | None
    paid_at: datetime | None
    credited: int
    refunded: int
    recognised: int
    unearned: int
    opened_at: datetime
    updated_at: datetime
    links: dict[str, str]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        path = f"/api/v1/bills/{row['bill_id']}"
        return cls(
            **{name: row[name] for name in SAME},
            **{name: row[column] or None for name, column in OR_NOTHING.items()},
            **{name: row[f"{column}_minor"] for name, column in MINOR.items()},
            amount=AmountView(net=row["net_minor"], tax=row["tax_minor"], total=row["total_minor"]),
            lines=[LineView(**line | {"amount": line["amount"]["minor"]}) for line in row["lines"]],
            failure=_failure(row),
            opened_at=row["created_at"],
            links={"self": path, "events": f"{path}/events"},
        )


SAME: Final = (
    *("bill_id", "number", "subscription_id", "customer_id", "period", "reason", "status"),
    *("plan_id", "product", "starts_at", "ends_at", "due_at", "currency", "attempts"),
    *("paid_at", "updated_at"),
)
OR_NOTHING: Final = {
    "invoice_number": "invoice_number",
    "coupon_code": "coupon",
    "payment_method": "method",
    "trouble": "trouble",
    "paid_by": "paid_by",
}
MINOR: Final = {
    "discount": "discount",
    "credit_used": "credit",
    "to_pay": "to_pay",
    "credited": "credited",
    "refunded": "refunded",
    "recognised": "recognised",
    "unearned": "unearned",
}


def _failure(row: dict[str, Any]) -> FailureView | None:
    if not row["failure"]:
        return None
    return FailureView(code=row["failure"], words=row["failure_words"])


class BillPage(Page):
    bills: list[BillRowView]

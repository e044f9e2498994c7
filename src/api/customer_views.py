"""What callers get of customers: in clear only for those who may, and never a token."""

from datetime import datetime
from typing import Any, Final, Self

from api.views import Page, View
from ledger.customers.customer import Customer, SavedPaymentMethod
from ledger.customers.details import FIELDS, Details

HIDDEN: Final = "***"
ERASED: Final = "[erased]"


class SavedMethodView(View):
    method_id: str
    kind: str
    masked: str | None
    expires_on: str | None
    attached_at: datetime

    @classmethod
    def of(cls, saved: SavedPaymentMethod) -> Self:
        attached = saved.attached
        return cls(
            method_id=attached.method_id,
            kind=attached.kind,
            masked=attached.masked or None,
            expires_on=attached.expires_on or None,
            attached_at=attached.occurred_at,
        )

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> Self:
        return cls(
            method_id=row["method_id"],
            kind=row["kind"],
            masked=row["masked"] or None,
            expires_on=row["expires_on"] or None,
            attached_at=datetime.fromisoformat(row["attached_at"]),
        )


class CustomerRowView(View):
    customer_id: str
    language: str
    payment_methods: list[SavedMethodView]
    preferred_method: str | None
    created_at: datetime | None
    updated_at: datetime | None
    erased_at: datetime | None

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> Self:
        return cls(
            customer_id=row["customer_id"],
            language=row["language"],
            payment_methods=[SavedMethodView.of_row(each) for each in row["methods"]],
            preferred_method=row["preferred"] or None,
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            erased_at=row["erased_at"],
        )


class CustomerView(CustomerRowView):
    """Whoever may not see what names the customer reads `***` where something is known, and everybody
    `[erased]` where something was. `erasure` says how far that has come.
    """

    name: str | None
    email: str | None
    phone: str | None
    npwp: str | None
    address: str | None
    erasure: str | None

    @classmethod
    def of(cls, customer: Customer, details: Details | None) -> Self:
        """`details` are None for those who may not see them."""
        return cls(
            customer_id=customer.customer_id,
            language=customer.language,
            payment_methods=[SavedMethodView.of(each) for each in customer.attached],
            preferred_method=customer.preferred or None,
            created_at=customer.registered_at,
            updated_at=customer.updated_at,
            erased_at=customer.erased_at,
            erasure=None if customer.erasure.status == "none" else customer.erasure.status,
            **_shown(customer, details),
        )


class CustomerPage(Page):
    customers: list[CustomerRowView]


def _shown(customer: Customer, details: Details | None) -> dict[str, str | None]:
    if customer.erased_at:
        return {field: ERASED if field in customer.sealed else None for field in FIELDS}
    if details is None:
        return {field: HIDDEN if field in customer.sealed else None for field in FIELDS}
    return {field: getattr(details, field) or None for field in FIELDS}

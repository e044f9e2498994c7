"""What callers get of an erasure, and of all that is kept of one person."""

from datetime import date, datetime
from typing import Any, Self

from api.bill_rows import BillRowView
from api.customer_views import CustomerView
from api.subscription_rows import SubscriptionRowView
from api.views import FreshnessView, PaymentRowView, View
from ledger.customers.customer import Customer
from ledger.customers.erasure import GOOD_FOR
from ledger.customers.events import CustomerErased, ErasureHeld


class HoldView(View):
    """A duty to keep the data, which stands against erasing it; `until` is its last day."""

    basis: str
    until: date | None
    placed_by: str
    placed_at: datetime

    @classmethod
    def of(cls, held: ErasureHeld) -> Self:
        return cls(
            basis=held.basis, until=held.until, placed_by=held.by, placed_at=held.occurred_at
        )


class CertificateView(View):
    """`keysDestroyed` counts all versions of the keys; the log is the same as before up to
    `logPosition`, and `seal` is the newest one then (0: there was none).
    """

    erased_at: datetime
    keys_destroyed: int
    purged: list[str]
    log_position: int
    seal: int
    seal_position: int

    @classmethod
    def of(cls, erased: CustomerErased) -> Self:
        return cls(
            erased_at=erased.occurred_at,
            keys_destroyed=erased.keys_destroyed,
            purged=list(erased.purged),
            log_position=erased.log_position,
            seal=erased.seal,
            seal_position=erased.seal_position,
        )


class ErasureView(View):
    """`status` is none, held, requested, approved or erased. A request that no second person has joined
    by `goodUntil` is none any more. `subjects` are those whose keys go.
    """

    customer_id: str
    status: str
    reason: str | None
    subjects: list[str]
    requested_by: str | None
    requested_at: datetime | None
    good_until: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    hold: HoldView | None
    certificate: CertificateView | None

    @classmethod
    def of(cls, customer_id: str, customer: Customer) -> Self:
        erasure = customer.erasure
        requested, approved = erasure.requested, erasure.approved
        asked = approved or requested
        return cls(
            customer_id=customer_id,
            status=erasure.status,
            reason=asked.reason if asked else None,
            subjects=list(asked.subjects) if asked else [],
            requested_by=approved.requested_by if approved else requested and requested.by,
            requested_at=requested and requested.occurred_at,
            good_until=requested.occurred_at + GOOD_FOR if requested and not approved else None,
            approved_by=approved and approved.by,
            approved_at=approved and approved.occurred_at,
            hold=HoldView.of(erasure.held) if erasure.held else None,
            certificate=CertificateView.of(erasure.erased) if erasure.erased else None,
        )


class SourceEventView(View):
    """Where it stands in the log, when it happened, and when it was recorded."""

    topic: str
    version: int
    position: int
    occurred_at: datetime
    recorded_at: datetime


class PayerView(View):
    """As told with the payment; what is null was not."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


class PaymentFileView(View):
    payment: PaymentRowView
    payer: PayerView | None
    card_token: str | None  # whether one is kept, never what it is
    events: list[SourceEventView]


class SubscriptionFileView(View):
    subscription: SubscriptionRowView
    events: list[SourceEventView]


class BillFileView(View):
    bill: BillRowView
    events: list[SourceEventView]


class PersonalDataView(View):
    """All that is kept of one person. `customer` is null for who never registered and is only named by
    payments.
    """

    customer_id: str
    customer: CustomerView | None
    events: list[SourceEventView]
    payments: list[PaymentFileView]
    subscriptions: list[SubscriptionFileView]
    bills: list[BillFileView]
    erasure: ErasureView
    disclosed_to: str
    as_of: FreshnessView


def source_events(rows: list[dict[str, Any]]) -> list[SourceEventView]:
    return [SourceEventView.model_validate(row) for row in rows]

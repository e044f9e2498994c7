"""All that is kept of one person, put together for whoever asks to see their own data: details in clear,
methods by their mask, payments, subscriptions and bills, each with the events behind it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from api.bill_rows import BillRowView
from api.customer_views import ERASED, HIDDEN, CustomerView
from api.personal_views import (
    BillFileView,
    ErasureView,
    PayerView,
    PaymentFileView,
    PersonalDataView,
    SourceEventView,
    SubscriptionFileView,
    source_events,
)
from api.subscription_rows import SubscriptionRowView
from api.views import FreshnessView, PaymentRowView
from api.wiring import Wiring
from ledger import clock
from ledger.customers.customer import Customer
from ledger.payments.events import PaymentRequested
from ledger.privacy.service import stream_of
from projections import personal_file
from projections.freshness import freshness

OPENED_AT_ONCE: Final = 50

Rows = list[dict[str, Any]]


async def disclosed(
    wired: Wiring, customer_id: str, customer: Customer, to: str
) -> PersonalDataView:
    """`asOf` says how far payments, subscriptions and bills have come; the rest is from the streams."""
    guests = _guests(customer)
    async with wired.readers.connection() as conn:
        fresh = FreshnessView.model_validate(await freshness(conn))
        found = await personal_file.of(conn, customer_id, guests)
        behind = await personal_file.happened(conn, _streams(found))
    now = clock.now()
    return PersonalDataView(
        customer_id=customer_id,
        customer=await _customer(wired, customer),
        events=await _own_events(wired, customer_id),
        payments=await _payments(wired, found["payments"], behind),
        subscriptions=[
            SubscriptionFileView(
                subscription=SubscriptionRowView.of(row, now),
                events=source_events(behind[row["subscription_id"]]),
            )
            for row in found["subscriptions"]
        ],
        bills=[
            BillFileView(bill=BillRowView.of(row), events=source_events(behind[row["bill_id"]]))
            for row in found["bills"]
        ],
        erasure=ErasureView.of(customer_id, customer),
        disclosed_to=to,
        as_of=fresh,
    )


def _guests(customer: Customer) -> Sequence[str]:
    """Payments that name no customer, and were said to be this one's."""
    asked = customer.erasure.approved or customer.erasure.requested
    return asked.subjects[1:] if asked else ()


def _streams(found: Mapping[str, Rows]) -> list[str]:
    ids = {"payments": "payment_id", "subscriptions": "subscription_id", "bills": "bill_id"}
    return [row[name] for kind, name in ids.items() for row in found[kind]]


async def _customer(wired: Wiring, customer: Customer) -> CustomerView | None:
    if not customer.customer_id:
        return None
    return CustomerView.of(customer, await wired.customers.details(customer))


async def _own_events(wired: Wiring, customer_id: str) -> list[SourceEventView]:
    return [
        SourceEventView(
            topic=record.event.TOPIC,
            version=record.version,
            position=record.position,
            occurred_at=record.event.occurred_at,
            recorded_at=record.metadata.recorded_at,
        )
        for record in await wired.store.history(stream_of(customer_id))
    ]


async def _payments(wired: Wiring, rows: Rows, behind: Mapping[str, Rows]) -> list[PaymentFileView]:
    shown: list[PaymentFileView] = []
    for first in range(0, len(rows), OPENED_AT_ONCE):
        part = rows[first : first + OPENED_AT_ONCE]
        shown += await asyncio.gather(*(_payment(wired, row, behind) for row in part))
    return shown


async def _payment(
    wired: Wiring, row: dict[str, Any], behind: Mapping[str, Rows]
) -> PaymentFileView:
    request = (await wired.payments.get(row["payment_id"])).request
    return PaymentFileView(
        payment=PaymentRowView.of(row),
        payer=await _payer(wired, request),
        card_token=HIDDEN if request.card_token else None,
        events=source_events(behind[row["payment_id"]]),
    )


async def _payer(wired: Wiring, request: PaymentRequested) -> PayerView | None:
    if not request.payer:
        return None
    told = await wired.key_ring.open(request.payer, "payer")
    if told is None:
        return PayerView(**dict.fromkeys(request.payer_known, ERASED))
    return PayerView(**{name: text for name, text in msgspec.json.decode(told).items() if text})

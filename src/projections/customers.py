"""Every customer, without anything that names a person: language, and what can be charged."""

from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from ledger.customers.customer import STREAM
from ledger.customers.events import (
    CustomerChanged,
    CustomerErased,
    CustomerRegistered,
    ErasureApproved,
    ErasureHeld,
    ErasureHoldLifted,
    ErasureRequested,
    PaymentMethodAttached,
    PaymentMethodDetached,
    PersonalDataDisclosed,
    PreferredMethodChosen,
)
from ledger.events import DomainEvent, Recorded
from projections.engine import sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "customers"
TABLES: Final = ("customers",)
FOLLOWS: Final[tuple[type[DomainEvent], ...]] = (
    CustomerRegistered,
    CustomerChanged,
    PaymentMethodAttached,
    PaymentMethodDetached,
    PreferredMethodChosen,
    ErasureApproved,
)
# How far an erasure is, the customer's stream says; what names a person was never here.
WITHOUT_EFFECT: Final[tuple[type[DomainEvent], ...]] = (
    *(ErasureRequested, CustomerErased, ErasureHeld, ErasureHoldLifted),
    PersonalDataDisclosed,
)
SQL: Final = sql.load(__name__)

_FOLLOWED: Final = frozenset(FOLLOWS)


def apply(batch: Batch, cursor: Cursor) -> None:
    """One by one, each after the one before."""
    for recorded in batch:
        if type(recorded.event) in _FOLLOWED:
            _write(recorded, cursor)


def _write(recorded: Recorded[Any], cursor: Cursor) -> None:
    event = recorded.event
    place = {
        "customer_id": recorded.stream.removeprefix(STREAM),
        "at": event.occurred_at,
        "position": recorded.position,
    }
    match event:
        case CustomerRegistered():
            cursor.execute(SQL["add"], place | {"language": event.language})
        case CustomerChanged():
            cursor.execute(SQL["change"], place | {"language": event.language})
        case PaymentMethodAttached():
            cursor.execute(SQL["attach"], place | {"method": Jsonb([_shown(event)])})
        case PaymentMethodDetached():
            cursor.execute(SQL["detach"], place | {"method_id": event.method_id})
        case PreferredMethodChosen():
            cursor.execute(SQL["prefer"], place | {"method": event.method})
        case ErasureApproved():
            cursor.execute(SQL["erase"], place)


def _shown(event: PaymentMethodAttached) -> dict[str, str]:
    return {
        "method_id": event.method_id,
        "kind": event.kind,
        "masked": event.masked,
        "expires_on": event.expires_on,
        "attached_at": event.occurred_at.isoformat(),
    }


async def page(
    conn: psycopg.AsyncConnection[Any], after: tuple[int, ...] | None, limit: int
) -> list[dict[str, Any]]:
    """Newest first; `after` is (first_position,) of the last row seen."""
    wanted = {"before": after and after[0], "limit": limit}
    return await sql.fetch(conn, SQL["page"], wanted, prepare=False)

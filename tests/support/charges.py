"""Charge orders for tests: any method of the catalogue, with a payer who has everything it needs."""

import itertools
import uuid

from ledger.money import Money
from ledger.payments.methods import METHODS
from ledger.providers.port import ChargeOrder, Payer

PAYER = Payer(name="Siti Nurhaliza Rahayu", email="siti@example.com", phone="081234567890")
RUN = uuid.uuid4().hex[:8]
COUNTER = itertools.count(1)


def order_id() -> str:
    """Never used before, also when a gateway outlives a test run."""
    return f"pay_{RUN}{next(COUNTER):04}-1"


def charge_order(method: str, amount: int = 150_000, **changes: object) -> ChargeOrder:
    fields: dict[str, object] = {
        "order_id": order_id(),
        "method": METHODS[method],
        "amount": Money.rupiah(amount),
        "payer": PAYER,
        "product": "Pro plan, monthly",
        "card_token": "48111111-1114-token" if method == "credit_card" else "",
    }
    return ChargeOrder(**{**fields, **changes})  # type: ignore[arg-type]

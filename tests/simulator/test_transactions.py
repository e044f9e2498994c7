"""The state machine against midtrans.md 11.1, pair by pair."""

from datetime import datetime
from itertools import product

import pytest

from simulator.clock import WIB
from simulator.transactions import NotPossible, Status, Transaction

# midtrans.md 11.1, transcribed. Two pairs are stated elsewhere: an approved challenge stays a
# capture (6), and a payment may race the expiry and win (11.4).
DOCUMENTED = {
    "pending": "settlement capture authorize deny cancel expire failure",
    "authorize": "capture cancel deny expire",
    "capture": "settlement cancel deny capture",
    "settlement": "refund partial_refund chargeback partial_chargeback deny",
    "partial_refund": "partial_refund refund",
    "partial_chargeback": "chargeback",
    "expire": "settlement",
}
NOW = datetime(2026, 1, 16, 10, tzinfo=WIB)


def transaction(status: Status) -> Transaction:
    return Transaction(
        transaction_id="t",
        order_id="o",
        method_name="bca_va",
        payment_type="bank_transfer",
        gross_amount=1,
        created_at=NOW,
        expires_at=NOW,
        notify_urls=(),
        status=status,
    )


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_a_transaction_moves_only_as_documented(before, after):
    moved = transaction(before)
    if after in DOCUMENTED.get(before, "").split():
        moved.move(after, NOW)

        assert moved.status is after
    else:
        with pytest.raises(NotPossible):
            moved.move(after, NOW)

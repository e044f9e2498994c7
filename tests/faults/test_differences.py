"""What chaos takes for another state than the gateway's, and what for the same in other words."""

import pytest

from faults.chaos.seen import differences
from ledger.payments.deciding import PAYMENT
from ledger.payments.events import PaymentSettled
from support import facts, payment_facts

PAID = facts.paid("mandiri_bill")
CAPTURED, SETTLED = PAID[-2:]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("deny", []),
        ("settlement", ["is reversed here and settled at the gateway"]),
        ("expire", ["is reversed here and expired at the gateway"]),
    ],
)
def test_a_reversal_is_a_denial_of_what_was_paid(status: str, told: list[str]) -> None:
    assert isinstance(SETTLED, PaymentSettled)
    taken_back = payment_facts.reversed_settlement(CAPTURED, SETTLED)  # type: ignore[arg-type]
    payment = PAYMENT.fold((*PAID, taken_back))

    assert differences(payment, {payment.attempt.order_id: [{"status": status}]}) == told


def test_what_is_settled_here_is_not_denied_there() -> None:
    payment = PAYMENT.fold(PAID)

    found = differences(payment, {payment.attempt.order_id: [{"status": "deny"}]})

    assert found == ["is settled here and denied at the gateway"]

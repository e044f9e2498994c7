"""Times are of payments that got that far, by the clock of the log."""

from datetime import UTC, datetime, timedelta

import msgspec

from api.demo import timing
from api.demo.answers import Event, Payment
from api.demo.scene import Purchase

ASKED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ATTEMPT = {
    "number": 1,
    "method": "qris",
    "status": "settled",
    "orderId": "o",
    "routingRule": "",
    "routingReason": "",
}
PAYMENT = {
    "paymentId": "pay_1",
    "status": "settled",
    "amount": 1,
    "paymentMethod": "qris",
    "capturedAmount": 1,
    "refundedAmount": 0,
    "refundableAmount": 1,
    "attempts": [ATTEMPT],
    "refunds": [],
}


def purchase(answered: float, booked: float | None = None) -> Purchase:
    """Paid a second after it was asked for, booked so many seconds after that."""
    made = Purchase(
        "qris", msgspec.convert(PAYMENT, Payment), 201, ASKED, answered, "", instructed=True
    )
    if booked is not None:
        made.paid_at = ASKED + timedelta(seconds=1)
        recorded_at = made.paid_at + timedelta(seconds=booked)
        made.events = [Event(topic=timing.BOOKED, recorded_at=recorded_at, event={})]
    return made


def test_median_and_p99_are_of_the_instructed() -> None:
    times = timing.to_instructions([purchase(seconds / 100) for seconds in range(101)])

    assert times is not None
    assert (times.payments, round(times.median_seconds, 3), round(times.p99_seconds, 3)) == (
        101,
        0.5,
        0.99,
    )


def test_what_was_never_booked_is_left_out() -> None:
    times = timing.to_booked([purchase(0.1, 0.2), purchase(0.1), purchase(0.1, 0.4)])

    assert times is not None
    assert (times.payments, round(times.median_seconds, 3)) == (2, 0.3)


def test_from_the_request_to_the_books_counts_the_payers_time_too() -> None:
    assert timing.asked_to_booked_seconds(purchase(0.1, 0.5)) == 1.5
    assert timing.asked_to_booked_seconds(purchase(0.1)) is None

"""How long payments took: from the request to instructions, and from the payer's act to the books."""

from collections.abc import Iterable, Sequence
from statistics import median, quantiles
from typing import NamedTuple

from api.demo.scene import Purchase

BOOKED = "payment.captured.v1"  # its journal entry is in the same append


class Times(NamedTuple):
    payments: int
    median_seconds: float
    p99_seconds: float


def to_instructions(purchases: Iterable[Purchase]) -> Times | None:
    """As the merchant's server sees it."""
    return _times([one.answered_in_seconds for one in purchases if one.instructed])


def to_booked(purchases: Iterable[Purchase]) -> Times | None:
    """From the payer's act to the moment the fact stands in the log, by the clock of one machine."""
    return _times(
        [seconds for one in purchases if (seconds := paid_to_booked_seconds(one)) is not None]
    )


def paid_to_booked_seconds(purchase: Purchase) -> float | None:
    booked = next((event.recorded_at for event in purchase.events if event.topic == BOOKED), None)
    if booked is None or purchase.paid_at is None:
        return None
    return (booked - purchase.paid_at).total_seconds()


def asked_to_booked_seconds(purchase: Purchase) -> float | None:
    booked = next((event.recorded_at for event in purchase.events if event.topic == BOOKED), None)
    return (booked - purchase.asked_at).total_seconds() if booked else None


def _times(seconds: Sequence[float]) -> Times | None:
    if len(seconds) < 2:
        return None
    return Times(len(seconds), median(seconds), quantiles(seconds, n=100, method="inclusive")[98])

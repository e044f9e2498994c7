"""No event shows what is sealed in it."""

from ledger.events import TOPICS
from projections import history


def test_sealed_values_are_found_wherever_a_type_may_hide_them() -> None:
    holders = {topic for topic, event in TOPICS.items() if history._holds_sealed(event)}

    assert "payment.requested.v1" in holders
    assert "payment.captured.v1" not in holders

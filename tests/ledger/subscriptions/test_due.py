"""One timer a subscription: what its newest fact says, and nothing before."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.due import Done, Due, by_event, changes
from ledger.events import TOPICS
from ledger.subscriptions import events as e
from ledger.subscriptions.due import ADVANCE, RULES

NOW = datetime(2026, 1, 31, tzinfo=UTC)
BY_EVENT = by_event(RULES)


def test_the_last_fact_of_a_decision_says_when_to_look_again():
    later = NOW + timedelta(days=3)
    fact = e.ChangeWithdrawn(occurred_at=NOW, why="asked", next_at=later)

    assert changes(BY_EVENT, fact) == [Done(ADVANCE, None), Due(ADVANCE, "", later)]


def test_a_fact_before_it_ends_what_was_due():
    assert changes(BY_EVENT, e.ChangeWithdrawn(occurred_at=NOW, why="asked")) == [
        Done(ADVANCE, None)
    ]


@pytest.mark.parametrize("topic", [one for one in TOPICS if one.startswith("subscription.")])
def test_every_fact_of_a_subscription_has_a_rule(topic: str):
    assert TOPICS[topic] in BY_EVENT

"""A command made with a state in mind is refused once more has happened; a late worker is no excuse."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.deciding import QuoteStale, SubscriptionMoved
from support.subscription_facts import BEGUN, CARD, MAX, Life, on


@pytest.mark.parametrize(
    "command",
    [
        c.ChangeSubscription(now=BEGUN, sold=MAX),
        c.ChangePaying(now=BEGUN, paying=CARD),
        c.CancelSubscription(now=BEGUN, at=None, reason="enough"),
        c.PauseSubscription(now=BEGUN, reason="holidays"),
    ],
)
def test_a_command_is_refused_when_more_has_happened_since(command: c.SubscriptionCommand):
    life = Life().created().paid(1)
    known = life.state.facts

    assert life.when(replace(command, facts=known)).new
    life.when(replace(command, facts=known)).then_refused(SubscriptionMoved)


def test_a_quote_is_stale_once_more_has_happened():
    life = Life().created().paid(1)
    quoted = c.ChangeSubscription(
        now=BEGUN, sold=MAX, quoted_at=BEGUN, quote_id="quote_1", facts=life.state.facts
    )
    life.when(c.ChangePaying(now=BEGUN, paying=CARD))

    life.when(quoted).then_refused(QuoteStale)


def test_a_scheduled_change_counts_from_its_own_moment_even_when_the_worker_is_late():
    life = Life().created().paid(1)
    life.when(c.ChangeSubscription(now=life.now, sold=MAX, at=on(2, 10)))

    life.advanced(at=on(2, 10) + timedelta(hours=5))

    changed = life.story.fact(e.SubscriptionChanged)
    assert isinstance(changed, e.SubscriptionChanged)
    assert (changed.at, changed.occurred_at) == (on(2, 10), on(2, 10, hour=8))

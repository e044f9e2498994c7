"""What time will bring to a subscription as long as everybody pays: by the code that will do it."""

from collections.abc import Iterator
from datetime import datetime
from functools import reduce
from typing import Final, NamedTuple

from ledger.events import DomainEvent
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.deciding import decide
from ledger.subscriptions.folding import evolve
from ledger.subscriptions.life import Status
from ledger.subscriptions.subscription import Subscription

# Reminders, a change and the end of a trial come before a renewal; more than that never does.
MOST_STEPS: Final = 20
NOBODY: Final = "forecast"  # as the id of payments that nobody asks for


class Decided(NamedTuple):
    facts: tuple[DomainEvent, ...]
    state: Subscription  # after them


class Opening(NamedTuple):
    """A period that will be opened; `state` is the subscription's after that decision."""

    period: e.PeriodOpened
    state: Subscription


def next_period(subscription: Subscription, now: datetime) -> Opening | None:
    """The next whole one; None when none will follow as things stand."""
    for facts, state in ahead_of(subscription, now):
        for fact in facts:
            if isinstance(fact, e.PeriodOpened) and fact.reason != "change":
                return Opening(fact, state)
    return None


def ahead_of(
    subscription: Subscription, now: datetime, most: int = MOST_STEPS
) -> Iterator[Decided]:
    """The decisions to come, in order."""
    if subscription.status is Status.UNPAID:
        return  # given up: it waits for the payer, not for time
    state = _paid(subscription, now)
    for _ in range(most):
        if state.look_at is None:
            return
        now = max(now, state.look_at)
        decided = _decided(state, c.Advance(now=now, payment_id=NOBODY))
        if not decided.facts:
            return
        yield decided
        state = _paid(decided.state, now)


def _paid(state: Subscription, now: datetime) -> Subscription:
    for bill in state.open_bills:
        paid = c.RecordBillPaid(
            now=now, bill_id=bill.bill_id, payment_id=NOBODY, amount=bill.to_pay
        )
        state = _decided(state, paid).state
    return state


def _decided(state: Subscription, command: c.SubscriptionCommand) -> Decided:
    facts = tuple(decide(state, command))
    return Decided(facts, reduce(evolve, facts, state))

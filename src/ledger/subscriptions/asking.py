"""Asking for a bill's money: by the subscription's way of paying, or by another."""

from datetime import datetime, timedelta
from typing import Final

from ledger.money import Money
from ledger.payments.methods import METHODS
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.life import Status
from ledger.subscriptions.policies import current, policy
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import OpenBill, Subscription
from ledger.subscriptions.timers import DOWNTIME, INCOMPLETE_FOR, ahead, issued_at

SHORTEST_INSTRUCTIONS: Final = timedelta(days=1)


def order(
    story: Story,
    command: c.Acting,
    bill_id: str,
    why: str,
    paying: e.Paying | None = None,
) -> None:
    s = story.state
    bill, by = s.find_bill(bill_id), paying or s.paying
    assert bill is not None, "only open bills are collected"
    if command.refused:
        story.add(_impossible(command, command.refused, bill, by))
        return
    story.add(
        e.CollectionOrdered(
            occurred_at=command.now,
            bill_id=bill_id,
            payment_id=command.payment_id,
            method=by.method,
            saved_method=by.saved_method,
            attempt=bill.attempts + 1,
            why=why,  # type: ignore[arg-type]
            expires_at=None if by.is_pulled else _until(s, bill, command.now),
        )
    )


def _impossible(
    command: c.Command, refused: c.Refusal, bill: OpenBill, by: e.Paying
) -> e.CollectionImpossible:
    return e.CollectionImpossible(
        occurred_at=command.now,
        bill_id=bill.bill_id,
        attempt=bill.attempts + 1,
        method=by.method,
        saved_method=by.saved_method,
        code=refused.code,
        words=refused.words,
    )


def _until(s: Subscription, bill: OpenBill, now: datetime) -> datetime:
    """Instructions are good for as long as we wait; the catalogue may allow less."""
    if s.status is Status.INCOMPLETE:
        return (s.incomplete_since or now) + INCOMPLETE_FOR
    return max(_last_step_at(s, bill), now + SHORTEST_INSTRUCTIONS)


def _last_step_at(s: Subscription, bill: OpenBill) -> datetime:
    dunning = s.dunning
    if dunning is None or dunning.step_at is None or dunning.bill_id != bill.bill_id:
        return bill.due_at + current(s.what.terms.dunning_policy).steps[-1].after
    steps = policy(dunning.policy, dunning.version).steps
    return dunning.step_at + steps[-1].after - steps[dunning.step].after


def due_at(s: Subscription, starts_at: datetime, now: datetime) -> datetime:
    """Of the bill of a period that is about to be opened. Who has to act is given the time that the
    plan gives, also when the bill comes late.
    """
    if s.status is Status.INCOMPLETE:
        return max(starts_at, now)
    planned = issued_at(s, starts_at)
    issued = now if now - planned > DOWNTIME else planned
    given = timedelta(0) if s.paying.is_pulled else max(starts_at - planned, SHORTEST_INSTRUCTIONS)
    return max(starts_at, issued + given)


def due_soon(s: Subscription, now: datetime) -> datetime:
    """Of a bill that no calendar foresees."""
    return now if s.paying.is_pulled else now + max(ahead(s), SHORTEST_INSTRUCTIONS)


def credit_for(credit: Money, costs: Money, paying: e.Paying) -> Money:
    """What of a bill is paid by credit. Nothing is left over that is too little to be asked for; below
    zero, what is owed comes on top.
    """
    used, least = min(credit, costs), _least(paying, costs)
    if can_be_asked(costs - used, paying):
        return used
    return max(costs - least, costs.zero()) if used.minor > 0 else used.zero()


def can_be_asked(amount: Money, paying: e.Paying) -> bool:
    """Nothing can always be asked for."""
    return not amount or amount >= _least(paying, amount)


def _least(paying: e.Paying, like: Money) -> Money:
    row = METHODS.get(paying.method)
    return Money(row.minimum_minor if row else 0, like.currency)

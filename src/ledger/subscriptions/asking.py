"""Asking for a bill's money: by the subscription's way of paying, or by another."""

from datetime import datetime, timedelta
from typing import Final

from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.policies import current
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import OpenBill, Subscription

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
        story.add(
            e.CollectionImpossible(
                occurred_at=command.now,
                bill_id=bill_id,
                attempt=bill.attempts + 1,
                method=by.method,
                saved_method=by.saved_method,
                code=command.refused.code,
                words=command.refused.words,
            )
        )
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


def _until(s: Subscription, bill: OpenBill, now: datetime) -> datetime:
    """Instructions are good for as long as the policy waits; the catalogue may allow less."""
    steps = current(s.what.terms.dunning_policy).steps
    return max(bill.due_at + steps[-1].after, now + SHORTEST_INSTRUCTIONS)

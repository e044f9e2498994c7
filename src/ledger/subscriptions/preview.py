"""What a change would bring, read off the facts that would be its own, and off those to come."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from ledger.bills.events import BillOpened
from ledger.events import DomainEvent
from ledger.money import Money
from ledger.plans.terms import Proration
from ledger.share import Share
from ledger.subscriptions import events as e
from ledger.subscriptions.billing import bill_of_change, bill_of_period
from ledger.subscriptions.forecast import Decided, ahead_of, next_period
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import NOTHING, Subscription

Fact = TypeVar("Fact", bound=DomainEvent)

FORESEEN: Final = 400  # decisions before a change that is scheduled; later ones are not computed


class Preview(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`bill` is what the change itself costs, when it is made; `renewal` the bill of the next whole
    period.
    """

    at: datetime
    mode: Proration
    sold: e.Sold
    is_later: bool
    bill: BillOpened | None = None
    credited: Money
    carried: Share = NOTHING  # to the next bill
    withdrawn: tuple[str, ...] = ()  # bills issued ahead that are void then
    credit_left: Money
    renewal: BillOpened | None = None
    refusal: str = ""  # why a scheduled change could not be made when its time comes


def preview(story: Story, now: datetime) -> Preview:
    """Of a change that was decided into `story`, and is stored nowhere."""
    scheduled = _find(story.facts, e.ChangeScheduled)
    made = Decided(tuple(story.facts), story.state)
    if scheduled is not None:
        made = _when_made(story.state, now) or Decided((), story.state)
    changed = _find(made.facts, e.SubscriptionChanged)
    said = scheduled or changed
    assert said is not None, "a change is made or scheduled"
    failed = _find(made.facts, e.ChangeWithdrawn)
    return Preview(
        at=said.at,
        mode=said.mode,
        sold=said.sold,
        is_later=scheduled is not None,
        bill=next(_bills(made), None),
        credited=_credited(changed, said.sold.terms.price.zero()),
        carried=changed.carried if changed else NOTHING,
        withdrawn=tuple(
            fact.bill_id for fact in story.facts if isinstance(fact, e.PeriodWithdrawn)
        ),
        credit_left=made.state.credit,
        renewal=renewal(story.state, now),
        refusal=failed.why if failed and not changed else "",
    )


def renewal(subscription: Subscription, now: datetime) -> BillOpened | None:
    """The bill of the next whole period, as it will be if everybody pays."""
    opening = next_period(subscription, now)
    return bill_of_period(opening.state, opening.period) if opening else None


def _when_made(state: Subscription, now: datetime) -> Decided | None:
    for decided in ahead_of(state, now, FORESEEN):
        if _find(decided.facts, e.SubscriptionChanged) or _find(decided.facts, e.ChangeWithdrawn):
            return decided
    return None


def _bills(made: Decided) -> Iterator[BillOpened]:
    """Of the change, also of the period that begins with it; at most one has anything to pay."""
    for fact in made.facts:
        if isinstance(fact, e.SubscriptionChanged) and fact.bill_id:
            yield bill_of_change(made.state, fact)
        if isinstance(fact, e.PeriodOpened) and fact.reason == "change":
            yield bill_of_period(made.state, fact)


def _credited(changed: e.SubscriptionChanged | None, nothing: Money) -> Money:
    return sum((one.share.total for one in changed.credited), nothing) if changed else nothing


def _find(facts: Sequence[DomainEvent], kind: type[Fact]) -> Fact | None:
    return next((fact for fact in facts if isinstance(fact, kind)), None)

"""The subscription decider: a table from command to rule. The last fact of a decision says when to
look again.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from ledger import money, share
from ledger.coupons import terms as coupon_terms
from ledger.decider import Decider
from ledger.errors import Conflict
from ledger.events import DomainEvent
from ledger.eventstore.snapshot_form import snapshot_form
from ledger.plans import terms as plan_terms
from ledger.subscriptions import (
    advancing,
    changing,
    charged,
    collecting,
    ending,
    events,
    folding,
    life,
    opening,
    owing,
    periods,
    pricing,
    proration,
    subscription,
)
from ledger.subscriptions import commands as c
from ledger.subscriptions.advancing import next_look
from ledger.subscriptions.folding import evolve
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import Subscription

Rule = Callable[[Story, Any], None]

RULES: Final[dict[type[c.Command], Rule]] = {
    c.CreateSubscription: opening.create,
    c.Advance: advancing.advance,
    c.ChangeSubscription: changing.change,
    c.WithdrawChange: ending.withdraw_change,
    c.ChangePaying: ending.change_paying,
    c.PauseSubscription: ending.pause,
    c.ResumeSubscription: ending.resume,
    c.CancelSubscription: ending.cancel,
    c.ReactivateSubscription: ending.reactivate,
    c.BillMissed: opening.bill_missed,
    c.RecordBillPaid: collecting.record_paid,
    c.RecordBillNotPaid: collecting.record_not_paid,
    c.RecordBillReopened: collecting.record_reopened,
    c.RecordCredit: collecting.record_credit,
    c.RecordRefund: collecting.record_refund,
}


class SubscriptionMoved(Conflict):
    code = "subscription_moved"
    title = "Something else happened to the subscription meanwhile; read it again."


class QuoteStale(Conflict):
    code = "quote_stale"
    title = "Something happened since the preview; ask for a new one."


def decide(state: Subscription, command: c.SubscriptionCommand) -> Sequence[DomainEvent]:
    _require_unmoved(state, command)
    story = Story(state)
    RULES[type(command)](story, command)
    if not story.facts:
        return []
    *before, last = story.facts
    return [*before, replace(last, next_at=next_look(story.state))]


def _require_unmoved(state: Subscription, command: c.SubscriptionCommand) -> None:
    if command.facts is None or command.facts == state.facts:
        return
    quoted = isinstance(command, c.ChangeSubscription) and command.quote_id
    raise QuoteStale() if quoted else SubscriptionMoved()


SUBSCRIPTION: Final[Decider[Subscription, c.SubscriptionCommand]] = Decider(
    Subscription(),
    decide,
    evolve,
    snapshot_form(
        Subscription,
        *(
            subscription,
            charged,
            folding,
            owing,
            life,
            events,
            periods,
            pricing,
            proration,
            money,
            share,
        ),
        *(plan_terms, coupon_terms),
    ),
)

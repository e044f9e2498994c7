"""One life for each status a subscription can have, lived by its own decisions."""

from collections.abc import Callable
from typing import Final

from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.life import Status
from support.subscription_facts import Life, later, on, sold

S = Status


def active() -> Life:
    return Life().created().paid(1)


def overdue(policy: str = "standard") -> Life:
    """Its second bill was refused by the bank when it was due."""
    return Life().created(sold(dunning_policy=policy)).paid(1).advanced().refused(2)


def dunned_to_the_end(policy: str) -> Life:
    return overdue(policy).idle_until(on(6, 1), trouble="retry_later")


def trialing() -> Life:
    return Life().created(sold(trial_days=14))


def paused() -> Life:
    life = active()
    life.when(c.PauseSubscription(now=life.now, reason="holidays"))
    return life


def cancelling() -> Life:
    life = active()
    life.when(c.CancelSubscription(now=life.now, at=None, reason="enough"))
    return life


def cancelled() -> Life:
    life = active()
    life.when(c.CancelSubscription(now=life.now, at=life.now, reason="enough"))
    return life


def expired() -> Life:
    life = Life().created()
    return life.advanced(later(life.now, days=1))


LIVES: Final[dict[Status, Callable[[], Life]]] = {
    S.NEW: Life,
    S.INCOMPLETE: lambda: Life().created(),
    S.TRIALING: trialing,
    S.ACTIVE: active,
    S.IN_GRACE: overdue,
    S.PAST_DUE: lambda: overdue("strict"),
    S.UNPAID: lambda: dunned_to_the_end("strict"),
    S.PAUSED: paused,
    S.CANCELLING: cancelling,
    S.CANCELLED: cancelled,
    S.EXPIRED: expired,
}


# ── what was done about an overdue bill ─────────────────────────────────────────────────────────────────────────────

Step = tuple[int, str, str]


def steps(life: Life) -> list[Step]:
    """Of the newest dunning: days since the bill was due, action, and why it was taken or passed over."""
    since = life.told(e.DunningStarted).overdue_since
    return [
        ((fact.occurred_at - since).days, fact.action, fact.why)
        for fact in life.story.facts
        if isinstance(fact, e.DunningStepTaken)
    ]


def kinds(life: Life) -> list[str]:
    return [fact.kind for fact in life.story.facts if isinstance(fact, e.ReminderDue)]


def collections(life: Life) -> list[tuple[str, str]]:
    orders = (fact for fact in life.story.facts if isinstance(fact, e.CollectionOrdered))
    return [(fact.why, fact.method) for fact in orders if fact.bill_id == "bill_1_2"]

"""An overdue bill, from its first failure to its policy's last step."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.asking import order
from ledger.subscriptions.life import Status
from ledger.subscriptions.policies import Action, Policy, current, policy
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import OpenBill, Subscription
from ledger.subscriptions.timers import BILLING, DOWNTIME, is_pushed, may_be_overdue

S = Status


def start_dunning(story: Story, now: datetime, why: str) -> None:
    """For the oldest bill that is overdue. An incomplete one has not begun, and of one that is paused
    or has ended nothing is asked.
    """
    s = story.state
    overdue = next((b for b in s.open_bills if b.due_at <= now and may_be_overdue(s, b)), None)
    if overdue is None or s.status not in BILLING:
        return
    rules = current(s.what.terms.dunning_policy)
    story.add(
        e.DunningStarted(
            occurred_at=now,
            bill_id=overdue.bill_id,
            policy=rules.name,
            policy_version=rules.version,
            overdue_since=overdue.due_at,
            why=why,
            status="in_grace" if rules.grace else "past_due",
            access=rules.grace,
            step_at=_step_at(rules, 0, overdue.due_at, now),
        )
    )


def _step_at(rules: Policy, step: int, since: datetime, now: datetime) -> datetime | None:
    """In good time it is counted from when the bill was due; after a downtime from now on."""
    if step >= len(rules.steps):
        return None
    after = rules.steps[step].after
    before = rules.steps[step - 1].after if step else timedelta(0)
    planned = since + after
    late = now - (since + before) > DOWNTIME
    return max(planned, now + after - before) if late else planned


def take_step(story: Story, command: c.Acting) -> None:
    s = story.state
    dunning = s.dunning
    assert dunning is not None, "there is a bill to be dunned"
    rules, bill = policy(dunning.policy, dunning.version), s.find_bill(dunning.bill_id)
    assert bill is not None, "what is dunned is open"
    action = rules.steps[dunning.step].action
    words = WORDS[action](s, bill, command.now)
    done = words not in PASSED_OVER
    status, access = s.status, s.access
    if done and action in ENDS:
        status, access = ENDS[action], False
    story.add(
        e.DunningStepTaken(
            occurred_at=command.now,
            bill_id=bill.bill_id,
            step=dunning.step,
            action=action,
            done=done,
            why=words,
            status=status.value,  # type: ignore[arg-type]
            access=access,
            step_at=_step_at(rules, dunning.step + 1, dunning.overdue_since, command.now),
        )
    )
    if done:
        _act(story, command, bill, action)


PASSED_OVER: Final = frozenset(
    {"under_way", "instructions_valid", "not_by_this_method", "no_fallback", "grace_is_over"}
)
ENDS: Final[dict[Action, Status]] = {
    "end_grace": S.PAST_DUE,
    "pause": S.PAUSED,
    "mark_unpaid": S.UNPAID,
}


def _retry(s: Subscription, bill: OpenBill, now: datetime) -> str:
    if bill.pulling:
        return "under_way"
    if is_pushed(bill):
        return "instructions_valid" if _has_instructions(bill, now) else "new_instructions"
    same = bill.saved_method == s.paying.saved_method
    needs_another = bill.trouble in ("needs_customer", "never") and same
    return "not_by_this_method" if needs_another else "try_again"


def _fallback(s: Subscription, bill: OpenBill, now: datetime) -> str:
    if bill.pulling:
        return "under_way"
    has_one = s.paying.is_pulled and s.paying.fallback
    return "another_method" if has_one else "no_fallback"


def _has_instructions(bill: OpenBill, now: datetime) -> bool:
    return bool(bill.live) and (bill.expires_at is None or bill.expires_at > now)


def _end_grace(s: Subscription, bill: OpenBill, now: datetime) -> str:
    return "grace_ends" if s.status is S.IN_GRACE else "grace_is_over"


WORDS: Final[dict[Action, Callable[[Subscription, OpenBill, datetime], str]]] = {
    "retry": _retry,
    "remind": lambda s, bill, now: "still_unpaid",
    "fallback": _fallback,
    "end_grace": _end_grace,
    "cancel": lambda s, bill, now: "policy_ends",
    "pause": lambda s, bill, now: "policy_ends",
    "mark_unpaid": lambda s, bill, now: "policy_ends",
}


def _act(story: Story, command: c.Acting, bill: OpenBill, action: Action) -> None:
    s = story.state
    match action:
        case "retry" if is_pushed(bill):
            order(story, command, bill.bill_id, "instructions_over", _pushed_by(s, bill))
        case "retry":
            order(story, command, bill.bill_id, "retry")
        case "fallback":
            order(story, command, bill.bill_id, "fallback", e.Paying(method=s.paying.fallback[0]))
        case "remind":
            story.add(_reminder(bill, command.now))
        case "cancel":
            drop_all(story, command.now, "not_paid")
            story.add(
                e.SubscriptionCancelled(
                    occurred_at=command.now, at=command.now, reason="not_paid", by="policy"
                )
            )


def _pushed_by(s: Subscription, bill: OpenBill) -> e.Paying:
    """The fallback again, where the way of paying failed."""
    return e.Paying(method=bill.method) if s.paying.is_pulled else s.paying


def _reminder(bill: OpenBill, now: datetime) -> e.ReminderDue:
    needed = bill.trouble in ("needs_customer", "never")
    kind = "method_needed" if needed else "overdue"
    return e.ReminderDue(occurred_at=now, bill_id=bill.bill_id, kind=kind)  # type: ignore[arg-type]


def drop_all(story: Story, now: datetime, why: str) -> None:
    """Nothing that is open has to be paid any more, and nothing under way is waited for."""
    for bill in story.state.open_bills:
        story.add(
            e.BillDropped(
                occurred_at=now,
                bill_id=bill.bill_id,
                payment_ids=bill.live,
                credit=bill.credit,
                why=why,
            )
        )

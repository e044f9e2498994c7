"""The table of a subscription's life, walked pair by pair; and every command in every status."""

from itertools import product

import pytest

from ledger.events import TOPICS, DomainEvent
from ledger.journal.posting_rules import RULES
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.deciding import RULES as COMMANDS
from ledger.subscriptions.deciding import SUBSCRIPTION
from ledger.subscriptions.folding import EFFECTS
from ledger.subscriptions.life import ENDED, NEXT, OVERDUE, RUNNING, TRANSITIONS, Status
from ledger.subscriptions.subscription import (
    Subscription,
    SubscriptionNotFound,
    SubscriptionStateForbids,
    may,
    require,
)
from support.subscription_facts import ACCOUNT, MAX, PRO, SUB, rp
from support.subscription_lives import LIVES

S = Status
EVENTS = [kind for topic, kind in TOPICS.items() if topic.startswith("subscription.")]
FORBIDDEN = [pair for pair in product(Status, EVENTS) if pair not in NEXT]

# Where each command is possible; everywhere else it is refused.
POSSIBLE: dict[type[c.Command], tuple[Status, ...]] = {
    c.CreateSubscription: (S.NEW,),
    c.ChangeSubscription: (S.TRIALING, S.ACTIVE),
    c.ChangePaying: (S.INCOMPLETE, *RUNNING, *OVERDUE, S.UNPAID, S.PAUSED),
    c.PauseSubscription: (S.TRIALING, S.ACTIVE),
    c.ResumeSubscription: (S.PAUSED,),
    c.CancelSubscription: (S.INCOMPLETE, *RUNNING, *OVERDUE, S.UNPAID, S.PAUSED),
    c.ReactivateSubscription: (S.CANCELLING, *ENDED, S.UNPAID),
    c.WithdrawChange: (),  # none is scheduled
    c.BillMissed: (),  # none was missed
}
RECORDS = (
    c.RecordBillPaid,
    c.RecordBillNotPaid,
    c.RecordBillReopened,
    c.RecordCredit,
    c.RecordRefund,
)


def named(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


def command(kind: type[c.Command], status: Status) -> tuple[Subscription, c.SubscriptionCommand]:
    """A command of this kind, and a subscription of this status."""
    life = LIVES[status]()
    now = life.now
    found: dict[type[c.Command], c.SubscriptionCommand] = {
        c.CreateSubscription: c.CreateSubscription(
            now=now, subscription_id=SUB, customer_id="cust_1", sold=PRO, paying=ACCOUNT
        ),
        c.ChangeSubscription: c.ChangeSubscription(now=now, sold=MAX, payment_id="pay_9"),
        c.ChangePaying: c.ChangePaying(now=now, paying=ACCOUNT, payment_id="pay_9"),
        c.PauseSubscription: c.PauseSubscription(now=now, reason="holidays"),
        c.ResumeSubscription: c.ResumeSubscription(now=now, payment_id="pay_9"),
        c.CancelSubscription: c.CancelSubscription(now=now, at=None, reason="moving"),
        c.ReactivateSubscription: c.ReactivateSubscription(now=now, payment_id="pay_9"),
        c.WithdrawChange: c.WithdrawChange(now=now, why="asked"),
        c.BillMissed: c.BillMissed(now=now, payment_id="pay_9"),
    }
    return life.state, found[kind]


@pytest.mark.parametrize("status", Status)
def test_there_is_a_life_for_each_status(status: Status) -> None:
    assert LIVES[status]().state.status is status


@pytest.mark.parametrize(("status", "event"), FORBIDDEN, ids=named)
def test_what_has_no_row_is_refused(status: Status, event: type[DomainEvent]) -> None:
    state = LIVES[status]().state

    assert not may(state, event)
    with pytest.raises(SubscriptionNotFound if status is S.NEW else SubscriptionStateForbids):
        require(state, event)


@pytest.mark.parametrize(("status", "event"), NEXT, ids=named)
def test_what_has_a_row_is_allowed(status: Status, event: type[DomainEvent]) -> None:
    require(LIVES[status]().state, event)


@pytest.mark.parametrize("kind", POSSIBLE, ids=named)
@pytest.mark.parametrize("status", Status)
def test_a_command_is_refused_in_every_status_but_its_own(
    status: Status, kind: type[c.Command]
) -> None:
    state, wanted = command(kind, status)

    if status in POSSIBLE[kind]:
        assert SUBSCRIPTION.decide(state, wanted)
        return
    with pytest.raises(SubscriptionNotFound if status is S.NEW else SubscriptionStateForbids):
        SUBSCRIPTION.decide(state, wanted)


@pytest.mark.parametrize("status", [s for s in Status if s is not S.NEW], ids=named)
def test_records_are_never_refused(status: Status) -> None:
    life = LIVES[status]()
    known = [bill.bill_id for bill in life.state.open_bills]
    for bill_id in (*known, "bill_1_99"):
        for record in records(life.now, bill_id):
            SUBSCRIPTION.fold(SUBSCRIPTION.decide(life.state, record), life.state)


@pytest.mark.parametrize("status", Status)
def test_looking_too_early_brings_nothing(status: Status) -> None:
    life = LIVES[status]()
    if life.state.look_at is None or life.state.look_at > life.now:
        life.when(c.Advance(now=life.now, payment_id="pay_9")).then_nothing()


def records(now, bill_id: str) -> list[c.SubscriptionCommand]:  # type: ignore[no-untyped-def]
    about = {"now": now, "bill_id": bill_id}
    return [
        c.RecordBillPaid(**about, payment_id="pay_1", amount=rp(99_000)),
        c.RecordBillNotPaid(
            **about, payment_id="pay_1", code="51", words="", trouble="retry_later"
        ),
        c.RecordBillReopened(
            **about, period=1, payment_id="pay_1", to_pay=rp(99_000), credited=rp(0)
        ),
        c.RecordCredit(**about, amount=rp(-5)),
        c.RecordRefund(**about, share=e.Share(net=rp(9), tax=rp(1))),
    ]


def test_each_command_has_its_rule_and_its_place_here() -> None:
    assert set(COMMANDS) == {*POSSIBLE, *RECORDS, c.Advance}


def test_each_fact_has_a_row_and_an_effect_and_moves_no_money() -> None:
    assert {event for _, event, _ in TRANSITIONS} == set(EVENTS) == set(EFFECTS)
    assert not set(EVENTS) & set(RULES)


def test_no_pair_stands_twice_in_the_table() -> None:
    assert sum(len(before) for before, _, _ in TRANSITIONS) == len(NEXT)


def test_what_has_ended_asks_for_nothing_and_waits_for_nothing() -> None:
    asking = {event for status, event in NEXT if status in ENDED}

    assert not asking & {e.PeriodOpened, e.DunningStarted, e.DunningStepTaken, e.ReminderDue}
    for status in ENDED:
        life = LIVES[status]()
        assert life.state.look_at is None and not life.state.open_bills


def test_facts_before_the_beginning_and_of_later_versions_change_nothing() -> None:
    class Later(DomainEvent):
        words: str = ""

    life = LIVES[S.ACTIVE]()
    for fact in life.story.facts[1:]:
        assert SUBSCRIPTION.evolve(Subscription(), fact) == Subscription()
    state = life.state
    assert SUBSCRIPTION.evolve(state, Later(occurred_at=life.now)) is state

"""The tables of the life of payments and refunds, walked pair by pair."""

from itertools import product

import pytest
from msgspec.structs import replace

from ledger.events import TOPICS, DomainEvent
from ledger.payments import events as e
from ledger.payments.deciding import PAYMENT
from ledger.payments.folding import evolve
from ledger.payments.life import (
    LIVE,
    NEXT,
    REFUND_NEXT,
    REFUND_TRANSITIONS,
    TRANSITIONS,
    RefundStatus,
    Status,
)
from ledger.payments.payment import (
    Payment,
    PaymentNotFound,
    PaymentStateForbids,
    PaymentUnderReview,
    Refund,
    may,
    require,
)
from support.facts import after, begun, example
from support.payment_facts import rp

EVENTS = [kind for topic, kind in TOPICS.items() if topic.startswith("payment.")]
PAIRS = list(product(Status, EVENTS))
ALLOWED = [pair for pair in PAIRS if pair in NEXT]
FORBIDDEN = [pair for pair in PAIRS if pair not in NEXT]
REFUND_EVENTS = [kind for _, kind, _ in REFUND_TRANSITIONS]
REFUND_PAIRS = list(product(RefundStatus, REFUND_EVENTS))


def named(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


def payment(status: Status, refund: RefundStatus = RefundStatus.REQUESTED) -> Payment:
    if status is Status.NEW:
        return Payment()
    one = Refund(
        refund_id="ref_1", amount=rp(1_000), reason="", requested_at=after(0), status=refund
    )
    return replace(PAYMENT.fold(begun()), status=status, refunds=(one,))


@pytest.mark.parametrize(("status", "event"), FORBIDDEN, ids=named)
def test_what_has_no_row_is_refused_and_moves_nothing(
    status: Status, event: type[DomainEvent]
) -> None:
    state = payment(status)

    assert not may(state, event)
    with pytest.raises(PaymentNotFound if status is Status.NEW else PaymentStateForbids):
        require(state, event)
    assert evolve(state, example(event)).status is status


@pytest.mark.parametrize(("status", "event"), ALLOWED, ids=named)
def test_what_has_a_row_is_allowed_and_leads_where_the_row_says(
    status: Status, event: type[DomainEvent]
) -> None:
    state = payment(status)
    require(state, event)

    assert evolve(state, example(event)).status is NEXT[status, event]


@pytest.mark.parametrize("event", EVENTS, ids=named)
def test_each_fact_of_a_payment_has_a_row(event: type[DomainEvent]) -> None:
    assert event in {kind for _, kind, _ in TRANSITIONS}


@pytest.mark.parametrize("event", EVENTS, ids=named)
def test_a_frozen_payment_allows_nothing(event: type[DomainEvent]) -> None:
    with pytest.raises(PaymentUnderReview) as refused:
        require(replace(payment(Status.SETTLED), review="amount_differs"), event)

    assert refused.value.context == {"rule": "amount_differs"}


def test_no_pair_stands_twice_in_the_tables() -> None:
    assert sum(len(sources) for sources, _, _ in TRANSITIONS) == len(NEXT)
    assert sum(len(sources) for sources, _, _ in REFUND_TRANSITIONS) == len(REFUND_NEXT)


def test_every_status_can_be_reached_from_new() -> None:
    assert reachable(Status.NEW, {(here, there) for (here, _), there in NEXT.items()}) == set(
        Status
    )


def test_every_status_of_a_refund_can_be_reached() -> None:
    ways = {(here, there) for (here, _), there in REFUND_NEXT.items()}

    assert reachable(RefundStatus.REQUESTED, ways) == set(RefundStatus)


def test_money_that_is_over_never_comes_back_to_life_without_a_new_attempt() -> None:
    back = {
        (here, event) for (here, event), there in NEXT.items() if here not in LIVE and there in LIVE
    }

    assert {event for here, event in back if here is not Status.NEW} == {e.AttemptStarted}


@pytest.mark.parametrize(("status", "event"), REFUND_PAIRS, ids=named)
def test_a_refund_moves_by_its_table_alone(status: RefundStatus, event: type[DomainEvent]) -> None:
    moved = evolve(payment(Status.SETTLED, status), example(event))

    assert moved.refunds[0].status is REFUND_NEXT.get((status, event), status)
    assert moved.status is Status.SETTLED


def test_each_fact_of_a_refund_has_a_row_in_both_tables() -> None:
    facts = {kind for kind in EVENTS if "refund_id" in kind.__struct_fields__}

    assert facts == {*REFUND_EVENTS, e.RefundRequested}


def test_a_confirmed_or_failed_refund_is_over() -> None:
    over = (RefundStatus.CONFIRMED, RefundStatus.FAILED)

    assert not [pair for pair in REFUND_NEXT if pair[0] in over]


def test_journal_entries_and_later_kinds_of_facts_leave_the_payment_as_it_is() -> None:
    class Later(DomainEvent):
        words: str = ""

    state = payment(Status.SETTLED)

    assert evolve(state, Later(occurred_at=after(1))) is state


def reachable(start: object, ways: set[tuple[object, object]]) -> set[object]:
    found, todo = {start}, [start]
    while todo:
        here = todo.pop()
        new = {there for one, there in ways if one == here} - found
        found |= new
        todo += new
    return found

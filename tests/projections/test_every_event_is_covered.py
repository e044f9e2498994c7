"""No event falls between: each read model of its area follows it, or says that it has no effect."""

from typing import Any

import pytest

from ledger.events import TOPICS, DomainEvent
from ledger.journal.events import EntryPosted, PeriodClosed
from ledger.payments import events as e
from projections import (
    READ_MODELS,
    billing_events,
    bills,
    due_work,
    method_health,
    payment_events,
    payments,
    recurring_revenue,
    subscriptions,
)
from projections.engine.read_model import ReadModel


def facts_of(area: str) -> list[type[DomainEvent]]:
    return [event for topic, event in TOPICS.items() if topic.startswith(f"{area}.")]


FACTS = facts_of("payment")
READ_MODELS_OF_PAYMENTS = {
    "payments": (frozenset(payments.COVERED), frozenset(payments.WITHOUT_EFFECT)),
    "payment_events": (frozenset(payment_events.FOLLOWS), frozenset(payment_events.WITHOUT_EFFECT)),
    "method_health": (frozenset(method_health.FOLLOWS), frozenset(method_health.WITHOUT_EFFECT)),
    "due_work": (frozenset(due_work.FOLLOWS), frozenset(due_work.WITHOUT_EFFECT)),
}


@pytest.mark.parametrize("name", READ_MODELS_OF_PAYMENTS)
@pytest.mark.parametrize("event", [*FACTS, EntryPosted], ids=lambda event: event.TOPIC)
def test_each_fact_has_an_effect_or_is_listed_without_one(
    name: str, event: type[DomainEvent]
) -> None:
    covered, without = READ_MODELS_OF_PAYMENTS[name]

    assert (event in covered) != (event in without)


BILLS = [event for topic, event in TOPICS.items() if topic.startswith("bill.")]


@pytest.mark.parametrize("event", BILLS, ids=lambda event: event.TOPIC)
def test_each_fact_of_a_bill_begins_or_ends_work_or_is_listed_without_any(
    event: type[DomainEvent],
) -> None:
    assert (event in due_work.FOLLOWS) != (event in due_work.WITHOUT_EFFECT)


BILLING: dict[str, tuple[ReadModel, ...]] = {
    "subscription": (due_work, subscriptions, billing_events, recurring_revenue),
    "bill": (due_work, bills, billing_events),
}
COVERED = [
    (area, model, event)
    for area, models in BILLING.items()
    for model in models
    for event in facts_of(area)
]


@pytest.mark.parametrize(("area", "model", "event"), COVERED)
def test_each_fact_of_billing_has_an_effect_or_is_listed_without_one(
    area: str, model: Any, event: type[DomainEvent]
) -> None:
    assert (event in model.FOLLOWS) != (event in model.WITHOUT_EFFECT)


def test_there_are_facts_to_cover() -> None:
    assert len(FACTS) >= 30
    assert {area: len(facts_of(area)) >= 14 for area in BILLING} == {
        "subscription": True,
        "bill": True,
    }
    assert len(BILLS) >= 14


def test_no_event_begins_the_same_work_twice() -> None:
    begun = [(rule.event, rule.begins) for rule in due_work.RULES if rule.begins]

    assert len(set(begun)) == len(begun)
    assert len(set(due_work.RULES)) == len(due_work.RULES)


def test_every_word_for_a_status_is_one_of_the_published_ones() -> None:
    assert set(payments.STATUS.values()) == {
        *(
            "requested",
            "dispatched",
            "unknown",
            "pending",
            "challenged",
            "authorised",
            "captured",
            "settled",
        ),
        *("denied", "failed", "cancelled", "expired", "reversed", "charged_back"),
    }


def test_each_event_leads_to_one_status_only() -> None:
    leads = [(event, to) for _, event, to in payments.TRANSITIONS if to is not None]

    assert len({event for event, _ in leads}) == len(set(leads))


def test_each_read_model_has_its_tables_in_its_sql() -> None:
    for model in READ_MODELS:
        for table in model.TABLES:
            assert f"create table {table} (".encode() in model.SQL["create"]


def test_money_follows_only_entries_and_what_says_which_day_they_count_for() -> None:
    assert (EntryPosted,) == READ_MODELS[0].FOLLOWS
    assert (EntryPosted, PeriodClosed) == READ_MODELS[1].FOLLOWS
    assert e.PaymentCaptured not in READ_MODELS[0].FOLLOWS

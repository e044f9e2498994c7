"""The life of a plan, as its decider tells it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.errors import LedgerError
from ledger.journal.chart import AccountPartInvalid
from ledger.money import CurrencyUnknown, Money
from ledger.plans.events import PlanCreated, PlanRetired, PlanVersionAdded
from ledger.plans.plan import (
    PLAN,
    AddPlanVersion,
    CreatePlan,
    PlanExists,
    PlanIsRetired,
    PlanNotFound,
    RetirePlan,
)
from ledger.plans.terms import HIGHEST_PRICE, PlanIdMalformed, PlanTerms, PlanTermsRefused
from ledger.subscriptions.periods import Interval
from ledger.subscriptions.policies import DunningPolicyUnknown
from support.scenario import Scenario

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
TERMS = PlanTerms(
    version=1,
    name="Premium, monthly",
    product="premium_monthly",
    price=Money(99_000),
    interval=Interval("month"),
)
DEARER = replace(TERMS, price=Money(129_000))
CREATED = PlanCreated(occurred_at=NOW, plan_id="premium_monthly", terms=TERMS)
ADDED = PlanVersionAdded(occurred_at=LATER, terms=replace(DEARER, version=2))
RETIRED = PlanRetired(occurred_at=LATER)


def plan() -> Scenario[Any, Any]:
    return Scenario(PLAN)


def create(plan_id: str = "premium_monthly", **changes: Any) -> CreatePlan:
    return CreatePlan(now=NOW, plan_id=plan_id, terms=replace(TERMS, **changes))


def test_a_plan_is_created_in_its_first_version_whatever_was_said() -> None:
    plan().when(create(version=7)).then(CREATED)


def test_a_plan_is_created_once() -> None:
    plan().given(CREATED).when(create()).then_refused(PlanExists)


def test_a_new_price_is_a_new_version_and_the_old_one_stays() -> None:
    scenario = plan().given(CREATED).when(AddPlanVersion(now=LATER, terms=DEARER)).then(ADDED)

    assert scenario.state.versions == (TERMS, ADDED.terms)
    assert scenario.state.on_sale == ADDED.terms


def test_what_is_sold_already_is_no_new_version() -> None:
    again = AddPlanVersion(now=LATER, terms=replace(DEARER, version=9))

    plan().given(CREATED, ADDED).when(again).then_nothing()


def test_an_earlier_price_may_come_back() -> None:
    back = AddPlanVersion(now=LATER, terms=TERMS)

    plan().given(CREATED, ADDED).when(back).then(
        PlanVersionAdded(occurred_at=LATER, terms=replace(TERMS, version=3))
    )


def test_a_retired_plan_is_not_sold_in_any_version() -> None:
    scenario = plan().given(CREATED).when(RetirePlan(now=LATER)).then(RETIRED)

    assert scenario.state.terms == TERMS
    scenario.when(RetirePlan(now=LATER)).then_nothing()
    scenario.when(AddPlanVersion(now=LATER, terms=DEARER)).then_refused(PlanIsRetired)
    with pytest.raises(PlanIsRetired):
        scenario.state.on_sale  # noqa: B018  raises


@pytest.mark.parametrize("command", [AddPlanVersion(now=NOW, terms=TERMS), RetirePlan(now=NOW)])
def test_what_was_not_created_cannot_be_changed(command: Any) -> None:
    plan().when(command).then_refused(PlanNotFound)


def test_a_plan_may_be_free_and_as_dear_as_any_method_takes() -> None:
    for minor in (0, HIGHEST_PRICE):
        plan().when(create(price=Money(minor))).then(PlanCreated)


@pytest.mark.parametrize(
    ("changes", "refusal", "field"),
    [
        ({"plan_id": ""}, PlanIdMalformed, None),
        ({"plan_id": "-a"}, PlanIdMalformed, None),
        ({"plan_id": "a:b"}, PlanIdMalformed, None),
        ({"plan_id": "a\n"}, PlanIdMalformed, None),
        ({"plan_id": "a" * 65}, PlanIdMalformed, None),
        ({"product": "a:b"}, AccountPartInvalid, None),
        ({"price": Money(1, "USD")}, CurrencyUnknown, None),
        ({"price": Money(-1)}, PlanTermsRefused, "price"),
        ({"price": Money(HIGHEST_PRICE + 1)}, PlanTermsRefused, "price"),
        ({"interval": Interval("month", 0)}, PlanTermsRefused, "interval"),
        ({"interval": Interval("year", 4)}, PlanTermsRefused, "interval"),
        ({"trial_days": -1}, PlanTermsRefused, "trial_days"),
        ({"trial_days": 731}, PlanTermsRefused, "trial_days"),
        ({"issued_days_ahead": -1}, PlanTermsRefused, "issued_days_ahead"),
        ({"issued_days_ahead": 31}, PlanTermsRefused, "issued_days_ahead"),
        ({"name": ""}, PlanTermsRefused, "name"),
        ({"name": "a\nb"}, PlanTermsRefused, "name"),
        ({"name": "a" * 256}, PlanTermsRefused, "name"),
        ({"dunning_policy": "merciless"}, DunningPolicyUnknown, None),
    ],
)
def test_an_unreasonable_plan_is_refused(
    changes: dict[str, Any], refusal: type[LedgerError], field: str | None
) -> None:
    refused = plan().when(create(**changes)).then_refused(refusal)

    assert refused.context.get("field") == field
    if "plan_id" not in changes:
        version = AddPlanVersion(now=LATER, terms=replace(TERMS, **changes))
        plan().given(CREATED).when(version).then_refused(refusal)


def test_a_plan_is_its_own_product_unless_said_and_stays_it() -> None:
    own = plan().when(create(product=""))
    assert own.state.terms.product == "premium_monthly"

    said = plan().when(create(product="Premium"))
    said.when(AddPlanVersion(now=LATER, terms=replace(DEARER, product="")))
    assert said.state.terms.product == "Premium"

"""The life of a plan: created, sold in newer and newer versions, perhaps retired (twice is once)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from ledger.decider import Decider
from ledger.errors import Conflict, NotFound
from ledger.events import DomainEvent
from ledger.plans.events import PlanCreated, PlanEvent, PlanRetired, PlanVersionAdded
from ledger.plans.terms import PlanTerms, check_plan_id, check_terms


class PlanNotFound(NotFound):
    code = "plan_not_found"
    title = "There is no plan under this id."


class PlanExists(Conflict):
    code = "plan_exists"
    title = "This plan id is taken; a new price is a new version of the plan."


class PlanIsRetired(Conflict):
    code = "plan_retired"
    title = "This plan is not sold any more."


class Plan(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`versions` is empty until the plan exists."""

    plan_id: str = ""
    versions: tuple[PlanTerms, ...] = ()
    created_at: datetime | None = None
    retired_at: datetime | None = None

    @property
    def terms(self) -> PlanTerms:
        """Those that are sold; raises PlanNotFound on an empty stream."""
        if not self.versions:
            raise PlanNotFound()
        return self.versions[-1]

    @property
    def on_sale(self) -> PlanTerms:
        """Raises PlanNotFound or PlanIsRetired."""
        terms = self.terms
        if self.retired_at:
            raise PlanIsRetired()
        return terms


class CreatePlan(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Without a product, the plan is its own."""

    now: datetime
    plan_id: str
    terms: PlanTerms


class AddPlanVersion(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Without a product, it stays what it was."""

    now: datetime
    terms: PlanTerms


class RetirePlan(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime


Command = CreatePlan | AddPlanVersion | RetirePlan


def decide(plan: Plan, command: Command) -> Sequence[PlanEvent]:
    match command:
        case CreatePlan():
            return create(plan, command)
        case AddPlanVersion():
            return add_version(plan, command)
        case RetirePlan():
            return retire(plan, command)


def create(plan: Plan, command: CreatePlan) -> Sequence[PlanEvent]:
    if plan.versions:
        raise PlanExists()
    product = command.terms.product or command.plan_id
    terms = check_terms(msgspec.structs.replace(command.terms, version=1, product=product))
    return [
        PlanCreated(occurred_at=command.now, plan_id=check_plan_id(command.plan_id), terms=terms)
    ]


def add_version(plan: Plan, command: AddPlanVersion) -> Sequence[PlanEvent]:
    """The version is counted here. Terms that are sold already are no new version."""
    newest = plan.on_sale
    product = command.terms.product or newest.product
    terms = msgspec.structs.replace(command.terms, version=newest.version, product=product)
    if terms == newest:
        return []
    following = check_terms(msgspec.structs.replace(terms, version=newest.version + 1))
    return [PlanVersionAdded(occurred_at=command.now, terms=following)]


def retire(plan: Plan, command: RetirePlan) -> Sequence[PlanEvent]:
    plan.terms  # noqa: B018  raises on an empty stream
    return [] if plan.retired_at else [PlanRetired(occurred_at=command.now)]


def evolve(plan: Plan, event: DomainEvent) -> Plan:
    match event:
        case PlanCreated():
            return Plan(
                plan_id=event.plan_id, versions=(event.terms,), created_at=event.occurred_at
            )
        case PlanVersionAdded():
            return msgspec.structs.replace(plan, versions=(*plan.versions, event.terms))
        case PlanRetired():
            return msgspec.structs.replace(plan, retired_at=event.occurred_at)
    return plan


PLAN: Final[Decider[Plan, Command]] = Decider(Plan(), decide, evolve)

"""What can happen to a plan. Terms that were added are never changed, only followed by others."""

from ledger.events import DomainEvent
from ledger.plans.terms import PlanTerms


class PlanCreated(DomainEvent, topic="plan.created.v1"):
    plan_id: str
    terms: PlanTerms


class PlanVersionAdded(DomainEvent, topic="plan.version_added.v1"):
    """Sold from now on; running subscriptions keep the version they have."""

    terms: PlanTerms


class PlanRetired(DomainEvent, topic="plan.retired.v1"):
    """No new subscriptions; running ones go on."""


PlanEvent = PlanCreated | PlanVersionAdded | PlanRetired

"""Plans in the log. The only file of this area that does I/O."""

from dataclasses import dataclass

from ledger import clock
from ledger.clock import Clock
from ledger.eventstore.store import Context, EventStore, Executed
from ledger.plans.plan import (
    PLAN,
    AddPlanVersion,
    Command,
    CreatePlan,
    Plan,
    PlanNotFound,
    RetirePlan,
)
from ledger.plans.terms import STREAM, PlanTerms, check_plan_id


def stream_of(plan_id: str) -> str:
    return f"{STREAM}{check_plan_id(plan_id)}"


@dataclass(frozen=True, kw_only=True)
class PlanService:
    store: EventStore
    now: Clock = clock.now

    async def create(self, plan_id: str, terms: PlanTerms, context: Context) -> Plan:
        """`terms.version` is counted here, as in `add_version`."""
        command = CreatePlan(now=self.now(), plan_id=plan_id, terms=terms)
        return (await self._execute(plan_id, command, context)).state

    async def add_version(self, plan_id: str, terms: PlanTerms, context: Context) -> Plan:
        command = AddPlanVersion(now=self.now(), terms=terms)
        return (await self._execute(plan_id, command, context)).state

    async def retire(self, plan_id: str, context: Context) -> Plan:
        return (await self._execute(plan_id, RetirePlan(now=self.now()), context)).state

    async def get(self, plan_id: str) -> Plan:
        """Raises PlanNotFound."""
        plan = (await self.store.load(PLAN, stream_of(plan_id))).state
        if not plan.versions:
            raise PlanNotFound()
        return plan

    async def _execute(self, plan_id: str, command: Command, context: Context) -> Executed[Plan]:
        return await self.store.execute(PLAN, stream_of(plan_id), command, context)

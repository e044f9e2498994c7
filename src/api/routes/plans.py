"""Plans: what is sold again and again. A change is a new version; what runs keeps its own."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api.idempotency import Answer, MayRepeat
from api.pagination import DEFAULT_SIZE, PageCursor, PageSize
from api.plan_bodies import PlanBody, VersionBody
from api.plan_views import PlanPage, PlanRowView, PlanView
from api.routes.parts import MayChangePlans, MayReadPlans, Wired, acting, as_of, cut
from api.strict_json import StrictRoute
from ledger.eventstore.store import Context
from ledger.plans.terms import PLAN_ID
from projections import plans as plan_rows

router = APIRouter(prefix="/api/v1/plans", tags=["plans"], route_class=StrictRoute)

PlanId = Annotated[str, Path(pattern=f"^{PLAN_ID}$")]


@router.post("", status_code=201, response_model=PlanView, response_model_exclude_none=True)
async def create_plan(
    body: PlanBody, caller: MayChangePlans, once: MayRepeat, wired: Wired
) -> Response:
    async def work(context: Context) -> Answer:
        plan = await wired.plans.create(body.plan_id, body.terms(), context)
        return Answer(201, PlanView.of(plan))

    return await once(caller, body, work)


@router.get("", response_model=PlanPage)
async def list_plans(
    caller: MayReadPlans,
    wired: Wired,
    retired: Annotated[bool | None, Query(description="Only those, or only the others.")] = None,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> PlanPage:
    """Newest first, each in the version that is sold."""
    listing = f"plans {retired}"
    after = wired.cursors.read(listing, cursor, tuple[int]) if cursor else None
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows, more = cut(await plan_rows.page(conn, retired, after, size + 1), size)
    return PlanPage(
        plans=[PlanRowView.of(row) for row in rows],
        next_cursor=wired.cursors.write(listing, (rows[-1]["first_position"],)) if more else None,
        as_of=fresh,
    )


@router.get("/{plan_id}", response_model=PlanView, response_model_exclude_none=True)
async def get_plan(plan_id: PlanId, caller: MayReadPlans, wired: Wired) -> PlanView:
    return PlanView.of(await wired.plans.get(plan_id))


@router.post(
    "/{plan_id}/versions",
    status_code=201,
    response_model=PlanView,
    response_model_exclude_none=True,
)
async def add_plan_version(
    plan_id: PlanId, body: VersionBody, caller: MayChangePlans, once: MayRepeat, wired: Wired
) -> Response:
    """Sold from now on. Subscriptions that run keep the version they have."""

    async def work(context: Context) -> Answer:
        plan = await wired.plans.add_version(plan_id, body.terms(), context)
        return Answer(201, PlanView.of(plan))

    return await once(caller, body, work)


@router.delete("/{plan_id}", response_model=PlanView, response_model_exclude_none=True)
async def retire_plan(
    request: Request, plan_id: PlanId, caller: MayChangePlans, wired: Wired
) -> PlanView:
    """No new subscriptions; those that run go on. Twice is once."""
    return PlanView.of(await wired.plans.retire(plan_id, acting(request, caller)))

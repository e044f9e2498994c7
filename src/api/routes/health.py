"""Is it alive, is it ready, how does it fare."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.routes.parts import MayReadMetrics, Wired, as_of
from api.views import FreshnessView, View
from ledger.errors import Unavailable

router = APIRouter(tags=["operations"])

MOST_EVENTS_BEHIND = 50_000


class NotReady(Unavailable):
    code = "not_ready"
    title = "This process cannot serve yet; ask again."


class Health(View):
    status: str


class Readiness(View):
    status: str
    read_models: FreshnessView
    waiting_appends: int


@router.get("/health", response_model=Health)
async def health() -> Health:
    """The process runs. It asks nobody else."""
    return Health(status="ok")


@router.get("/ready", response_model=Readiness)
async def ready(wired: Wired) -> Readiness:
    """PostgreSQL answers and the read models are not far behind."""
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
    if fresh.behind > MOST_EVENTS_BEHIND:
        raise NotReady(behind=fresh.behind)
    return Readiness(
        status="ready", read_models=fresh, waiting_appends=wired.recorder.committer.queued
    )


@router.get("/metrics", response_class=Response)
async def metrics(caller: MayReadMetrics) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

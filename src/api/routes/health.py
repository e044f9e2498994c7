"""Is it alive, is it ready, how does it fare."""

from contextlib import suppress
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.routes.parts import MayReadMetrics, Wired, as_of
from api.seal_condition import behind
from api.views import FreshnessView, View
from api.wiring import Wiring
from ledger import clock
from ledger.errors import Unavailable
from ledger.eventstore.group_call import StoreUnavailable
from ledger.telemetry import (
    CLOCK_SIMULATED,
    PROJECTION_LAG,
    PROJECTION_QUARANTINED,
    SEAL_AGE,
    UNSEALED,
)
from projections.condition import Condition, conditions

router = APIRouter(tags=["operations"])

MOST_EVENTS_BEHIND = 50_000
MEASURED_WITHIN_SECONDS = 1.0
MOST_SECONDS_BEHIND = 60.0  # of money (reliability.md 4.13)


class NotReady(Unavailable):
    code = "not_ready"
    title = "This process cannot serve yet; ask again."


class Health(View):
    status: str
    clock: Literal["real", "simulated"]
    now: datetime


class Readiness(View):
    status: str
    read_models: FreshnessView
    waiting_appends: int


@router.get("/health", response_model=Health)
async def health(wired: Wired) -> Health:
    """The process runs, and by which time. It asks nobody else."""
    by: Literal["real", "simulated"] = "simulated" if wired.simulated_clock else "real"
    return Health(status="ok", clock=by, now=clock.now())


@router.get("/ready", response_model=Readiness)
async def ready(wired: Wired) -> Readiness:
    """PostgreSQL answers, the read models are not far behind, and those of money do not stand still."""
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        groups = await conditions(conn)
    _require_soundness([group for group in groups if group.must_be_right])
    if fresh.behind > MOST_EVENTS_BEHIND:
        raise NotReady(behind=fresh.behind)
    return Readiness(
        status="ready", read_models=fresh, waiting_appends=wired.recorder.committer.queued
    )


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, wired: Wired, caller: MayReadMetrics) -> Response:
    """In Prometheus' text format. While PostgreSQL is away, how read models and seals fare is as it was."""
    CLOCK_SIMULATED.set(wired.simulated_clock is not None)
    with suppress(StoreUnavailable):
        await request.app.state.background.within(MEASURED_WITHIN_SECONDS, _measure(wired))
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _require_soundness(groups: list[Condition]) -> None:
    for group in groups:
        if event := group.halted:
            raise NotReady(
                f"The read models of {group.group} have halted at position {event.position}.",
                group=group.group,
                halted_at=event.position,
                because=event.code or event.error,
                behind=group.lag,
            )
        if group.lag_seconds > MOST_SECONDS_BEHIND:
            raise NotReady(
                f"The read models of {group.group} are {group.lag_seconds:.0f} seconds behind.",
                group=group.group,
                behind=group.lag,
                behind_seconds=round(group.lag_seconds),
            )


async def _measure(wired: Wiring) -> None:
    async with wired.readers.connection() as conn:
        for group in await conditions(conn):
            PROJECTION_LAG.labels(group.group).set(group.lag)
            PROJECTION_QUARANTINED.labels(group.group, "halted").set(group.halted is not None)
            PROJECTION_QUARANTINED.labels(group.group, "parked").set(len(group.parked))
        unsealed, age = await behind(conn)
        UNSEALED.set(unsealed)
        SEAL_AGE.set(age)

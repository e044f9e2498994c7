"""Reports: the views for reporting jobs as files, and what is behind the figures of recurring revenue."""

from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import StreamingResponse

from api.pagination import DEFAULT_SIZE, PageCursor, PageSize
from api.report_answers import (
    BY_NAME,
    Accept,
    AsOfPosition,
    From,
    MinPosition,
    ReportView,
    To,
    UntilSent,
    accepted,
    asked_for,
    packed,
    report,
    reports,
    streamed,
)
from api.report_views import MovementPage, MovementView, StandingPage, in_words
from api.routes.parts import MayReadReports, Wired, as_of, cut
from api.strict_json import StrictRoute
from projections import recurring_revenue
from projections.recurring_revenue import Kind
from projections.reporting.sheets import FORMATS, FormatName

router = APIRouter(prefix="/api/v1/reports", tags=["reports"], route_class=StrictRoute)

MONTH: Final = r"^20\d{2}-(0[1-9]|1[0-2])$"
OTHER_FORMATS: Final = {
    form.media_type.split(";")[0]: {"schema": {"type": "string", "format": "binary"}}
    for name, form in FORMATS.items()
    if name != "json"
}
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": ReportView, "content": OTHER_FORMATS}
}

ARCHIVE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}

Name = Annotated[str, Path(max_length=40, json_schema_extra={"enum": list(BY_NAME)})]
Names = Annotated[
    str, Query(max_length=400, description="Separated by commas; without it, all of them.")
]
Month = Annotated[str, Path(pattern=MONTH, description="As `2026-03`, in Jakarta.")]


@router.get("/{name}", response_class=StreamingResponse, responses=ANSWERS)
async def get_report(
    name: Name,
    caller: MayReadReports,
    wired: Wired,
    held: UntilSent,
    first: From = None,
    last: To = None,
    form: Annotated[FormatName | None, Query(alias="format")] = None,
    position: AsOfPosition = None,
    at_least: MinPosition = 0,
    accept: Accept = "*/*",
) -> StreamingResponse:
    """All rows of a view, as of one position of the log, which `Bukubesar-Position` and the answer name."""
    wanted = form or accepted(accept)
    asked = await asked_for(wired, (report(name),), first, last, position, at_least)
    return await streamed(wired, held, asked, wanted)


@router.get("", response_class=StreamingResponse, responses=ARCHIVE)
async def get_reports(
    caller: MayReadReports,
    wired: Wired,
    held: UntilSent,
    names: Names = "",
    first: From = None,
    last: To = None,
    form: Annotated[FormatName, Query(alias="format")] = "json",
    position: AsOfPosition = None,
    at_least: MinPosition = 0,
) -> StreamingResponse:
    """Several reports as files of one ZIP archive, all as of the same position of the log."""
    asked = await asked_for(wired, reports(names), first, last, position, at_least)
    return await packed(wired, held, asked, form)


@router.get("/recurring_revenue/{month}/movements", response_model=MovementPage)
async def list_movements(
    month: Month,
    caller: MayReadReports,
    wired: Wired,
    kind: Kind | None = None,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> MovementPage:
    """What moved recurring revenue in a month, in the order in which it took effect."""
    listing, day = f"movements {month} {kind}", _first_day(month)
    after = wired.cursors.read(listing, cursor, tuple[datetime, int, str]) if cursor else None
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        found = await recurring_revenue.movements(conn, day, kind, after, size + 1)
    rows, more = cut(found, size)
    last = rows[-1] if more else None
    place = last and (last["moment"], last["position"], last["subscription_id"])
    return MovementPage(
        month=in_words(day),
        movements=[MovementView.of(row) for row in rows],
        next_cursor=place and wired.cursors.write(listing, place),
        as_of=fresh,
    )


@router.get("/recurring_revenue/{month}/subscriptions", response_model=StandingPage)
async def list_standing(
    month: Month,
    caller: MayReadReports,
    wired: Wired,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> StandingPage:
    """What recurring revenue is made of at the end of a month: their levels sum to it."""
    listing, day = f"standing {month}", _first_day(month)
    (after,) = wired.cursors.read(listing, cursor, tuple[str]) if cursor else ("",)
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows, more = cut(await recurring_revenue.standing_at_end(conn, day, after, size + 1), size)
    last = (rows[-1]["subscription_id"],) if more else None
    return StandingPage(
        month=in_words(day),
        subscriptions=[MovementView.of(row) for row in rows],
        next_cursor=last and wired.cursors.write(listing, last),
        as_of=fresh,
    )


def _first_day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")

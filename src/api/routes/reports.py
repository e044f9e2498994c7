"""Reports: what subscriptions bring a month, down to the events behind each figure."""

from datetime import date, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from api.pagination import DEFAULT_SIZE, PageCursor, PageSize
from api.report_views import (
    MonthView,
    MovementPage,
    MovementView,
    RecurringReport,
    StandingPage,
    in_words,
)
from api.routes.parts import MayReadReports, Wired, as_of, cut
from api.strict_json import StrictRoute
from ledger.errors import Rejected
from projections import recurring_revenue
from projections.recurring_figures import figures
from projections.recurring_revenue import Kind

router = APIRouter(prefix="/api/v1/reports", tags=["reports"], route_class=StrictRoute)

MONTH: Final = r"^20\d{2}-(0[1-9]|1[0-2])$"
MOST_MONTHS: Final = 120
CURRENCY: Final = "IDR"

Month = Annotated[str, Path(pattern=MONTH, description="As `2026-03`, in Jakarta.")]


class ReportRangeInvalid(Rejected):
    code = "report_range_invalid"
    title = "A report goes from a month to the same or a later one, over 120 months at most."


@router.get("/recurring", response_model=RecurringReport)
async def recurring(
    caller: MayReadReports,
    wired: Wired,
    first: Annotated[str, Query(alias="from", pattern=MONTH, description="As `2026-01`.")],
    last: Annotated[str, Query(alias="to", pattern=MONTH)],
) -> RecurringReport:
    """MRR, its movements, churn and revenue per customer, month by month."""
    begins, ends = _first_day(first), _first_day(last)
    if not 0 <= (ends.year - begins.year) * 12 + ends.month - begins.month < MOST_MONTHS:
        raise ReportRangeInvalid(most_months=MOST_MONTHS)
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows = await recurring_revenue.by_month(conn, CURRENCY, ends)
    months = [MonthView.of(month) for month in figures(rows, begins, ends)]
    return RecurringReport(currency=CURRENCY, months=months, as_of=fresh)


@router.get("/recurring/{month}/movements", response_model=MovementPage)
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


@router.get("/recurring/{month}/subscriptions", response_model=StandingPage)
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

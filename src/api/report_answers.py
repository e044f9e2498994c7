"""How a report goes out: as of which position, in which format, and never whole in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, Header, Query
from pydantic import BeforeValidator, Field
from starlette.responses import StreamingResponse

from api.two_times import LAST_POSITION, day_in_words
from api.views import FreshnessView, View
from api.wiring import Wiring
from ledger.errors import NotFound, Rejected
from projections.points import end_of_append
from projections.reporting import REPORTS
from projections.reporting.archive import Archive
from projections.reporting.reading import Asked, Opened, opened
from projections.reporting.sheets import FORMATS, AsOf, FormatName, Head, Packed, Range, Rows, Sheet
from projections.reporting.view import Report

LONGEST_SECONDS: Final = (
    600.0  # of a caller who reads slowly; meanwhile old rows cannot be cleared away
)
POSITION: Final = "Bukubesar-Position"
BY_NAME: Final = {report.name: report for report in REPORTS}

Day = Annotated[date, Field(strict=True, ge=date(2000, 1, 1), le=date(2199, 12, 31))]
From = Annotated[
    Day | None,
    Query(alias="from", description="The first day, in Jakarta; of months, any day of it."),
    BeforeValidator(day_in_words),
]
To = Annotated[
    Day | None,
    Query(alias="to", description="The last day, included."),
    BeforeValidator(day_in_words),
]
MinPosition = Annotated[
    int,
    Query(
        alias="minPosition",
        ge=0,
        le=LAST_POSITION,
        description="Of the log, as another answer named it: this is waited for, two seconds at most.",
    ),
]
AsOfPosition = Annotated[
    int | None,
    Query(
        alias="asOf",
        ge=1,
        le=LAST_POSITION,
        description="Exactly this position, or 409: `report_position_passed` where a report shows only how"
        " things stand.",
    ),
]
Accept = Annotated[str, Header(max_length=1_000, description="Where `format` is not sent.")]


class ReportUnknown(NotFound):
    code = "report_unknown"
    title = "There is no such report."


class ReportRangeInvalid(Rejected):
    code = "report_range_invalid"
    title = "A report goes from a day to the same or a later one."


class ReportFormatNotAcceptable(Rejected):
    code = "report_format_not_acceptable"
    title = "Reports are given as JSON, CSV or Parquet; Accept names none of them."


class RangeView(View):
    column: str
    zone: str


class ColumnView(View):
    name: str
    type: str
    unit: str


class ReportView(View):
    """The rows are as of `position`. Their keys are the columns of the view as docs/reporting.md has them.
    `count` stands last: an answer without it is cut off.
    """

    report: str
    position: int
    as_of: FreshnessView
    from_: Annotated[date | None, Field(alias="from")]
    to: date | None
    range: RangeView
    columns: list[ColumnView]
    rows: list[dict[str, Any]]
    count: int


def report(name: str) -> Report:
    """Raises ReportUnknown."""
    if name not in BY_NAME:
        raise ReportUnknown(known=list(BY_NAME))
    return BY_NAME[name]


def reports(names: str) -> tuple[Report, ...]:
    """All of them where none is named. Raises ReportUnknown."""
    return tuple(map(report, dict.fromkeys(names.split(",")))) if names else REPORTS


def accepted(accept: str) -> FormatName:
    """The format that a caller likes best; JSON where all are alike. Raises ReportFormatNotAcceptable."""
    liked = dict(map(_liking, accept.split(",")))
    best: tuple[float, FormatName] | None = None
    for name, form in FORMATS.items():
        kind = form.media_type.split(";")[0]
        asked = [kind, f"{kind.split('/')[0]}/*", "*/*"]
        liking = next((liked[one] for one in asked if one in liked), 0.0)
        if liking and (best is None or liking > best[0]):
            best = liking, name
    if best is None:
        raise ReportFormatNotAcceptable(known=[form.media_type for form in FORMATS.values()])
    return best[1]


def _liking(part: str) -> tuple[str, float]:
    kind, *parameters = (word.strip().lower() for word in part.split(";"))
    given = next((word[2:] for word in parameters if word.startswith("q=")), "1")
    try:
        return kind, float(given)
    except ValueError:
        return kind, 0.0


async def until_sent() -> AsyncIterator[AsyncExitStack]:
    """What is entered here is left once the answer is out, or its caller gone."""
    async with AsyncExitStack() as held:
        yield held


UntilSent = Annotated[AsyncExitStack, Depends(until_sent)]


async def asked_for(
    wired: Wiring,
    wanted: tuple[Report, ...],
    first: date | None,
    last: date | None,
    as_of: int | None,
    at_least: int,
) -> Asked:
    """Raises ReportRangeInvalid, PositionNotReached."""
    if first and last and first > last:
        raise ReportRangeInvalid()
    if as_of is not None:
        async with wired.readers.connection() as conn:
            as_of = await end_of_append(conn, as_of)
    return Asked(reports=wanted, first=first, last=last, as_of=as_of, at_least=at_least)


async def streamed(
    wired: Wiring, held: AsyncExitStack, asked: Asked, form: FormatName
) -> StreamingResponse:
    """One report. Its first rows are there before the answer begins: what goes wrong until then is told
    properly.
    """
    found = await _opened(wired, held, asked)
    (one,) = asked.reports
    batches = found.batches(one)
    first: Rows = await anext(batches, [])
    sheet = FORMATS[form].sheet(one, _head(found, one))
    return _answer(
        _pieces(sheet, first, batches),
        found,
        FORMATS[form].media_type,
        f"{one.name}-{found.position}.{form}",
    )


async def packed(
    wired: Wiring, held: AsyncExitStack, asked: Asked, form: FormatName
) -> StreamingResponse:
    """Several reports as of the same position, in a ZIP archive."""
    found = await _opened(wired, held, asked)
    name = f"reports-{found.position}.zip"
    return _answer(_members(found, form), found, "application/zip", name)


async def _opened(wired: Wiring, held: AsyncExitStack, asked: Asked) -> Opened:
    loan = await held.enter_async_context(wired.reporters.loan())
    found = await held.enter_async_context(opened(loan.conn, asked))
    loan.extend(LONGEST_SECONDS)
    return found


def _answer(
    pieces: AsyncIterator[bytes], found: Opened, media_type: str, name: str
) -> StreamingResponse:
    kind = "inline" if name.endswith(".json") else "attachment"
    return StreamingResponse(
        pieces,
        media_type=media_type,
        headers={
            POSITION: str(found.position),
            "Vary": "Accept",
            "Content-Disposition": f'{kind}; filename="{name}"',
        },
    )


async def _pieces(sheet: Sheet, first: Rows, more: AsyncIterator[Rows]) -> AsyncIterator[bytes]:
    # In threads: to write five thousand rows takes long enough for others to notice.
    yield await asyncio.to_thread(sheet.begin)
    rows: Rows = first
    while rows:
        yield await asyncio.to_thread(sheet.rows, rows)
        rows = await anext(more, [])
    yield await asyncio.to_thread(sheet.end)


async def _members(found: Opened, form: FormatName) -> AsyncIterator[bytes]:
    archive = Archive()
    yield archive.add("reports.json", msgspec.json.encode(_about(found)))
    for one in found.asked.reports:
        sheet = FORMATS[form].sheet(one, _head(found, one))
        yield await asyncio.to_thread(archive.begin, f"{one.name}.{form}", sheet)
        async for rows in found.batches(one):
            yield await asyncio.to_thread(archive.rows, rows)
        yield await asyncio.to_thread(archive.end)
    yield archive.close()


def _head(found: Opened, one: Report) -> Head:
    return Head(
        report=one.name,
        position=found.position,
        as_of=_as_of(found),
        first=found.asked.first,
        last=found.asked.last,
        range=Range(column=one.by),
    )


def _about(found: Opened) -> Packed:
    return Packed(
        reports=[one.name for one in found.asked.reports],
        position=found.position,
        as_of=_as_of(found),
        first=found.asked.first,
        last=found.asked.last,
    )


def _as_of(found: Opened) -> AsOf:
    money, views = found.standing["money"], found.standing["views"]
    return AsOf(head=money.log_position, money=money.position, views=views.position)

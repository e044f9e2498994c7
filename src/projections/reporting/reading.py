"""Reports as of one position of the log: a snapshot in which the read models behind them stand there, and
their rows in batches.

A group of read models moves on batch by batch. What is read in one snapshot is as of the position of
its group; a report whose rows know their own position can also be read as of an earlier one, and so
together with one of the other group. A position in the middle of what was appended together is waited
out: a fact would show without its entry.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

import msgspec
import psycopg
from psycopg import sql as psql
from psycopg.rows import dict_row, tuple_row

from ledger import clock, deadline
from ledger.errors import Conflict
from projections.points import (
    LOOK_EVERY_SECONDS,
    MAY_LAG_SECONDS,
    PositionNotReached,
    ReadModelsBehind,
)
from projections.reporting.freshness import VIEW as FRESHNESS
from projections.reporting.view import Group, Report

BATCH: Final = 5_000  # rows

SNAPSHOT: Final = "set transaction isolation level repeatable read, read only"
# Before the snapshot begins: no other tables can be put in their place afterwards, of which it would
# see no row.
LOCK: Final = "lock table {views} in access share mode"
STANDING: Final = (
    "select read_group, position, is_whole, parked_streams, log_position from freshness"
)
ROWS: Final = "select {columns} from {view} where {since} and {until} order by {order}"

Connection = psycopg.AsyncConnection[Any]


class ReportPositionPassed(Conflict):
    code = "report_position_passed"
    title = "This report shows things as they stand, and the read models have gone on from that position."


class ReportIncomplete(Conflict):
    code = "report_incomplete"
    title = "Events could not be applied to the read models behind this report, so it would lack something."


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """`first` and `last` are days in Jakarta, both included; None: without that end. `as_of`: exactly
    this position. `at_least`: this one or a later one.
    """

    reports: tuple[Report, ...]
    first: date | None = None
    last: date | None = None
    as_of: int | None = None
    at_least: int = 0

    @property
    def groups(self) -> set[Group]:
        return {report.group for report in self.reports}


class Standing(NamedTuple):
    position: int
    is_whole: bool
    log_position: int
    parked_streams: int = 0


class Opened:
    """`position`: what all rows are as of. `standing` is of each group of read models."""

    def __init__(
        self, conn: Connection, asked: Asked, position: int, standing: Mapping[Group, Standing]
    ) -> None:
        self.asked, self.position, self.standing = asked, position, standing
        self._conn = conn

    async def batches(self, report: Report) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Values in the order of the report's columns; the first batch may take long. One report after
        the other.
        """
        since, until = _ends(self.asked, report)
        by, nothing = psql.Identifier(report.by), psql.SQL("true")
        query = psql.SQL(ROWS).format(
            columns=psql.SQL(", ").join(psql.Identifier(one.name) for one in report.columns),
            view=psql.Identifier(report.name),
            since=psql.SQL("{} >= {}").format(by, psql.Literal(since)) if since else nothing,
            until=psql.SQL("{} < {}").format(by, psql.Literal(until)) if until else nothing,
            order=psql.SQL(", ").join(map(psql.Identifier, report.order)),
        )
        cursor = psycopg.AsyncServerCursor(self._conn, report.name, row_factory=tuple_row)
        await cursor.execute(query, binary=True)
        while rows := await cursor.fetchmany(BATCH):
            yield rows
        await cursor.close()


@asynccontextmanager
async def opened(conn: Connection, asked: Asked) -> AsyncIterator[Opened]:
    """Waits until the read models are there, for as long as reads of a position do. `conn` has the role
    `reporting`. Raises PositionNotReached, ReadModelsBehind, ReportPositionPassed, ReportIncomplete.
    """
    give_up_at = clock.monotonic_seconds() + deadline.left(MAY_LAG_SECONDS)
    while True:
        async with conn.transaction():
            standing = await _begin(conn, asked)
            position = position_of(asked, standing)
            if position is not None:
                await _look_back(conn, position)
                yield Opened(conn, asked, position, standing)
                return
        if clock.monotonic_seconds() >= give_up_at:
            positions = [standing[group].position for group in asked.groups]
            wanted = max(asked.as_of or 0, asked.at_least, *positions)
            raise ReadModelsBehind(position=wanted, reached=min(positions))
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def position_of(asked: Asked, standing: Mapping[Group, Standing]) -> int | None:
    """What reports that are read now are as of; None: not yet what was asked for. Raises
    PositionNotReached, ReportPositionPassed, ReportIncomplete.
    """
    groups = [standing[group] for group in asked.groups]
    if parked := sum(group.parked_streams for group in groups):
        raise ReportIncomplete(streams=parked)
    # A group of which a report shows how things stand says the position; the other may be further.
    fixed = {standing[report.group] for report in asked.reports if not report.exact}
    says = min(fixed or groups, key=lambda group: group.position)
    position = says.position if asked.as_of is None else asked.as_of
    wanted = max(position, asked.at_least)
    if wanted > says.log_position:
        raise PositionNotReached(position=wanted)
    if any(group.position < wanted for group in groups):
        return None
    if asked.as_of is None:
        return position if says.is_whole else None
    if passed := [group.position for group in fixed if group.position > position]:
        raise ReportPositionPassed(position=position, reached=passed[0])
    return position


async def _begin(conn: Connection, asked: Asked) -> dict[Group, Standing]:
    await conn.execute(SNAPSHOT)
    names = [FRESHNESS.name, *(report.name for report in asked.reports)]
    views = psql.SQL(", ").join(map(psql.Identifier, names))
    await conn.execute(psql.SQL(LOCK).format(views=views))
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(STANDING)
    return {row.pop("read_group"): Standing(**row) for row in await cursor.fetchall()}


async def _look_back(conn: Connection, position: int) -> None:
    """For this transaction."""
    await conn.execute("select set_config('bukubesar.as_of_position', %s, true)", (str(position),))


def _ends(asked: Asked, report: Report) -> tuple[date | None, date | None]:
    """From when and until before when: days, or the moments at which they begin in Jakarta."""
    first, last = asked.first, asked.last
    if report.dated.unit == "month" and first:
        first = first.replace(day=1)
    end = last and last + timedelta(days=1)
    if report.dated.type == "date":
        return first, end
    return _midnight(first), _midnight(end)


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), clock.WIB) if day else None

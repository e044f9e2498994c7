"""Live read models against a replay, row by row: which rows differ, and how many of each table.

Tables whose digests are equal are not read again. In one snapshot, while work goes on.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from ledger import clock
from ledger.errors import NotFound
from ledger.eventstore.migrate import LogNames
from projections import READ_MODELS
from projections.auditing import Finding
from projections.comparing import is_same
from projections.engine.digests import Side, differences, layout
from projections.replaying import Report, replayed
from projections.steps import Progress, silent

ROWS_NAMED: Final = 20  # of each table
TABLES: Final = tuple(table for model in READ_MODELS for table in model.TABLES)


class TableUnknown(NotFound):
    code = "read_model_table_unknown"
    title = "No read model has a table of this name."


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """PostgreSQL's own text of it; None: it is not there."""

    key: tuple[Any, ...]
    live: str | None
    replayed: str | None


class TableDifference(msgspec.Struct, kw_only=True):
    table: str
    changed: int = 0  # rows that are on both sides and not the same
    missing: int = 0  # only the replay has them
    extra: int = 0  # only the live side has them
    other_layout: bool = False  # made by another version of the program: rows were not compared
    rows: list[Row] = []  # the first ones, by key

    @property
    def total(self) -> int:
        return self.changed + self.missing + self.extra

    @property
    def equal(self) -> bool:
        return not (self.total or self.other_layout)


class Differences(msgspec.Struct, kw_only=True):
    until: int = 0
    events: int = 0
    seconds: float = 0.0
    behind: dict[str, int] = {}  # groups that had not reached the end, and where they were compared
    not_compared: list[str] = []  # tables of groups that have parked streams
    tables: list[TableDifference] = []  # equal ones, too
    finding: Finding | None = None  # why nothing, or not all, could be compared

    @property
    def ok(self) -> bool:
        return not self.finding and not self.not_compared and all(t.equal for t in self.tables)


def diff(
    conninfo: str,
    schema: str,
    progress: Progress = silent,
    *,
    table: str = "",
    limit: int = ROWS_NAMED,
) -> Differences:
    """Of one table, or of all; at most `limit` rows of each are named, 0: all. Raises TableUnknown and
    ReadModelsMissing.
    """
    if table and table not in TABLES:
        raise TableUnknown(f"There is no table {table}, only {', '.join(TABLES)}.", table=table)
    began, report, found = clock.monotonic_seconds(), Report(until=0), Differences()
    with replayed(conninfo, schema, report, progress) as both:
        live = Side(both.live, LogNames(schema).read_schema)
        wanted = [
            (one, both.sides[model.NAME])
            for model in both.models
            for one in model.TABLES
            if not table or one == table
        ]
        found.until, found.events, found.behind = report.until, report.events, report.behind
        found.finding = report.finding
        for done, (one, side) in enumerate(wanted if report.ok else [], 1):
            found.tables.append(_compared(live, side, one, limit, progress))
            progress("tables compared", done, len(wanted))
        compared = {one for one, _ in wanted}
        found.not_compared = [o for o in TABLES if o not in compared and (not table or o == table)]
    found.seconds = clock.monotonic_seconds() - began
    return found


def _compared(
    live: Side, side: Side, table: str, limit: int, progress: Progress
) -> TableDifference:
    found = TableDifference(table=table)
    if layout(live, table) != layout(side, table):
        found.other_layout = True
    elif not is_same(live, side, table):
        with side.connection.transaction():
            _walk(live, side, found, limit, lambda n: progress("rows that differ", n, n))
    return found


def _walk(
    live: Side, side: Side, found: TableDifference, limit: int, said: Callable[[int], None]
) -> None:
    for one in differences(live, side, found.table):
        if one.live is None:
            found.missing += 1
        elif one.replayed is None:
            found.extra += 1
        else:
            found.changed += 1
        if not limit or len(found.rows) < limit:
            found.rows.append(Row(key=one.key, live=one.live, replayed=one.replayed))
        said(found.total)

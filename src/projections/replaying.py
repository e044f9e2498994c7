"""Proves that the read models follow from the log, and shows what they were at any earlier point.

Everything is looked at in one REPEATABLE READ snapshot, so that work may go on meanwhile. The
replay writes to a schema of its own, which is dropped at the end, however that comes.
"""

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import psycopg

from ledger import clock
from ledger.errors import NotFound
from ledger.eventstore.migrate import LogNames
from projections import GROUPS, READ_MODELS, balances
from projections.auditing import Auditor, ChainAuditor, Finding, LogBroken
from projections.engine import connections, log, rebuild, sql
from projections.engine.digests import Side, digest, first_difference, layout
from projections.engine.log import LogHasGap
from projections.engine.positions import Positions
from projections.snapshot_check import wrong_snapshots

SQL: Final = sql.load(__name__)

LIVE_MAY_LAG_SECONDS: Final = 10.0

Connection = psycopg.Connection[Any]
Progress = Callable[[int, int], None]  # position reached, of how many


class ReadModelsMissing(NotFound):
    code = "read_models_missing"
    title = "This log has no read models yet; start the server once."


class Report(msgspec.Struct, kw_only=True):
    until: int
    events: int = 0
    streams: int = 0
    entries: int | None = 0  # None: they were not looked at
    seconds: float = 0.0
    totals: dict[str, int] = {}  # by currency; each must be zero
    equal: dict[str, bool] = {}  # by read model; empty when nothing was compared
    behind: dict[
        str, int
    ] = {}  # groups of live read models that had not reached the end, and where
    balances: list[dict[str, Any]] = []
    finding: Finding | None = None

    @property
    def ok(self) -> bool:
        return self.finding is None


def verify(conninfo: str, schema: str, progress: Progress = lambda position, until: None) -> Report:
    """Replay the whole log and compare every read model with the live one, where that one stands.

    Raises ReadModelsMissing.
    """
    try:
        _wait_for_live(conninfo, schema)
    except psycopg.errors.UndefinedTable:
        raise ReadModelsMissing() from None
    with _snapshot(conninfo, schema) as live:
        head, positions = _where(live, conninfo, schema)
        late = {group: position for group, position in positions.items() if position < head}
        report = Report(until=head, behind=late)
        ahead = next((group for group, position in positions.items() if position > head), None)
        if ahead:
            words = f"the read models of {ahead} have seen {positions[ahead]} events, the log has {head}"
            report.finding = Finding(rule="positions", words=words, position=positions[ahead])
            return report
        stops: list[rebuild.Stop] = [
            (GROUPS[group], position) for group, position in positions.items()
        ]
        with _scratch(conninfo, schema) as scratch:
            if _replay(live, scratch.connection, [*stops, ((), head)], report, progress):
                _compare(Side(live, LogNames(schema).read_schema), scratch, report)
                report.finding = report.finding or next(wrong_snapshots(live), None)
        return report


def verify_chain(
    conninfo: str, schema: str, progress: Progress = lambda position, until: None
) -> Report:
    """The log alone: every hash, position and version; nothing is decoded or rebuilt."""
    with _snapshot(conninfo, schema) as live, connections.connect(conninfo, schema) as idle:
        with live.cursor() as cursor:
            report = Report(until=log.head(cursor))
        _replay(live, idle, [((), report.until)], report, progress, ChainAuditor())
        return report


def as_of(
    conninfo: str,
    schema: str,
    until: int | datetime,
    progress: Progress = lambda position, until: None,
) -> Report:
    """The balances when the log ended at a position, or at the last event recorded by a moment."""
    with _snapshot(conninfo, schema) as live, _scratch(conninfo, schema) as scratch:
        with live.cursor() as cursor:
            head = log.head(cursor)
        position = until if isinstance(until, int) else _position_at(live, head, until)
        report = Report(until=max(0, min(position, head)))
        if _replay(live, scratch.connection, [((balances,), report.until)], report, progress):
            report.balances = _balances(scratch.connection)
        return report


def position_or_time(text: str) -> int | datetime:
    """`120000`, or an ISO time, which is in UTC unless it says otherwise; raises ValueError."""
    if text.isdecimal():
        return int(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _replay(
    live: Connection,
    scratch: Connection,
    stops: Sequence[rebuild.Stop],
    report: Report,
    progress: Progress,
    auditor: Auditor | ChainAuditor | None = None,
) -> bool:
    """Whether the log was sound all the way."""
    began, auditor = clock.monotonic_seconds(), auditor or Auditor()
    try:
        rebuild.replay(
            live, scratch, stops, decode=auditor, progress=lambda n: progress(n, report.until)
        )
        if any(models for models, _ in stops):
            report.totals = _totals(_balances(scratch))
    except LogBroken as error:
        report.finding = error.finding
    except LogHasGap as error:
        position = error.context["position"]
        report.finding = Finding(rule="positions", words=error.detail, position=int(str(position)))
    report.events, report.entries = auditor.events, auditor.entries
    report.streams = len(auditor.versions)
    report.seconds = clock.monotonic_seconds() - began
    return report.ok


def _compare(live: Side, replayed: Side, report: Report) -> None:
    if any(report.totals.values()):
        report.finding = Finding(rule="balance", words=f"the books do not balance: {report.totals}")
    for model in READ_MODELS:
        different = [table for table in model.TABLES if not _same(live, replayed, table)]
        report.equal[model.NAME] = not different
        if different and report.finding is None:
            report.finding = _difference(live, replayed, different[0])


def _same(live: Side, replayed: Side, table: str) -> bool:
    if layout(live, table) != layout(replayed, table):
        return False
    with ThreadPoolExecutor(2) as both:  # each side is worked on by a server process of its own
        one, other = both.map(lambda side: digest(side, table), (live, replayed))
    return one == other


def _difference(live: Side, replayed: Side, table: str) -> Finding:
    if layout(live, table) != layout(replayed, table):
        words = f"{table} was made by another version of the program: rebuild it"
        return Finding(rule="layout", words=words, table=table)
    words = f"the live row of {table} is not what the log says"
    with replayed.connection.transaction():
        found = first_difference(live, replayed, table)
    if found is None:
        return Finding(rule="read model", words=words, table=table)
    return Finding(
        rule="read model",
        words=words,
        table=table,
        key=found.key,
        live=found.live,
        replayed=found.replayed,
    )


def _balances(scratch: Connection) -> list[dict[str, Any]]:
    cursor = scratch.execute(balances.SQL["trial_balance"])
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _totals(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row["currency"]] += row["balance_minor"]
    return dict(totals)


def _position_at(live: Connection, head: int, moment: datetime) -> int:
    """By bisection: events are recorded in the order of the log, but for the skew between servers'
    clocks.
    """

    def recorded_at(position: int) -> datetime:
        row = live.execute(SQL["recorded_at"], (position,)).fetchone()
        if row is None:
            raise LogHasGap(f"The log has no event at position {position}.", position=position)
        moment: datetime = row[0]
        return moment

    return bisect_right(range(1, head + 1), moment, key=recorded_at)


@contextmanager
def _snapshot(conninfo: str, schema: str) -> Iterator[Connection]:
    with connections.connect(conninfo, schema) as live:
        live.execute("set idle_in_transaction_session_timeout = 0")  # it waits for the replay
        live.isolation_level, live.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
        with live.transaction():
            yield live


def _where(live: Connection, conninfo: str, schema: str) -> tuple[int, dict[str, int]]:
    """The head of the log and the position of each group, at the same instant inside a snapshot."""
    positions = Positions(conninfo, schema, LogNames(schema).read_schema)
    with live.cursor() as cursor:
        return log.head(cursor), {group: positions.read(cursor, group) for group in GROUPS}


def _wait_for_live(conninfo: str, schema: str) -> None:
    """So that as much as possible is compared: let live models, if they run, reach the head as it
    is now.
    """
    give_up_at = clock.monotonic_seconds() + LIVE_MAY_LAG_SECONDS
    with connections.connect(conninfo, schema) as live:
        head, positions = _where(live, conninfo, schema)
        while min(positions.values()) < head and clock.monotonic_seconds() < give_up_at:
            time.sleep(0.05)
            _, positions = _where(live, conninfo, schema)


@contextmanager
def _scratch(conninfo: str, schema: str) -> Iterator[Side]:
    prefix = f"{schema}_replay_"
    with connections.connect(conninfo, schema) as connection:
        for (abandoned,) in connection.execute(SQL["abandoned"], {"prefix": prefix}).fetchall():
            rebuild.drop(connection, abandoned)
        name = f"{prefix}{connection.info.backend_pid}"
        try:
            rebuild.drop(connection, name)
            rebuild.create_scratch(connection, schema, name, READ_MODELS)
            yield Side(connection, name)
        finally:
            # The connection itself may have been cut off in the middle of something.
            with connections.connect(conninfo, schema) as fresh:
                connection.close()
                rebuild.drop(fresh, name)

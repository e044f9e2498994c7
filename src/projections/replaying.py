"""Proves that the read models follow from the log.

Everything is looked at in one REPEATABLE READ snapshot, so that work may go on meanwhile. The
replay writes to temporary tables, so it needs no more than the auditor's rights.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import msgspec
import psycopg

from ledger import clock
from ledger.eventstore.migrate import LogNames
from projections import GROUPS, READ_MODELS, balances
from projections.auditing import Auditor, ChainAuditor, Finding, LogBroken
from projections.comparing import compare
from projections.engine import log
from projections.engine.digests import Side
from projections.engine.log import LogHasGap
from projections.engine.quarantine import EventNotApplied, Quarantined
from projections.engine.read_model import ReadModel
from projections.engine.replay import Stop, replay
from projections.sides import Sides, into, put_aside, scratch, snapshot, standing, wait_for_live
from projections.snapshot_check import wrong_snapshots
from projections.steps import Progress, silent

FOLDED_AT_ONCE: Final = 50_000  # events: a twentieth of a second, and then a sign of life

Connection = psycopg.Connection[Any]


class Report(msgspec.Struct, kw_only=True):
    """What was not looked at is None."""

    until: int
    events: int = 0
    streams: int | None = 0
    entries: int | None = 0
    chain: bool = True  # looked at
    seconds: float = 0.0
    totals: dict[str, int] | None = None  # by currency; each must be zero
    equal: dict[str, bool] = {}  # by read model; empty when nothing was compared
    behind: dict[
        str, int
    ] = {}  # groups of live read models that had not reached the end, and where
    balances: list[dict[str, Any]] = []
    finding: Finding | None = None

    @property
    def ok(self) -> bool:
        return self.finding is None


class Replayed(NamedTuple):
    """Both sides of a replay, and the read models that can be compared."""

    live: Connection
    sides: Sides
    models: Sequence[ReadModel]
    aside: Sequence[Quarantined]  # what the live groups have put aside


def verify(conninfo: str, schema: str, progress: Progress = silent) -> Report:
    """Replay the whole log and compare every read model with the live one, where that one stands.

    Raises ReadModelsMissing.
    """
    report = Report(until=0)
    with replayed(conninfo, schema, report, progress) as done:
        _close(done.live, done.sides, schema, done.models, report, progress)
        if report.ok and done.aside:
            report.finding = _of(done.aside[0])
        if report.ok:
            report.finding = next(wrong_snapshots(done.live, progress), None)
    return report


@contextmanager
def replayed(conninfo: str, schema: str, report: Report, progress: Progress) -> Iterator[Replayed]:
    """What follows from the log up to where each live group stands; the finding is in `report`."""
    wait_for_live(conninfo, schema, progress)
    with snapshot(conninfo, schema) as live:
        head, positions = standing(live, conninfo, schema)
        aside = put_aside(live)
        _begin(report, head, positions)
        # A group that has parked a stream is not what the log says, and is known not to be.
        parked = {event.group for event in aside if event.outcome == "parked"}
        stops = [Stop(GROUPS[g], at) for g, at in positions.items() if g not in parked]
        models = [model for stop in stops for model in stop.models]
        with scratch(conninfo, schema, READ_MODELS) as sides:
            if report.ok:
                _replay(live, sides, [*stops, Stop((), head)], report, progress, Auditor())
            yield Replayed(live, sides, models, aside)


def verify_balances(conninfo: str, schema: str, progress: Progress = silent) -> Report:
    """The balances alone, summed from the log by PostgreSQL and compared with the live ones; neither
    the chain nor anything but entries is looked at. Raises ReadModelsMissing.
    """
    wait_for_live(conninfo, schema, progress)
    with snapshot(conninfo, schema) as live:
        head, positions = standing(live, conninfo, schema)
        report = Report(until=head)
        _begin(report, head, {"money": positions["money"]})
        report.chain, report.streams, report.entries = False, None, None
        if report.ok:
            report.until = positions["money"]
            with scratch(conninfo, schema, (balances,)) as summed:
                _fold(live, summed[balances.NAME].connection, report, progress)
                _close(live, summed, schema, (balances,), report, progress)
                report.balances = _balances(summed)
        return report


def verify_chain(conninfo: str, schema: str, progress: Progress = silent) -> Report:
    """The log alone: every hash, position and version; nothing is decoded or rebuilt."""
    with snapshot(conninfo, schema) as live:
        with live.cursor() as cursor:
            report = Report(until=log.head(cursor))
        _replay(live, {}, [Stop((), report.until)], report, progress, ChainAuditor())
        return report


def _begin(report: Report, head: int, positions: dict[str, int]) -> None:
    """Read models that have seen more than there is are a finding of their own."""
    report.until = head
    report.behind = {group: position for group, position in positions.items() if position < head}
    ahead = next((group for group, position in positions.items() if position > head), None)
    if ahead:
        words = (
            f"the read models of {ahead} have seen {positions[ahead]} events, the log has {head}"
        )
        report.finding = Finding(rule="positions", words=words, position=positions[ahead])


def _of(event: Quarantined) -> Finding:
    words = f"the read models of {event.group} have {event.outcome} {event.stream} since position"
    if event.outcome == "halted":
        words = f"the read models of {event.group} have halted at position"
    return Finding(
        rule="quarantine",
        words=f"{words} {event.position}: {event.detail}",
        position=event.position,
        stream=event.stream,
        version=event.version,
        topic=event.topic,
    )


def _replay(
    live: Connection,
    replayed: Sides,
    stops: Sequence[Stop],
    report: Report,
    progress: Progress,
    auditor: Auditor | ChainAuditor,
) -> None:
    step = "replaying" if any(stop.models for stop in stops) else "verifying"
    with _looked_at(report):
        try:
            replay(
                live,
                into(replayed),
                stops,
                decode=auditor,
                progress=lambda position: progress(step, position, report.until),
            )
        finally:
            report.events, report.entries = auditor.events, auditor.entries
            report.streams = len(auditor.versions)


def _fold(live: Connection, target: Connection, report: Report, progress: Progress) -> None:
    with _looked_at(report), live.cursor() as source:
        for after in range(0, report.until, FOLDED_AT_ONCE):
            end = min(after + FOLDED_AT_ONCE, report.until)
            log.check_whole(source, after, end)
            try:
                with target.transaction(), target.cursor() as cursor:
                    balances.fold(source, after, end, cursor)
            except psycopg.DataError:  # its words may quote what somebody wrote there
                words = f"an entry from position {after + 1} to {end} cannot be read"
                report.finding = Finding(rule="readable", words=words, position=after + 1)
                return
            report.events = end
            progress("summing", end, report.until)


@contextmanager
def _looked_at(report: Report) -> Iterator[None]:
    """How long it took, and what was wrong with the log."""
    began = clock.monotonic_seconds()
    try:
        yield
    except LogBroken as error:
        report.finding = error.finding
    except EventNotApplied as error:
        report.finding = Finding(
            rule="applicable",
            words=error.detail,
            position=error.position,
            stream=error.stream,
            version=error.version,
            topic=error.topic,
        )
    except LogHasGap as error:
        position = error.context["position"]
        report.finding = Finding(rule="positions", words=error.detail, position=int(str(position)))
    report.seconds = clock.monotonic_seconds() - began


def _close(
    live: Connection,
    replayed: Sides,
    schema: str,
    models: Sequence[ReadModel],
    report: Report,
    progress: Progress,
) -> None:
    """Of a sound log: are the books even, and are the live models what follows from it?"""
    if not report.ok:
        return
    report.totals = _totals(_balances(replayed))
    if any(report.totals.values()):
        report.finding = Finding(rule="balance", words=f"the books do not balance: {report.totals}")
    found = compare(Side(live, LogNames(schema).read_schema), replayed, models, progress)
    report.equal, report.finding = found.equal, report.finding or found.finding


def _balances(replayed: Sides) -> list[dict[str, Any]]:
    cursor = replayed[balances.NAME].connection.execute(balances.SQL["trial_balance"])
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _totals(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row["currency"]] += row["balance_minor"]
    return dict(totals)

"""What changed between two points of the log: which streams, from which status to which, what accounts
held before and after, and how many events of each topic. All of it from the log alone.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from ledger import clock
from ledger.errors import Rejected
from ledger.eventstore.log_row import LogRow
from projections.auditing import Finding, LogBroken
from projections.folding import Pass, States, Sums, kind_of
from projections.log_sources import LogSource, Point, position_of, recorded_at
from projections.steps import Progress, silent

STREAMS_SHOWN: Final = 100


class PointsReversed(Rejected):
    code = "points_reversed"
    title = "The second of two points is before the first."


class StreamChange(msgspec.Struct, frozen=True, kw_only=True):
    stream: str
    kind: str  # empty for entries of nobody's stream
    events: int
    before: str  # its status; empty when it was not there, or has none
    after: str


class Move(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    before: str  # empty: it was not there
    after: str
    streams: int


class BalanceChange(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    currency: str
    before_minor: int
    after_minor: int
    delta_minor: int
    postings: int


class Changes(msgspec.Struct, kw_only=True):
    """Of the events behind the position `after`, up to and including `until`."""

    after: int
    until: int
    after_recorded_at: datetime | None = None  # of the event at that position
    until_recorded_at: datetime | None = None
    events: int = 0
    seconds: float = 0.0
    topics: dict[str, int] = {}
    streams: int = 0
    moves: list[Move] = []
    changed: list[StreamChange] = []  # the first ones, in the order of the log
    balances: list[BalanceChange] = []
    totals: dict[str, int] = {}  # of the deltas, by currency; each must be zero
    finding: Finding | None = None

    @property
    def ok(self) -> bool:
        return self.finding is None


def what_changed(
    log: LogSource,
    after: Point,
    until: Point,
    progress: Progress = silent,
    *,
    limit: int = STREAMS_SHOWN,
) -> Changes:
    """At most `limit` streams are told one by one; 0: all. Raises PointsReversed."""
    began = clock.monotonic_seconds()
    report = Changes(after=position_of(log, after), until=position_of(log, until))
    if report.after > report.until:
        raise PointsReversed(f"{report.until} is before {report.after}.")
    try:
        _compare(log, report, progress, limit)
    except LogBroken as broken:
        report.finding = broken.finding
    report.seconds = clock.monotonic_seconds() - began
    return report


def _compare(log: LogSource, report: Changes, progress: Progress, limit: int) -> None:
    touched = log.streams_in(report.after, report.until)
    states, sums, last = States(touched.__contains__), Sums(), _Last()
    reading = Pass(log, progress)
    report.finding = reading.over(report.after, [states.page, sums.page, last.page])
    if not report.ok:
        return
    report.after_recorded_at = last.moment
    before, minor, postings = _statuses(states), sums.minor.copy(), sums.postings.copy()
    counted = _Counted()
    shown = [states.page, sums.page, last.page, counted.page]
    report.finding = reading.over(report.until, shown)
    if not report.ok:
        return
    report.until_recorded_at = last.moment
    report.events, report.streams = reading.events - report.after, len(touched)
    report.topics = dict(sorted(counted.topics.items(), key=lambda item: (-item[1], item[0])))
    changed = _streams(counted.streams, before, _statuses(states))
    report.moves = _moves(changed)
    report.changed = changed[:limit] if limit else changed
    report.balances = _balances(minor, postings, sums)
    for row in report.balances:
        report.totals[row.currency] = report.totals.get(row.currency, 0) + row.delta_minor


class _Counted:
    def __init__(self) -> None:
        self.topics: Counter[str] = Counter()
        self.streams: Counter[str] = Counter()  # in the order of the log

    def page(self, rows: Sequence[LogRow]) -> None:
        self.topics.update(row.topic for row in rows)
        self.streams.update(row.stream for row in rows)


class _Last:
    def __init__(self) -> None:
        self.moment: datetime | None = None

    def page(self, rows: Sequence[LogRow]) -> None:
        self.moment = recorded_at(rows[-1])


def _statuses(states: States) -> dict[str, str]:
    return {stream: states.status(stream) for stream in states.by_stream}


def _streams(
    events: Counter[str], before: dict[str, str], after: dict[str, str]
) -> list[StreamChange]:
    return [
        StreamChange(
            stream=stream,
            kind=kind.name if (kind := kind_of(stream)) else "",
            events=count,
            before=before.get(stream, ""),
            after=after.get(stream, ""),
        )
        for stream, count in events.items()
    ]


def _moves(changed: Sequence[StreamChange]) -> list[Move]:
    """The most frequent first; what stayed in its status is none."""
    found = Counter((c.kind, c.before, c.after) for c in changed if c.before != c.after)
    return [
        Move(kind=kind, before=before, after=after, streams=count)
        for (kind, before, after), count in sorted(found.items(), key=lambda m: (-m[1], m[0]))
    ]


def _balances(
    minor: Counter[tuple[str, str]], postings: Counter[tuple[str, str]], sums: Sums
) -> list[BalanceChange]:
    """Of every account that something was posted to."""
    return [
        BalanceChange(
            account=account,
            currency=currency,
            before_minor=minor[account, currency],
            after_minor=now,
            delta_minor=now - minor[account, currency],
            postings=sums.postings[account, currency] - postings[account, currency],
        )
        for (account, currency), now in sorted(sums.minor.items())
        if sums.postings[account, currency] != postings[account, currency]
    ]

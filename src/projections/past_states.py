"""What the ledger was when its log ended at a position, or at a moment: balances, how many of each
status, and the state of any stream. All of it from the log alone.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from ledger import clock
from ledger.eventstore.log_row import LogRow
from projections import history
from projections.auditing import Finding, LogBroken
from projections.folding import Pass, States, Sums, has_status, kind_of
from projections.log_sources import LogSource, Point, position_of, recorded_at
from projections.steps import Progress, silent
from projections.stream_reading import StreamUnknown


class Held(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    currency: str
    balance_minor: int
    postings: int


class StreamState(msgspec.Struct, frozen=True, kw_only=True):
    stream: str
    kind: str
    version: int
    status: str  # empty for what has none
    state: Any  # nothing personal: sealed values only say that they are


class AsOf(msgspec.Struct, kw_only=True):
    until: int
    recorded_at: datetime | None = None  # of the last event
    events: int = 0
    seconds: float = 0.0
    statuses: dict[str, dict[str, int]] = {}  # by kind and status, how many
    totals: dict[str, int] = {}  # by currency; each must be zero
    balances: list[Held] = []
    stream: StreamState | None = None  # the one that was asked for
    finding: Finding | None = None

    @property
    def ok(self) -> bool:
        return self.finding is None


def as_of(log: LogSource, point: Point, progress: Progress = silent, *, stream: str = "") -> AsOf:
    """With a stream only its state, else balances and statuses. Raises StreamUnknown."""
    began = clock.monotonic_seconds()
    report = AsOf(until=position_of(log, point))
    last, sums = _Last(stream), Sums()
    states = States(lambda name: name == stream if stream else has_status(name))
    reading = Pass(log, progress)
    shown = [last.page, states.page] if stream else [last.page, states.page, sums.page]
    try:
        report.finding = reading.over(report.until, shown)
    except LogBroken as broken:
        report.finding = broken.finding
    report.events, report.recorded_at = reading.events, last.moment
    if report.ok and stream:
        report.stream = _state(stream, last.version, states)
    elif report.ok:
        report.statuses, report.balances = states.counted(), held(sums)
        report.totals = totals(report.balances)
    report.seconds = clock.monotonic_seconds() - began
    return report


def held(sums: Sums) -> list[Held]:
    return [
        Held(
            account=account,
            currency=currency,
            balance_minor=minor,
            postings=sums.postings[account, currency],
        )
        for (account, currency), minor in sorted(sums.minor.items())
    ]


def totals(balances: list[Held]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in balances:
        found[row.currency] = found.get(row.currency, 0) + row.balance_minor
    return found


class _Last:
    """When the last event was recorded, and the newest version of one stream."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self.moment: datetime | None = None
        self.version = 0

    def page(self, rows: Sequence[LogRow]) -> None:
        self.moment = recorded_at(rows[-1])
        if self._stream:
            self.version = max(
                (row.version for row in rows if row.stream == self._stream), default=self.version
            )


def _state(stream: str, version: int, states: States) -> StreamState:
    kind = kind_of(stream)
    if kind is None or not version:
        raise StreamUnknown(stream=stream)
    return StreamState(
        stream=stream,
        kind=kind.name,
        version=version,
        status=states.status(stream),
        state=history.without_sealed(msgspec.to_builtins(states.by_stream[stream])),
    )

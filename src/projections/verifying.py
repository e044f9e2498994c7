"""Verifies the log itself, and against seals: nothing is rebuilt, and every row is looked at once.

It reads in the auditor's role, in one snapshot, while work goes on.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from ledger import clock
from ledger.audit import seal as sealing
from ledger.audit.proving import stored
from ledger.audit.seal import Seal
from ledger.eventstore import scanning
from ledger.eventstore.connections import connect
from ledger.eventstore.log_row import LogRow
from projections.auditing import Finding
from projections.engine.replay import collector_paused
from projections.log_checks import Chain, Check, Entries, Positions, Versions
from projections.log_sources import DatabaseLog, FileLog, LogSource
from projections.seal_check import Sealed
from projections.steps import Progress, silent

Connection = psycopg.Connection[Any]


class LogReport(msgspec.Struct, kw_only=True):
    until: int
    events: int = 0
    streams: int = 0
    entries: int = 0
    seconds: float = 0.0
    seals: int = 0
    sealed: int = 0  # events that are under a seal, and as they were then
    seals_kept_outside: bool = False  # else they are the database's own
    keys: list[str] = []  # that the seals are signed with
    keys_trusted: bool = False  # the verifier was given them
    finding: Finding | None = None

    @property
    def ok(self) -> bool:
        return self.finding is None


class _Checks:
    """Which there are, in the order in which they speak when several find the same row."""

    def __init__(self, seals: Sequence[Seal]) -> None:
        self.versions, self.entries, self.sealed = Versions(), Entries(), Sealed(seals)
        self.all: Sequence[Check] = (
            Positions(),
            Chain(),
            self.versions,
            self.entries,
            self.sealed,
        )


def verify_log(
    conninfo: str,
    schema: str,
    progress: Progress = silent,
    *,
    seals: Sequence[Seal] | None = None,
    keys: Collection[str] = (),
) -> LogReport:
    """`seals` are those kept outside the database, `keys` the public keys that they may be signed with;
    without them each is held to the key that it names.
    """
    with held_still(conninfo, schema) as connection, collector_paused():
        return _verify(DatabaseLog(connection), stored(connection), progress, seals, keys)


def verify_file(
    path: Path,
    progress: Progress = silent,
    *,
    seals: Sequence[Seal] | None = None,
    keys: Collection[str] = (),
) -> LogReport:
    """The same of a log that was exported as JSON Lines. Raises LogFileUnreadable."""
    with collector_paused():
        return _verify(FileLog(path), None, progress, seals, keys)


@contextmanager
def held_still(conninfo: str, schema: str) -> Iterator[Connection]:
    """The log at one instant, in the auditor's role."""
    with connect(conninfo, schema, "auditor") as connection:
        connection.execute("set idle_in_transaction_session_timeout = 0")  # it waits for who reads
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            yield connection


def _verify(
    log: LogSource,
    inside: Sequence[Seal] | None,  # None: there is no database
    progress: Progress,
    outside: Sequence[Seal] | None,
    keys: Collection[str],
) -> LogReport:
    began = clock.monotonic_seconds()
    series = [*(outside or ()), *(inside or ())[len(outside or ()) :]]
    report = LogReport(
        until=log.head(),
        seals=len(series),
        seals_kept_outside=outside is not None,
        keys=sorted({seal.key for seal in series}),
        keys_trusted=bool(keys),
    )
    progress("checking seals", 0, len(series))
    if fault := sealing.first_fault(series, keys):
        report.finding = Finding(rule="seals", words=f"seal {fault.number}: {fault.words}")
        return report
    _read(log, _Checks(series), report, progress)
    if inside is not None:
        report.finding = report.finding or _differing(outside or (), inside)
    report.seconds = clock.monotonic_seconds() - began
    return report


def _read(log: LogSource, checks: _Checks, report: LogReport, progress: Progress) -> None:
    for rows in log.rows(0, scanning.LAST):
        report.finding = first_finding(checks.all, rows)
        report.events += len(rows)
        progress("verifying", report.events, max(report.until, report.events))
        if report.finding:
            break
    report.finding = report.finding or checks.sealed.end()
    report.streams, report.entries = len(checks.versions.streams), checks.entries.entries
    report.sealed = checks.sealed.position


def first_finding(checks: Sequence[Check], rows: Sequence[LogRow]) -> Finding | None:
    """At the first row at which any check has one."""
    found = [finding for check in checks if (finding := check.page(rows))]
    return min(found, key=lambda finding: finding.position, default=None)


def _differing(outside: Sequence[Seal], inside: Sequence[Seal]) -> Finding | None:
    """The log is what was sealed, and yet somebody had their hands on the database's seals."""
    for seal, kept in zip(outside, inside, strict=False):
        if seal != kept:
            words = f"seal {seal.number} in the database is not the one outside"
            return Finding(rule="seals", words=words, table="seals", key=(seal.number,))
    if len(inside) < len(outside):
        words = f"the database has {len(inside)} seals, {len(outside)} are outside"
        return Finding(rule="seals", words=words, table="seals", key=(len(inside) + 1,))
    return None


def head(connection: Connection) -> int:
    row = connection.execute("select coalesce(max(notification_id), 0) from events").fetchone()
    return int(row[0]) if row else 0

"""Where a log is read from: a database, or a file that was exported from one.

Both give the rows as they stand, from the first. What reads them believes nothing of them: it checks
each row as it goes (log_checks.py).
"""

import base64
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import psycopg

from ledger.audit.proof import ExportedEvent
from ledger.errors import Rejected
from ledger.eventstore import scanning
from ledger.eventstore.log_row import LogRow
from projections.engine import sql
from projections.engine.log import LogHasGap

SQL: Final = sql.load(__name__)

Rows = Sequence[LogRow]
Point = int | datetime  # a position of the log, or a moment


class LogFileUnreadable(Rejected):
    code = "log_file_unreadable"
    title = "This is not a log as `export` writes it in JSON Lines."


class LogSource(Protocol):
    def head(self) -> int:
        """The position of the newest event, 0 in an empty log."""

    def rows(self, after: int, until: int) -> Iterator[Rows]:
        """Those behind one position and up to another, many at a time."""

    def streams_in(self, after: int, until: int) -> set[str]:
        """Those that have an event behind one position and up to another."""

    def position_at(self, moment: datetime) -> int:
        """Of the last event that was recorded by then; 0 before the first. Events are recorded in the
        order of the log, but for the skew between servers' clocks.
        """


class DatabaseLog:
    """Over a connection that sees one instant (verifying.held_still)."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def head(self) -> int:
        return int(self._one("head") or 0)

    def rows(self, after: int, until: int) -> Iterator[Rows]:
        return scanning.scan(self._connection, after, until)

    def streams_in(self, after: int, until: int) -> set[str]:
        return {stream for (stream,) in self._connection.execute(SQL["streams"], (after, until))}

    def position_at(self, moment: datetime) -> int:
        return bisect_right(range(1, self.head() + 1), moment, key=self._recorded_at)

    def _recorded_at(self, position: int) -> datetime:
        found = self._one("recorded_at", position)
        if found is None:
            raise LogHasGap(f"The log has no event at position {position}.", position=position)
        moment: datetime = found
        return moment

    def _one(self, name: str, *values: object) -> Any:
        row = self._connection.execute(SQL[name], values).fetchone()
        return row[0] if row else None


class FileLog:
    """JSON Lines; a file of any length passes through. Raises LogFileUnreadable."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def head(self) -> int:
        number, last = 0, b""
        with self._path.open("rb") as file:
            for number, last in enumerate(file, 1):  # noqa: B007  the last ones are meant
                pass
        return self._row(number, last).position if number else 0

    def rows(self, after: int, until: int) -> Iterator[Rows]:
        rows = self._between(after, until)
        while page := list(islice(rows, scanning.ROWS_AT_ONCE)):
            yield page

    def streams_in(self, after: int, until: int) -> set[str]:
        return {row.stream for row in self._between(after, until)}

    def position_at(self, moment: datetime) -> int:
        position = 0
        for row in self._all():
            if _recorded_at(row) > moment:
                break
            position = row.position
        return position

    def _between(self, after: int, until: int) -> Iterator[LogRow]:
        for row in self._all():
            if row.position > until:
                break
            if row.position > after:
                yield row

    def _all(self) -> Iterator[LogRow]:
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield self._row(number, line)

    def _row(self, number: int, line: bytes) -> LogRow:
        try:
            return _row(_DECODE(line))
        except (msgspec.MsgspecError, ValueError) as error:
            words = f"Line {number} of {self._path} is none of a log: {error}"
            raise LogFileUnreadable(words) from error


class _Metadata(msgspec.Struct, gc=False):
    recorded_at: datetime


class _Stored(msgspec.Struct, gc=False):
    m: _Metadata


_DECODE: Final[Callable[[bytes], ExportedEvent]] = msgspec.json.Decoder(ExportedEvent).decode
_WHEN: Final = msgspec.json.Decoder(_Stored)


def recorded_at(row: LogRow) -> datetime | None:
    """When an event was recorded; None where its bytes do not say."""
    try:
        return _recorded_at(row)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _recorded_at(row: LogRow) -> datetime:
    return _WHEN.decode(row.state).m.recorded_at


def _row(event: ExportedEvent) -> LogRow:
    if event.state is not None:
        state = event.state.encode()
    else:
        state = base64.b64decode(event.state_base64 or b"", validate=True)
    return LogRow(
        position=event.position,
        stream=event.stream,
        version=event.version,
        topic=event.topic,
        state=state,
        hash=bytes.fromhex(event.hash),
        command_id=event.command_id,
        fingerprint=None if event.fingerprint is None else bytes.fromhex(event.fingerprint),
    )


def position_of(log: LogSource, point: Point) -> int:
    """A position that the log has: one behind its end is its end."""
    position = point if isinstance(point, int) else log.position_at(point)
    return max(0, min(position, log.head()))


def position_or_time(text: str) -> Point:
    """`120000`, or an ISO time, which is in UTC unless it says otherwise; raises ValueError."""
    if text.isdecimal():
        return int(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

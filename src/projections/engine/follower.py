"""Follows the log for one group of read models: events, rows and position in one transaction, for
ever.

Several processes may follow the same group. Who gets the lock does the batch, the others look again
later; and should two ever overlap, the compare-and-set of the position lets only one of them
commit.

A batch costs the same whether it holds one command or fifty, so commands gather for a moment between
two of them. Only who has nothing to do listens: as long as there is news at every look, no append
has to wake anybody.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import psycopg
import structlog
from psycopg import sql as psql

from ledger import clock
from ledger.crashpoint import crashpoint
from ledger.errors import LedgerError
from ledger.eventstore.mapping import EventMapper
from ledger.eventstore.migrate import LogNames
from projections.engine import connections, log, sql
from projections.engine.log import StoredRow
from projections.engine.positions import PositionMoved, Positions
from projections.engine.read_model import Cursor, ReadModel

SQL = sql.load(__name__)

GATHER_SECONDS: Final = 0.1  # from batch to batch; a read model may be behind for 0.25
POLL_SECONDS: Final = 0.5  # the guarantee; NOTIFY only shortens it
OTHERS_TURN_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 60.0  # reliability.md 4.13
SMALLER_AFTER_FAILURE: Final = 10

logger = structlog.get_logger(__name__)

Connection = psycopg.Connection[Any]
Report = Callable[[str, int, int], None]  # group, position, lag


class LogBehindReadModels(LedgerError):
    code = "log_behind_read_models"
    title = "The read models have seen events that the log does not have; was it restored?"


class _Turn(NamedTuple):
    taken: bool
    position: int
    head: int


class Follower:
    def __init__(
        self,
        conninfo: str,
        schema: str,
        group: str,
        models: Sequence[ReadModel],
        *,
        read_schema: str | None = None,
        report: Report | None = None,
    ) -> None:
        self.group = group
        self.position = 0
        self.lag = 0
        self._conninfo = conninfo
        self._schema = schema
        self._read_schema = read_schema or LogNames(schema).read_schema
        self._models = models
        self._skipped = log.unfollowed(event for model in models for event in model.FOLLOWS)
        self._mapper = EventMapper()
        self._positions = Positions(conninfo, schema, self._read_schema)
        self._report = report
        self._size = log.LARGEST_PAGE
        self._failures = 0

    def connect(self) -> Connection:
        return connections.connect(self._conninfo, self._schema, self._read_schema)

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Whatever goes wrong is logged and tried again, later and later."""
        while not stop.is_set():
            try:
                with self.connect() as connection:
                    self._follow(connection, stop)
            except Exception as error:
                stop.wait(self._failed(error))

    def step(self, connection: Connection) -> int | None:
        """One batch: how many events it took, or None when another follower has the turn."""
        with connection.transaction(), connection.cursor() as cursor:
            turn = self._take_turn(cursor)
            if not turn.taken:
                return None
            self._stands(turn.position, turn.head)
            rows = log.page(cursor, turn.position, self._size, self._skipped) if self.lag else []
            if rows:
                self._apply(rows, turn.position, cursor)
                crashpoint("follow.before_commit")
        if rows:
            crashpoint("follow.after_commit")
        reached = turn.position + len(rows)
        self._stands(reached, max(turn.head, reached))
        return len(rows)

    def _apply(self, rows: Sequence[StoredRow], after: int, cursor: Cursor) -> None:
        self._positions.advance(cursor, self.group, after, rows[-1].position)
        if batch := log.decode(rows, self._mapper, self._skipped):
            for model in self._models:
                model.apply(batch, cursor)

    def _follow(self, connection: Connection, stop: threading.Event) -> None:
        while not stop.is_set():
            began, taken = clock.monotonic_seconds(), None
            with suppress(PositionMoved):
                taken = self.step(connection)
            self._succeeded()
            if taken is None:
                stop.wait(OTHERS_TURN_SECONDS)
            elif taken == 0:
                self._wait_for_news(connection, stop)
            elif self.lag == 0:
                stop.wait(began + GATHER_SECONDS - clock.monotonic_seconds())

    def _wait_for_news(self, connection: Connection, stop: threading.Event) -> None:
        channel = psql.Identifier(LogNames(self._schema).channel)
        connection.execute(psql.SQL("listen {}").format(channel))
        # Looked for before waiting, too: what was appended before we listened woke nobody.
        while not (self._has_news(connection) or stop.is_set()):
            for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                pass
        connection.execute(psql.SQL("unlisten {}").format(channel))

    def _has_news(self, connection: Connection) -> bool:
        with connection.cursor() as cursor:
            self._stands(self.position, log.head(cursor))
        return self.lag > 0

    def _stands(self, position: int, head: int) -> None:
        self.position, self.lag = position, head - position
        if self._report:
            self._report(self.group, self.position, self.lag)
        if self.lag < 0:
            raise LogBehindReadModels(position=position, head=head)

    def _take_turn(self, cursor: Cursor) -> _Turn:
        # The lock is for the transaction only: a frozen process cannot keep it longer than its idle
        # transaction lives. The position may be from just before the lock; then compare-and-set
        # fails.
        lock = f"{self._read_schema} {self.group}"
        row = cursor.execute(SQL["take_turn"], (lock, self.group)).fetchone()
        return _Turn(*row) if row else _Turn(False, 0, 0)

    def _succeeded(self) -> None:
        if self._failures:
            logger.info("projection.resumed", group=self.group, position=self.position)
        self._failures = 0
        self._size = min(self._size * 2, log.LARGEST_PAGE)

    def _failed(self, error: Exception) -> float:
        """Seconds to wait. Batches shrink, so that good events pass and the failing one stands
        alone.
        """
        self._failures += 1
        tried = self._size
        if not isinstance(error, psycopg.OperationalError):
            self._size = max(self._size // SMALLER_AFTER_FAILURE, 1)
        pause = min(2.0 ** (self._failures - 1), LONGEST_PAUSE_SECONDS)
        logger.error(
            "projection.failed",
            group=self.group,
            after_position=self.position,
            events_tried=tried,
            error=type(error).__name__,
            code=getattr(error, "code", ""),
            detail=_without_payload(error),
            failures=self._failures,
            pause_seconds=pause,
        )
        return pause


def _without_payload(error: Exception) -> str:
    """PostgreSQL quotes rows in the detail of an error, and logs hold no one's data: only its first
    line.
    """
    if isinstance(error, psycopg.Error):
        return error.diag.message_primary or type(error).__name__
    return str(error)

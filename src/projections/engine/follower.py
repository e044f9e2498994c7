"""Follows the log for one group of read models: events, rows and position in one transaction, for
ever.

Several processes may follow the same group. Who gets the lock does the batch, the others look again
later; and should two ever overlap, the compare-and-set of the position lets only one of them
commit.

A batch costs the same whether it holds one command or fifty, so commands gather for a moment between
two of them. Only who has nothing to do listens: as long as there is news at every look, no append
has to wake anybody.

An event that cannot be applied, whatever it is together with, is put aside after a few tries
(quarantine.py): the group halts at it, or parks its stream and goes on.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import psycopg
import structlog
from psycopg import sql as psql

from ledger import clock
from ledger.crashpoint import crashpoint
from ledger.errors import LedgerError
from ledger.eventstore.mapping import EventMapper
from ledger.eventstore.migrate import LogNames
from projections.engine import connections, log, quarantine, sql
from projections.engine.log import StoredRow
from projections.engine.positions import PositionMoved, Positions
from projections.engine.quarantine import EventNotApplied, Outcome
from projections.engine.read_model import Cursor, ReadModel, turn_lock
from projections.engine.suspicion import Suspicion

SQL = sql.load(__name__)

GATHER_SECONDS: Final = 0.1  # from batch to batch; a read model may be behind for 0.25
POLL_SECONDS: Final = 0.5  # the guarantee; NOTIFY only shortens it
OTHERS_TURN_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 60.0  # reliability.md 4.13
LONGEST_OUTAGE_PAUSE_SECONDS: Final = 2.0  # a server that was away is back without us
TRIES: Final = 5  # of one event, before it is put aside
TRY_AGAIN_SECONDS: Final = 0.5  # within ten seconds, everything else goes on (reliability.md P20)
HALTED_SECONDS: Final = 10.0  # a repaired deployment resumes by itself
COUNT_EVERY_SECONDS: Final = 60.0

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
    halted_at: int = 0  # 0: nowhere
    parked: Sequence[str] = ()  # streams


class Follower:
    def __init__(
        self,
        conninfo: str,
        schema: str,
        group: str,
        models: Sequence[ReadModel],
        *,
        parks: bool = False,
        read_schema: str | None = None,
        report: Report | None = None,
    ) -> None:
        """`parks`: whether it goes on without the stream of an event that cannot be applied."""
        self.group = group
        self.position = 0
        self.lag = 0
        self._conninfo = conninfo
        self._schema = schema
        self._read_schema = read_schema or LogNames(schema).read_schema
        self._models = models
        self._parks = parks
        self._skipped = log.unfollowed(event for model in models for event in model.FOLLOWS)
        self._mapper = EventMapper()
        self._positions = Positions(conninfo, schema, self._read_schema)
        self._report = report
        self._size = log.LARGEST_PAGE
        self._failures = 0
        self._tried: Sequence[StoredRow] = ()  # while they are not applied
        self._suspicion = Suspicion()
        self._counted: int | None = None  # up to there, position and number of events were one
        self._count_at = 0.0

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
        self._tried = ()
        with connection.transaction(), connection.cursor() as cursor:
            turn = self._take_turn(cursor)
            if not turn.taken:
                return None
            self._stands(turn.position, turn.head)
            size = self._suspicion.size(turn.position, self._size)
            rows = log.page(cursor, turn.position, size, self._skipped) if self.lag else []
            if rows:
                self._tried = rows
                self._apply(rows, turn, cursor)
                crashpoint("follow.before_commit")
        if rows:
            crashpoint("follow.after_commit")
        reached = turn.position + len(rows)
        self._stands(reached, max(turn.head, reached))
        return len(rows)

    def catch_up(self, connection: Connection) -> None:
        """To the head of the log; raises EventNotApplied at the first event that does not let it."""
        arrived = False
        while not arrived:
            try:
                taken = self._step_or_lose(connection)
                arrived = taken is not None and self.lag == 0
            except Exception as error:
                if not self._is_suspicious(error):
                    raise
                if self._suspicion.blame(self._tried):
                    row = self._tried[0]
                    place = (row.position, row.stream, row.version, row.topic)
                    raise EventNotApplied(*place, error) from error
            else:
                if taken is None:
                    time.sleep(OTHERS_TURN_SECONDS)

    def _step_or_lose(self, connection: Connection) -> int | None:
        """None also when another follower was quicker."""
        try:
            return self.step(connection)
        except PositionMoved:
            return None

    def _apply(self, rows: Sequence[StoredRow], turn: _Turn, cursor: Cursor) -> None:
        self._positions.advance(cursor, self.group, turn.position, rows[-1].position)
        if 0 < turn.halted_at <= rows[-1].position:
            quarantine.passed(cursor, self.group, rows[-1].position)
        parked = frozenset(turn.parked)
        followed = [row for row in rows if row.stream not in parked] if parked else rows
        if batch := log.decode(followed, self._mapper, self._skipped):
            for model in self._models:
                model.apply(batch, cursor)

    def _follow(self, connection: Connection, stop: threading.Event) -> None:
        while not stop.is_set():
            began = clock.monotonic_seconds()
            self._check_count(connection, began)
            try:
                taken = self._step_or_lose(connection)
            except Exception as error:
                if not self._is_suspicious(error):
                    raise
                stop.wait(self._suspect(error, connection))
                continue
            if taken is None:
                stop.wait(OTHERS_TURN_SECONDS)
                continue
            self._succeeded()
            if taken == 0:
                self._wait_for_news(connection, stop)
            elif self.lag == 0:
                stop.wait(began + GATHER_SECONDS - clock.monotonic_seconds())

    def _check_count(self, connection: Connection, now: float) -> None:
        """A position says how many events there are up to it. Looked at anew every minute in which
        there was something to do, from where it was last true; raises LogHasGap.
        """
        if self._counted is None or now < self._count_at:
            return
        with connection.cursor() as cursor:
            log.check_whole(cursor, min(self._counted, self.position), self.position)
        self._counted, self._count_at = self.position, now + COUNT_EVERY_SECONDS

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
        if self._counted is None:
            self._counted = position
        if self._report:
            self._report(self.group, self.position, self.lag)
        if self.lag < 0:
            raise LogBehindReadModels(position=position, head=head)

    def _take_turn(self, cursor: Cursor) -> _Turn:
        # The lock is for the transaction only: a frozen process cannot keep it longer than its idle
        # transaction lives. The position may be from just before the lock; then compare-and-set
        # fails.
        wanted = {"lock": turn_lock(self._read_schema, self.group), "group": self.group}
        row = cursor.execute(SQL["take_turn"], wanted).fetchone()
        return _Turn(*row) if row else _Turn(False, 0, 0)

    def _succeeded(self) -> None:
        if self._failures:
            logger.info("projection.resumed", group=self.group, position=self.position)
        self._failures = 0
        self._size = min(self._size * 2, log.LARGEST_PAGE)

    def _is_suspicious(self, error: Exception) -> bool:
        """Whether it may be the fault of one of the events that were tried."""
        return bool(self._tried) and quarantine.of_the_event(error)

    def _suspect(self, error: Exception, connection: Connection) -> float:
        """Seconds to wait. Good events pass, and the failing one stands alone and is put aside."""
        tries = self._suspicion.blame(self._tried)
        if tries == 0:
            self._log_failure("projection.narrowing", error)
            return 0.0
        self._failures += 1
        self._log_failure("projection.failed", error)
        return TRY_AGAIN_SECONDS if tries < TRIES else self._put_aside(error, connection)

    def _put_aside(self, error: Exception, connection: Connection) -> float:
        """Seconds to wait."""
        row = self._tried[0]
        try:
            outcome, is_new = self._decide(row, error, connection)
        except PositionMoved:
            return TRY_AGAIN_SECONDS
        if is_new:
            logger.error(
                "projection.quarantined",
                group=self.group,
                read_models=[model.NAME for model in self._models],
                position=row.position,
                stream=row.stream,
                topic=row.topic,
                outcome=outcome,
                consequence=quarantine.CONSEQUENCE[outcome],
                **_described(error),
            )
        return 0.0 if outcome == "parked" else HALTED_SECONDS

    def _decide(
        self, row: StoredRow, error: Exception, connection: Connection
    ) -> tuple[Outcome, bool]:
        """What becomes of the event, and whether that is new. What is said of it and how far the
        group is are written together; raises PositionMoved when others are at it, or beyond it.
        """
        with connection.transaction(), connection.cursor() as cursor:
            turn = self._take_turn(cursor)
            if not turn.taken or turn.position != row.position - 1:
                raise PositionMoved
            parks = self._parks and quarantine.may_park(error, turn.parked)
            outcome: Outcome = "parked" if parks else "halted"
            is_new = quarantine.add(cursor, self.group, row, error, outcome)
            if parks:
                self._positions.advance(cursor, self.group, turn.position, row.position)
            return outcome, is_new

    def _failed(self, error: Exception) -> float:
        """Seconds to wait, after what is no event's fault."""
        self._failures += 1
        away = isinstance(error, psycopg.OperationalError)
        longest = LONGEST_OUTAGE_PAUSE_SECONDS if away else LONGEST_PAUSE_SECONDS
        pause = min(2.0 ** (self._failures - 1), longest)
        self._log_failure("projection.failed", error, pause_seconds=pause)
        return pause

    def _log_failure(self, event: str, error: Exception, **more: object) -> None:
        tell = logger.error if event == "projection.failed" else logger.warning
        tell(
            event,
            group=self.group,
            after_position=self.position,
            events_tried=len(self._tried),
            failures=self._failures,
            **_described(error),
            **more,
        )


def _described(error: Exception) -> dict[str, str]:
    return {
        "error": type(error).__name__,
        "code": quarantine.code(error),
        "detail": quarantine.words(error),
    }

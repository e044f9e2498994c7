"""Events that a group of read models could not apply: it halts there, or it parks the event's stream.

Only what is the event's own fault counts. A server that is full, locked or older than the code
fails every event alike, and putting them aside one by one would not help.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
import psycopg
from eventsourcing.persistence import MapperDeserialisationError

from ledger.errors import LedgerError
from ledger.eventstore.mapping import TopicUnknown
from projections.engine import sql
from projections.engine.log import LogHasGap, StoredRow
from projections.engine.positions import PositionMoved
from projections.engine.read_model import Cursor

SQL: Final = sql.load(__name__)

Outcome = Literal["halted", "parked"]

MOST_PARKED: Final = 100  # streams of a group; so many are the program's fault, and it halts
OURS: Final = frozenset({"ledger", "projections"})
OF_THE_EVENT: Final = (psycopg.DataError, psycopg.IntegrityError)
NOT_OF_THE_EVENT: Final = (psycopg.Error, OSError, MemoryError, PositionMoved, LogHasGap)

CONSEQUENCE: Final[dict[Outcome, str]] = {
    "halted": "these read models stand still until this event can be applied, and try it again",
    "parked": "events of this stream from this one on are kept out of these read models, and what"
    " follows from them, such as work that falls due, is not done, until they are resumed",
}


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """From this position on the group stands still, or knows nothing more of the stream."""

    group: str
    position: int
    stream: str
    version: int
    topic: str
    outcome: Outcome
    error: str
    code: str
    detail: str
    since: datetime


class EventNotApplied(LedgerError):
    code = "event_not_applied"
    title = "A read model cannot take in an event of the log."

    def __init__(
        self, position: int, stream: str, version: int, topic: str, error: Exception
    ) -> None:
        where = f"position {position} (version {version} of stream {stream}, {topic})"
        super().__init__(
            f"The event at {where} cannot be applied: {words(error)}",
            position=position,
            stream=stream,
            version=version,
            topic=topic,
        )
        self.position, self.stream, self.version, self.topic = position, stream, version, topic


def of_the_event(error: Exception) -> bool:
    """Whether another event might well be applied where this error came."""
    return isinstance(error, OF_THE_EVENT) or not isinstance(error, NOT_OF_THE_EVENT)


def may_park(error: Exception, parked: Sequence[str]) -> bool:
    """A topic that nobody knows means that the program is older than the log: that passes with the
    next version, and until then no stream need be left behind.
    """
    return not isinstance(error.__cause__, TopicUnknown) and len(parked) < MOST_PARKED


def add(cursor: Cursor, group: str, row: StoredRow, error: Exception, outcome: Outcome) -> bool:
    """Whether it is new that this event has this outcome."""
    place = (group, row.position, row.stream, row.version, row.topic)
    values = (*place, outcome, type(error).__name__, code(error), words(error))
    return cursor.execute(SQL["add"], values).fetchone() is not None


def passed(cursor: Cursor, group: str, position: int) -> None:
    """What the group was halted at, and is past."""
    cursor.execute(SQL["passed"], (group, position))


def listed(rows: Iterable[tuple[Any, ...]]) -> list[Quarantined]:
    """Of the rows of `SQL["listed"]`."""
    names = Quarantined.__struct_fields__
    return [Quarantined(**dict(zip(names, row, strict=True))) for row in rows]


def code(error: Exception) -> str:
    """Ours, or the SQLSTATE, or none."""
    if isinstance(error, psycopg.Error):
        return error.sqlstate or ""
    if isinstance(error, MapperDeserialisationError):
        return str(getattr(error.__cause__, "code", "event_unreadable"))
    return str(getattr(error, "code", ""))


def words(error: Exception) -> str:
    """One line that holds no one's data. Messages may quote what they are about, so of an error
    that is not known not to, there is only its kind and its place in our code.
    """
    cause = error.__cause__
    if isinstance(error, psycopg.Error) and not isinstance(error, psycopg.DataError):
        text = error.diag.message_primary or type(error).__name__
    elif isinstance(error, LedgerError):
        text = error.detail
    elif isinstance(error, MapperDeserialisationError) and cause is not None:
        text = f"it cannot be read: {_unquoted(cause)}"
    else:
        text = f"{type(error).__name__} {_place(error)}".strip()
    return text.splitlines()[0]


def _unquoted(cause: BaseException) -> str:
    if isinstance(cause, LedgerError):
        return cause.detail
    _, at, path = str(cause).partition(" - at ")
    return f"{type(cause).__name__}{at}{path}"


def _place(error: Exception) -> str:
    """The innermost call in our code: `in projections.payments.apply:107`."""
    found, trace = "", error.__traceback__
    while trace:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in OURS:
            found = f"in {module}.{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found

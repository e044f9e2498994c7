"""One stream of the log, event by event, as an auditor reads it: with the links to what stands
before each.
"""

from datetime import datetime
from typing import Final

import msgspec

from ledger.errors import NotFound
from ledger.eventstore.chain import GENESIS
from ledger.eventstore.mapping import EventMapper
from ledger.journal.events import EntryPosted
from projections.auditing import Finding, LogBroken, check_link, check_version, read
from projections.engine import connections, sql
from projections.engine.log import StoredRow

SQL: Final = sql.load(__name__)


class StreamUnknown(NotFound):
    code = "stream_unknown"
    title = "There are no events under this id."


class StreamEvent(msgspec.Struct, kw_only=True):
    position: int
    version: int
    topic: str
    occurred_at: datetime
    legs: list[tuple[str, int, str]] = []  # account, minor units, currency


class StreamReport(msgspec.Struct, kw_only=True):
    stream: str
    events: list[StreamEvent] = []
    finding: Finding | None = None

    @property
    def ok(self) -> bool:
        return self.finding is None


def read_stream(conninfo: str, schema: str, stream: str) -> StreamReport:
    """The events of one stream, each with its link checked; raises StreamUnknown."""
    report, mapper = StreamReport(stream=stream), EventMapper()
    with connections.connect(conninfo, schema, role="auditor") as connection:
        rows = connection.execute(SQL["stream"], (stream,), binary=True).fetchall()
    if not rows:
        raise StreamUnknown(stream=stream)
    version = 0
    try:
        for *fields, before in rows:
            row = StoredRow(*fields)
            version = check_version(version, row)
            check_link(before or b"" if row.position > 1 else GENESIS, row)
            report.events.append(_shown(mapper, row))
    except LogBroken as error:
        report.finding = error.finding
    return report


def _shown(mapper: EventMapper, row: StoredRow) -> StreamEvent:
    event = read(mapper, row).event
    legs = event.legs if isinstance(event, EntryPosted) else ()
    return StreamEvent(
        position=row.position,
        version=row.version,
        topic=row.topic,
        occurred_at=event.occurred_at,
        legs=[(leg.account, leg.amount.minor, leg.amount.currency) for leg in legs],
    )

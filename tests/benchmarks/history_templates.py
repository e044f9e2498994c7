"""One life, made once by the real mapper and the real read models, as bytes with holes in them.

The holes are what differs from one payment to the next: ids, times and positions. So a history of
any length costs no encoding, and its rows are what the read models themselves would have written.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql as psql
from psycopg.rows import tuple_row

from benchmarks.history_lives import LIVES, Life, commands
from ledger.clock import business_date
from ledger.events import DomainEvent, Metadata, Recorded
from ledger.eventstore.mapping import EventMapper
from projections import READ_MODELS
from support.payment_facts import AT

TAIL: Final = "0seed0seed0seed0seed0seed0"  # of an id of ours: 26 characters
CUSTOMER: Final = "cus_0000seed"
COMMAND: Final = "cmd_0seed0seed0seed0seed0se"  # and two digits
RECORDED_AFTER: Final = timedelta(milliseconds=12, microseconds=345)

# Sums over many payments; every other table has rows of one payment.
BALANCES, HEALTH = "balances", "method_health"
BY_DAY: Final = ("daily_sums", "monthly_sums", "entry_blocks")  # added up by PostgreSQL at the end
TABLES: Final = tuple(
    name
    for model in READ_MODELS
    for name in model.TABLES
    if name not in (BALANCES, HEALTH, *BY_DAY)
)
TODAY: Final = datetime.combine(business_date(AT), datetime.min.time())
POSITIONS: Final = frozenset({"position", "first_position"})
TIME: Final = re.compile(
    rb"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d(?:\.\d{1,6})?)(Z|\+00)|(\d{4}-\d\d-\d\d)"
)

Row = tuple[Any, ...]
Write = Callable[[datetime], bytes]


class EventTemplate(NamedTuple):
    topic: str
    state: bytes
    command: bytes | None  # on the last event of one


class Template(NamedTuple):
    """`%(tail)s` and so on are the holes, in the names of `Moment`; `%(p3)s` is the position of
    version 3.
    """

    events: Sequence[EventTemplate]
    rows: Mapping[str, bytes]  # by table, in the text form of COPY; several rows are several lines
    times: Sequence[tuple[bytes, Write]]  # name of the hole, and its words for a payment's start
    balances: Sequence[Row]
    health: Sequence[Row]


def learn(target: psycopg.Connection[Any]) -> list[tuple[Template, int]]:
    """Every life with its share; `target` looks in a read schema that is empty, and stays so."""
    return [(_learned(life, target), life.share) for life in LIVES]


def _learned(life: Life, target: psycopg.Connection[Any]) -> Template:
    records = _recorded(life)
    holes = _Holes()
    mapper = EventMapper()
    ends = {r.version for r, after in pairwise([*records, None]) if _command(r) != _command(after)}
    events = [
        EventTemplate(
            record.event.TOPIC,
            holes.in_text(mapper.to_stored_event(record).state),
            holes.in_text(_command(record)) if record.version in ends else None,
        )
        for record in records
    ]
    with target.transaction(force_rollback=True), target.cursor(row_factory=tuple_row) as cursor:
        for model in READ_MODELS:
            model.apply(records, cursor)
        rows = {name: holes.in_rows(*_copied(cursor, name)) for name in TABLES}
        balances, health = (_rows(cursor, name) for name in (BALANCES, HEALTH))
    full = {name: text for name, text in rows.items() if text}
    return Template(events, full, holes.times, balances, health)


def _recorded(life: Life) -> list[Recorded[DomainEvent]]:
    """Positions from 1, so that a position in a row tells the version it is of."""
    records: list[Recorded[DomainEvent]] = []
    for number, facts in enumerate(commands(life, TAIL, CUSTOMER), start=1):
        metadata = Metadata(
            command_id=f"{COMMAND}{number:02d}",
            actor="worker:history",
            recorded_at=facts[-1].occurred_at + RECORDED_AFTER,
        )
        for fact in facts:
            version = len(records) + 1
            records.append(
                Recorded(
                    stream=f"pay_{TAIL}",
                    version=version,
                    event=fact,
                    metadata=metadata,
                    position=version,
                )
            )
    return records


def _command(record: Recorded[DomainEvent] | None) -> bytes:
    return record.metadata.command_id.encode() if record else b""


def _rows(cursor: psycopg.Cursor[Row], table: str) -> list[Row]:
    return cursor.execute(psql.SQL("select * from {}").format(psql.Identifier(table))).fetchall()


def _copied(cursor: psycopg.Cursor[Row], table: str) -> tuple[list[str], list[bytes]]:
    """Columns, and rows as COPY writes them."""
    name = psql.Identifier(table)
    described = cursor.execute(psql.SQL("select * from {} limit 0").format(name)).description
    with cursor.copy(psql.SQL("copy {} to stdout").format(name)) as copy:
        lines = b"".join(bytes(part) for part in copy).splitlines(keepends=True)
    return [column.name for column in described or ()], lines


class _Holes:
    """Turns the seed's ids, times and positions into holes, and keeps which times there are."""

    def __init__(self) -> None:
        self._times: dict[tuple[timedelta, bytes], bytes] = {}

    @property
    def times(self) -> list[tuple[bytes, Write]]:
        return [(name, _writer(*time)) for time, name in self._times.items()]

    def in_text(self, text: bytes) -> bytes:
        text = text.replace(b"%", b"%%")
        for word, hole in (
            (COMMAND, b"%(command)s"),
            (TAIL, b"%(tail)s"),
            (CUSTOMER, b"%(customer)s"),
        ):
            text = text.replace(word.encode(), hole)
        return TIME.sub(self._time, text)

    def in_rows(self, columns: Sequence[str], lines: Iterable[bytes]) -> bytes:
        return b"".join(self._line(columns, line) for line in lines)

    def _line(self, columns: Sequence[str], line: bytes) -> bytes:
        fields = line.rstrip(b"\n").split(b"\t")
        told = [
            b"%%(p%s)s" % field if column in POSITIONS else self.in_text(field)
            for column, field in zip(columns, fields, strict=True)
        ]
        return b"\t".join(told) + b"\n"

    def _time(self, found: re.Match[bytes]) -> bytes:
        """A day that stands alone is one of business; it moves with the one a payment begins on."""
        day, between, time, zone, alone = found.groups()
        if alone:
            key = datetime.fromisoformat(alone.decode()) - TODAY, b""
        else:
            moment = datetime.fromisoformat((day + b"T" + time + b"+00:00").decode())
            key = moment - AT, between + zone
        return b"%%(%s)s" % self._times.setdefault(key, b"t%d" % len(self._times))


def _writer(offset: timedelta, form: bytes) -> Write:
    """`form` is what stands between day and time, and the zone; empty for a day alone."""
    if not form:
        return lambda began: (began + offset).date().isoformat().encode()
    between, zone = form[:1].decode(), form[1:].decode()
    return lambda began: (
        (began + offset).astimezone(UTC).replace(tzinfo=None).isoformat(between) + zone
    ).encode()

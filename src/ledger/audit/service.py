"""Makes seals while events are appended, and brings them to every place outside.

Any number of workers may: who has the lock makes the next seals, and should two ever overlap, their
numbers collide and one of them has none made. Appends take another lock, so none waits for a seal.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Any, Final, NamedTuple

import psycopg
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger import clock
from ledger.audit import seal as sealing
from ledger.audit.leaf import leaf
from ledger.audit.merkle import HASH_BYTES, Edge
from ledger.audit.proving import stored
from ledger.audit.seal import Made
from ledger.audit.sink import SealsDiffer, SealsMissing, Sink
from ledger.errors import Conflict, LedgerError
from ledger.eventstore import scanning
from ledger.eventstore.chain import GENESIS, link
from ledger.eventstore.connections import connect
from ledger.eventstore.log_row import LogRow
from ledger.eventstore.migrate import LogNames

LOOK_SECONDS: Final = 1.0
TROUBLE_SECONDS: Final = 10.0
SEALS_AT_ONCE: Final = 20  # so that a transaction is short, whatever there is to catch up with

TAKE_TURN: Final = "select pg_try_advisory_xact_lock(%s)"
STANDING: Final = """
select s.seal, s.edge, extract(epoch from clock_timestamp() - s.made_at)::float8,
    (select e.hash from events e where e.notification_id = s.position),
    coalesce((select e.notification_id from events e order by e.notification_id desc limit 1), 0)
from (values (1)) as always (one)
    left join (select * from seals order by number desc limit 1) as s on true
"""
KEEP: Final = "insert into seals (number, position, seal, edge) values (%s, %s, %s, %s)"
ONE: Final = "select seal from seals where number = %s"

log = structlog.get_logger(__name__)

Connection = psycopg.Connection[Any]


class LogNotSealable(Conflict):
    code = "log_not_sealable"
    title = "The log is not what was sealed, or does not follow from it; nothing more is sealed."


@dataclass(frozen=True, kw_only=True)
class Terms:
    """When a seal is made: after so many events, and after so long if there is any."""

    every_events: int = 1_000
    every_seconds: float = 60.0


class _Standing(NamedTuple):
    last: Made | None
    age_seconds: float  # of the last seal
    head: int

    @property
    def sealed(self) -> int:
        return self.last.seal.position if self.last else 0


class Sealer:
    def __init__(
        self,
        conninfo: str,
        schema: str,
        key: Ed25519PrivateKey,
        sinks: Sequence[Sink] = (),
        terms: Terms = Terms(),
        now: clock.Clock = clock.now,
    ) -> None:
        self._conninfo, self._schema, self._key = conninfo, schema, key
        self._sinks, self._terms, self._now = sinks, terms, now
        self._lock = LogNames(schema).lock ^ 2
        self._published: dict[str, int] = {}

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Whatever goes wrong is said, and tried again."""
        while not stop.is_set():
            try:
                with connect(self._conninfo, self._schema, "app") as connection:
                    while not stop.is_set():
                        if not self.step(connection):
                            stop.wait(LOOK_SECONDS)
            except psycopg.OperationalError as error:
                log.warning("seals.store_away", error=type(error).__name__)
                stop.wait(LOOK_SECONDS)
            except LedgerError as error:
                log.error("seals.refused", code=error.code, detail=error.detail, **error.context)
                stop.wait(TROUBLE_SECONDS)
            except Exception as error:
                log.error("seals.failed", error=type(error).__name__, detail=str(error))
                stop.wait(TROUBLE_SECONDS)

    def step(self, connection: Connection, *, at_once: bool = False) -> int:
        """Makes the seals that are due, and brings all to where they are missing; how many were made.
        `at_once`: whatever is in the log is due. Raises LogNotSealable; SealsDiffer and SealsMissing
        before another seal is made beside those that somebody has already.
        """
        self._publish(connection)
        try:
            with connection.transaction():
                made = self._make(connection, at_once=at_once)
        except psycopg.errors.UniqueViolation:
            made = []  # somebody was quicker
        if failed := self._publish(connection):
            raise failed
        return len(made)

    def _make(self, connection: Connection, *, at_once: bool) -> list[Made]:
        if not _value(connection.execute(TAKE_TURN, (self._lock,))):
            return []
        standing = _standing(connection)
        size = self._terms.every_events
        waiting = standing.head - standing.sealed
        is_late = at_once or standing.age_seconds >= self._terms.every_seconds
        most = waiting if is_late else waiting - waiting % size
        if not most:
            return []
        until = standing.sealed + min(most, SEALS_AT_ONCE * size)
        rows = scanning.page(connection, standing.sealed, until)
        _check_links(standing, until, rows)
        made, last = [], standing.last
        for start in range(0, len(rows), size):
            last = self._sealed(last, rows[start : start + size])
            made.append(last)
        for seal, edge in made:
            kept = (seal.number, seal.position, sealing.text(seal), b"".join(edge.parts))
            connection.execute(KEEP, kept)
        return made

    def _sealed(self, last: Made | None, rows: Sequence[LogRow]) -> Made:
        leaves = [leaf(row) for row in rows]
        return sealing.make(self._schema, last, leaves, rows[-1].hash, self._now(), self._key)

    def _publish(self, connection: Connection) -> OSError | None:
        """To each place, whatever becomes of the others; what went wrong last."""
        newest, failed = _newest_number(connection), None
        for sink in self._sinks:
            if self._published.get(sink.name) == newest:
                continue
            try:
                self._published[sink.name] = _brought_up_to_date(sink, connection)
            except OSError as error:
                log.error("seals.not_published", to=sink.name, error=str(error))
                failed = error
        return failed


def _standing(connection: Connection) -> _Standing:
    """Raises LogNotSealable when the log is no longer what the last seal says."""
    row = connection.execute(STANDING).fetchone()
    assert row is not None
    line, edge, age, chain, head = row
    if line is None:
        return _Standing(None, float("inf"), head)
    seal = sealing.read(line)
    if chain is None or bytes(chain).hex() != seal.chain:
        raise LogNotSealable(
            f"Seal {seal.number} was made over a log that had another event at {seal.position}.",
            seal=seal.number,
            position=seal.position,
        )
    last = Made(seal, Edge(seal.number, tuple(_parts(bytes(edge)))))
    if last.edge.root.hex() != seal.tree or not sealing.is_signed(seal):
        raise LogNotSealable(f"Seal {seal.number} in the database was changed.", seal=seal.number)
    return _Standing(last, age, head)


def _check_links(standing: _Standing, until: int, rows: Sequence[LogRow]) -> None:
    """The rows are those behind the last seal, up to a position."""
    previous = bytes.fromhex(standing.last.seal.chain) if standing.last else GENESIS
    positions = range(standing.sealed + 1, until + 1)
    for position, row in zip_longest(positions, rows):
        if row is None or position != row.position or _hash(previous, row) != row.hash:
            raise LogNotSealable(
                f"The event at position {position} does not follow from those before it.",
                position=position,
            )
        previous = row.hash


def _hash(previous: bytes, row: LogRow) -> bytes:
    return link(previous, row.position, row.stream, row.version, row.topic, row.state)


def _brought_up_to_date(sink: Sink, connection: Connection) -> int:
    """The number of its last seal. What it has must be what the database has."""
    last = sink.newest()
    if last:
        kept = connection.execute(ONE, (last.number,)).fetchone()
        if kept is None:
            raise SealsMissing(
                f"Seal {last.number} is in {sink.name} and not in the database.",
                seal=last.number,
            )
        if sealing.read(kept[0]) != last:
            raise SealsDiffer(
                f"Seal {last.number} in {sink.name} is not the one in the database.",
                seal=last.number,
            )
    lacking = stored(connection, last.number if last else 0)
    if lacking:
        sink.write(lacking)
        log.info("seals.published", to=sink.name, seal=lacking[-1].number)
    newest = lacking[-1] if lacking else last
    return newest.number if newest else 0


def _newest_number(connection: Connection) -> int:
    return int(_value(connection.execute("select coalesce(max(number), 0) from seals")))


def _parts(edge: bytes) -> list[bytes]:
    bounds = pairwise(range(0, len(edge) + 1, HASH_BYTES))
    return [edge[start:end] for start, end in bounds]


def _value(cursor: psycopg.Cursor[Any]) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None

"""Seals and what they prove, read from the database."""

from collections.abc import Sequence
from typing import Final

from ledger.audit import merkle, proof
from ledger.audit import seal as sealing
from ledger.audit.leaf import leaf
from ledger.audit.proof import EventProof
from ledger.audit.seal import Seal
from ledger.errors import Conflict, NotFound
from ledger.eventstore import scanning
from ledger.eventstore.scanning import Connection

SEALS: Final = "select seal from seals where number > %s order by number"
AT_POSITION: Final = "select notification_id from events where notification_id = %s"
AT_VERSION: Final = (
    "select notification_id from events where originator_id = %s and originator_version = %s"
)


class RangeChanged(Conflict):
    code = "sealed_range_changed"
    title = "The events under this seal are not those that were sealed."


class EventUnknown(NotFound):
    code = "event_unknown"
    title = "There is no such event in the log."


def stored(connection: Connection, after: int = 0) -> list[Seal]:
    """The seals in the database from a number on."""
    return [sealing.read(row[0]) for row in connection.execute(SEALS, (after,))]


def position_of(connection: Connection, event: str) -> int:
    """Of `1234`, a position, or of `pay_01k9…:7`, a stream and a version. Raises EventUnknown."""
    stream, _, version = event.rpartition(":")
    if event.isdecimal():
        found = connection.execute(AT_POSITION, (int(event),))
    elif version.isdecimal():
        found = connection.execute(AT_VERSION, (stream, int(version)))
    else:
        raise EventUnknown(f"{event} is neither a position nor STREAM:VERSION.")
    if (row := found.fetchone()) is None:
        raise EventUnknown(f"There is no event {event}.")
    return int(row[0])


def prove(connection: Connection, position: int, seals: Sequence[Seal]) -> EventProof:
    """Raises NotSealedYet, and RangeChanged when there would be nothing to prove."""
    seal = proof.covering(seals, position)
    rows = scanning.page(connection, seal.first - 1, seal.position)
    if merkle.root([leaf(row) for row in rows]).hex() != seal.root:
        words = f"Of the events {seal.first} to {seal.position}, one is not what was sealed."
        raise RangeChanged(words, seal=seal.number)
    return proof.of_event(rows, position, seals)

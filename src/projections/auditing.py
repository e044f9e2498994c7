"""Checks the log itself, event by event: the chain, the order, the versions, the words and the
sums.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from eventsourcing.persistence import MapperDeserialisationError

from ledger.errors import LedgerError
from ledger.events import DomainEvent, Recorded
from ledger.eventstore.chain import GENESIS, link
from ledger.eventstore.mapping import EventMapper
from ledger.journal.events import EntryPosted
from projections.engine.log import StoredRow


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first thing that is wrong, and where: an event of the log, or a row of a read model."""

    rule: str
    words: str
    position: int = 0
    stream: str = ""
    version: int = 0
    topic: str = ""
    table: str = ""
    key: tuple[Any, ...] = ()
    live: str | None = None
    replayed: str | None = None


class LogBroken(LedgerError):
    code = "log_broken"
    title = "The event log is not what was written."

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.words, **msgspec.structs.asdict(finding))
        self.finding = finding


class ChainAuditor:
    """The chain, the order and the versions alone: bytes are hashed, not read. Pages must come in
    order, from 1.
    """

    def __init__(self) -> None:
        self.events = 0
        self.entries: int | None = None  # nobody looked
        self.versions: defaultdict[str, int] = defaultdict(int)
        self._hash = GENESIS

    def __call__(self, rows: Sequence[StoredRow]) -> Sequence[Recorded[DomainEvent]]:
        """Raises LogBroken at the first event that is wrong; gives nothing to apply."""
        previous, versions = self._hash, self.versions
        for row in rows:
            previous = check_link(previous, row)
            versions[row.stream] = check_version(versions[row.stream], row)
        self._hash = previous
        self.events += len(rows)
        return ()


class Auditor:
    """Decodes as it checks, so that one pass over the log serves both. Pages must come in order,
    from 1.
    """

    def __init__(self) -> None:
        self.events = 0
        self.entries = 0
        self.versions: defaultdict[str, int] = defaultdict(int)
        self._hash = GENESIS
        self._mapper = EventMapper()

    def __call__(self, rows: Sequence[StoredRow]) -> list[Recorded[DomainEvent]]:
        """Raises LogBroken at the first event that is wrong."""
        found = []
        for row in rows:  # written out, because a call costs as much as what is done here
            self._hash = check_link(self._hash, row)
            self.versions[row.stream] = check_version(self.versions[row.stream], row)
            found.append(recorded := read(self._mapper, row))
            if type(recorded.event) is EntryPosted:
                _check_sums(row, recorded.event)
                self.entries += 1
            self.events += 1
        return found


def check_link(previous: bytes, row: StoredRow) -> bytes:
    """The hash of the row; raises LogBroken when it does not follow from the one before."""
    digest = link(previous, row.position, row.stream, row.version, row.topic, row.state)
    if digest != row.hash:
        raise broken("chain", "the hash does not follow from the event and the hash before it", row)
    return digest


def check_version(previous: int, row: StoredRow) -> int:
    if row.version != previous + 1:
        raise broken("versions", f"version {previous + 1} of the stream is missing", row)
    return row.version


def read(mapper: EventMapper, row: StoredRow) -> Recorded[DomainEvent]:
    try:
        return mapper.decode(row.stream, row.version, row.topic, row.state, row.position)
    except MapperDeserialisationError as error:
        raise broken("readable", f"the event cannot be read: {error.__cause__}", row) from error


def broken(rule: str, words: str, row: StoredRow) -> LogBroken:
    return LogBroken(
        Finding(
            rule=rule,
            words=words,
            position=row.position,
            stream=row.stream,
            version=row.version,
            topic=row.topic,
        )
    )


def _check_sums(row: StoredRow, entry: EntryPosted) -> None:
    sums: dict[str, int] = {}
    for leg in entry.legs:
        amount = leg.amount
        sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    for currency, minor in sums.items():
        if minor:
            raise broken("balance", f"the entry does not balance: {currency} {minor}", row)

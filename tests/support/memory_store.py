"""The real EventStore on a log in memory: what PostgreSQL and the lines to it do, good and bad.

A log is shared by the stores of all processes, as the database is; each store has its own cache.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Final

from ledger.events import DomainEvent, Recorded
from ledger.eventstore.append_call import NewEvent
from ledger.eventstore.committer import Append, Appended, Duplicate, Outcome, VersionConflict
from ledger.eventstore.group_call import StoreUnavailable
from ledger.eventstore.mapping import EventMapper
from ledger.eventstore.reading import Ask, Snapshot, StreamEvent
from ledger.eventstore.store import EventStore
from support.driven import Pause

Batch = Sequence[Recorded[DomainEvent]]


class StoreFault(StrEnum):
    """What may become of an append. The caller of the last four is told that nobody knows."""

    REPLY_LOST = "committed, the reply was lost, and the call was sent again"
    GAVE_UP_STORED = "committed, and the caller had given up waiting"
    GAVE_UP_UNSTORED = "the caller gave up waiting, and nothing was committed"
    STORED_LATER = "the caller gave up waiting, and then it was committed"
    AWAY = "no connection, for reading neither"


class Log:
    """The events table and append(): versions follow one another, a command id stands once."""

    def __init__(self) -> None:
        self.rows: list[Recorded[DomainEvent]] = []
        self.commands: dict[str, Duplicate] = {}
        self.late: deque[Append] = deque()  # still on the line when their callers gave up
        self.readers: list[Callable[[Batch], None]] = []
        self._streams: dict[str, list[StreamEvent]] = {}
        self._mapper: Final = EventMapper()

    def append(self, append: Append) -> Outcome:
        if known := self.commands.get(append.command_id):
            return known
        added: Counter[str] = Counter()
        for event in append.events:
            stream = str(event.originator_id)
            added[stream] += 1
            if event.originator_version != len(self.after(stream, 0)) + added[stream]:
                return VersionConflict()
        batch = [self._store(event) for event in append.events]
        last = batch[-1]
        self.commands[append.command_id] = Duplicate(
            last.position, last.stream, last.version, append.fingerprint
        )
        for reader in self.readers:
            reader(batch)
        return Appended(last.position)

    def _store(self, event: NewEvent) -> Recorded[DomainEvent]:
        position = len(self.rows) + 1
        stream, version = str(event.originator_id), event.originator_version
        stored = StreamEvent(version, event.topic, event.state, position)
        self._streams.setdefault(stream, []).append(stored)
        recorded = self._mapper.decode(stream, version, event.topic, event.state, position)
        self.rows.append(recorded)
        return recorded

    def after(self, stream: str, version: int) -> Sequence[StreamEvent]:
        return self._streams.get(stream, [])[version:]

    def land(self) -> None:
        """What was still on the line arrives."""
        while self.late:
            self.append(self.late.popleft())


class MemoryStore(EventStore):
    """Only the lines to the database are other ones; cache, locks and conflicts are the real ones."""

    def __init__(self, log: Log, faults: "deque[StoreFault]") -> None:
        super().__init__(None, None)  # type: ignore[arg-type]
        self.log = log
        lines: Any = _Lines(log, faults)
        self._committer = lines
        self._reading = _Line(lines.read)  # type: ignore[assignment]
        self._commands = _Line(lines.find)  # type: ignore[assignment]
        self._snapshots = _NoSnapshots()  # type: ignore[assignment]


class _Lines:
    def __init__(self, log: Log, faults: "deque[StoreFault]") -> None:
        self._log = log
        self._faults = faults

    async def append(
        self, command_id: str, fingerprint: bytes, events: Sequence[NewEvent]
    ) -> Outcome:
        append = Append(command_id, fingerprint, events)
        await Pause("append leaves")
        match self._faults.popleft() if self._faults else None:
            case StoreFault.AWAY | StoreFault.GAVE_UP_UNSTORED:
                raise StoreUnavailable
            case StoreFault.STORED_LATER:
                self._log.late.append(append)
                raise StoreUnavailable
            case StoreFault.GAVE_UP_STORED:
                self._log.append(append)
                raise StoreUnavailable
            case StoreFault.REPLY_LOST:
                self._log.append(append)
                await Pause("append is sent again")
        outcome = self._log.append(append)
        await Pause("append is answered")
        return outcome

    async def read(self, ask: Ask) -> Sequence[StreamEvent]:
        await Pause("read leaves")
        self._unless_away()
        return self._log.after(ask.stream, ask.after)

    async def find(self, command_id: str) -> Duplicate | None:
        await Pause("look-up leaves")
        self._unless_away()
        return self._log.commands.get(command_id)

    def _unless_away(self) -> None:
        if self._faults and self._faults[0] is StoreFault.AWAY:
            self._faults.popleft()
            raise StoreUnavailable


class _Line:
    def __init__(self, submit: Callable[[Any], Any]) -> None:
        self.submit = submit


class _NoSnapshots:
    """Kept in the background, and only to load faster: here none is."""

    def submit(self, snapshot: Snapshot) -> "_NoSnapshots":
        return self

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        return

"""The log as it stood at a point: what was recorded later has not happened yet.

A point is a position, or a moment. A moment stands for all that stands in the stream before the first
event recorded after it, so that a state never changes once something later is there, whatever the
clocks of several processes say.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import takewhile
from typing import Any, NoReturn, TypeVar

from ledger.decider import Decider
from ledger.events import DomainEvent, Recorded
from ledger.eventstore.joining import Loaded
from ledger.eventstore.store import EventStore

State = TypeVar("State")
Command = TypeVar("Command")

Point = int | datetime  # a position of the log, or a moment


def known_by(point: Point, history: Iterable[Recorded[DomainEvent]]) -> list[Recorded[DomainEvent]]:
    """The beginning of a stream that was recorded by then."""
    if isinstance(point, int):
        return list(takewhile(lambda record: record.position <= point, history))
    return list(takewhile(lambda record: record.metadata.recorded_at <= point, history))


class PastStore(EventStore):
    """Loads what was known by a point, for the services that look at the store; nothing is appended."""

    def __init__(self, store: EventStore, point: Point) -> None:
        self._store, self._point = store, point
        self.newest: dict[str, Recorded[DomainEvent]] = {}  # of each stream that was loaded

    async def load(self, decider: Decider[State, Command], stream: str) -> Loaded[State]:
        known = await self.history(stream)
        if known:
            self.newest[stream] = known[-1]
        return Loaded(decider.fold(record.event for record in known), len(known))

    async def history(self, stream: str) -> list[Recorded[DomainEvent]]:
        return known_by(self._point, await self._store.history(stream))

    async def execute(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("The past is not changed.")

    async def begin_all(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("The past is not changed.")

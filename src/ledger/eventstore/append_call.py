"""One call of the SQL function append(): the events of many commands in, an outcome for each out."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from ledger.eventstore.arrays import BYTEAS, INT8S, TEXTS, byteas, int8s, texts
from ledger.eventstore.line import Result


class Appended(msgspec.Struct, frozen=True, gc=False):
    position: int  # of the command's last event


class Duplicate(msgspec.Struct, frozen=True, gc=False):
    """The command was carried out before, and this is where."""

    position: int
    stream: str
    version: int
    fingerprint: bytes


class VersionConflict(msgspec.Struct, frozen=True, gc=False):
    """Somebody else appended to the stream first."""


Outcome = Appended | Duplicate | VersionConflict


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """What the library calls a StoredEvent; two are made for a movement of money, and its own take ten
    times as long.
    """

    originator_id: str
    originator_version: int
    topic: str
    state: bytes


class Append(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One command's events on their way into the log."""

    command_id: str
    fingerprint: bytes
    events: Sequence[NewEvent]


class _Other(msgspec.Struct):
    """A command that was not appended. Without a position: a conflict."""

    command_id: str
    position: int | None = None
    stream: str = ""
    version: int = 0
    fingerprint: str = ""  # in hexadecimal

    def outcome(self) -> Outcome:
        if self.position is None:
            return VersionConflict()
        return Duplicate(self.position, self.stream, self.version, bytes.fromhex(self.fingerprint))


_OTHERS: Final = msgspec.json.Decoder(list[_Other])


class AppendCall:
    query: Final = b"select append($1, $2, $3, $4, $5, $6)"
    types: Final = (TEXTS, INT8S, TEXTS, BYTEAS, TEXTS, BYTEAS)

    def parameters(self, items: Sequence[Append]) -> Sequence[bytes]:
        """Events one after the other; a command's id and fingerprint stand at its last one."""
        events = [event for item in items for event in item.events]
        ids: list[bytes | None] = [None] * len(events)
        prints: list[bytes | None] = [None] * len(events)
        last = -1
        for item in items:
            last += len(item.events)
            ids[last], prints[last] = item.command_id.encode(), item.fingerprint
        return (
            texts([event.originator_id.encode() for event in events]),
            int8s([event.originator_version for event in events]),
            texts([event.topic.encode() for event in events]),
            byteas([event.state for event in events]),
            texts(ids),
            byteas(prints),
        )

    def outcomes(self, items: Sequence[Append], result: Result) -> Iterator[Outcome]:
        head, _, told = bytes(result.get_value(0, 0) or b"").partition(b" ")
        position, others = int(head), _others(told)
        for item in items:
            if other := others.get(item.command_id):
                yield other.outcome()
            else:
                position += len(item.events)
                yield Appended(position)

    def size(self, item: Append) -> int:
        return sum([len(event.state) for event in item.events])

    def keys(self, item: Append) -> Iterable[Hashable]:
        """A stream comes once in a call, so that each version is checked against the log alone; so
        does a command.
        """
        events = item.events
        if events[0].originator_id == events[-1].originator_id:  # a stream's events stand together
            return item.command_id, events[0].originator_id
        return item.command_id, *{event.originator_id for event in events}


def _others(told: bytes) -> dict[str, _Other]:
    return {other.command_id: other for other in _OTHERS.decode(told)} if told else {}

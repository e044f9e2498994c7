"""One call of the SQL function append(): the events of many commands in, an outcome for each out."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from eventsourcing.persistence import StoredEvent

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


@dataclass(slots=True, eq=False)
class Append:
    """One command's events on their way into the log."""

    command_id: str
    fingerprint: bytes
    events: Sequence[StoredEvent]
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = sum([len(event.state) for event in self.events])


class _Other(msgspec.Struct):
    """A command that was not appended. Without a position: a conflict."""

    command: int  # its number in the call, from 1
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
        events: list[StoredEvent] = []
        ids: list[bytes | None] = []
        prints: list[bytes | None] = []
        for item in items:
            events += item.events
            nothing = [None] * (len(item.events) - 1)
            ids += [*nothing, item.command_id.encode()]
            prints += [*nothing, item.fingerprint]
        return (
            texts([str(event.originator_id).encode() for event in events]),
            int8s([event.originator_version for event in events]),
            texts([event.topic.encode() for event in events]),
            byteas([event.state for event in events]),
            texts(ids),
            byteas(prints),
        )

    def outcomes(self, items: Sequence[Append], result: Result) -> Iterator[Outcome]:
        head, _, told = bytes(result.get_value(0, 0) or b"").partition(b" ")
        position, others = int(head), _others(told)
        for number, item in enumerate(items, start=1):
            if number in others:
                yield others[number].outcome()
            else:
                position += len(item.events)
                yield Appended(position)

    def size(self, item: Append) -> int:
        return item.size

    def keys(self, item: Append) -> Iterable[Hashable]:
        """A stream comes once in a call, so that each version is checked against the log alone; so
        does a command.
        """
        if len(item.events) == 1:
            return item.command_id, item.events[0].originator_id
        return item.command_id, *{event.originator_id for event in item.events}


def _others(told: bytes) -> dict[int, _Other]:
    return {other.command: other for other in _OTHERS.decode(told)} if told else {}

"""Reading streams, many at a time: what stands after the version that a caller knows, and the snapshot
to start from when it knows nothing.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from ledger.eventstore.append_call import Duplicate
from ledger.eventstore.arrays import BYTEAS, INT8S, TEXTS, byteas, int8s, number, texts
from ledger.eventstore.line import Result


class Ask(NamedTuple):
    stream: str
    after: int  # the version that is known; 0 for nothing
    format: str = ""  # of the snapshots that can be read; empty for none


class StreamEvent(NamedTuple):
    """As it stands in the log. A snapshot comes first and has no topic."""

    version: int
    topic: str
    state: bytes
    position: int


class ReadCall:
    query: Final = b"""
select asked.n, found.version, found.topic, found.state, found.position
from unnest($1, $2, $3) with ordinality as asked (stream, after, format, n)
    left join lateral (
        select s.version, s.state from snapshots s
        where s.stream = asked.stream and s.format = asked.format and asked.after = 0
    ) as snapshot on true
    cross join lateral (
        (select snapshot.version, '' as topic, snapshot.state, 0::bigint as position
        where snapshot.version is not null)
        union all
        (select e.originator_version, e.topic, e.state, e.notification_id from events e
        where e.originator_id = asked.stream
            and e.originator_version > coalesce(snapshot.version, asked.after)
        order by e.originator_version)
    ) as found
"""
    types: Final = (TEXTS, INT8S, TEXTS)

    def parameters(self, items: Sequence[Ask]) -> Sequence[bytes]:
        return (
            texts([ask.stream.encode() for ask in items]),
            int8s([ask.after for ask in items]),
            texts([ask.format.encode() for ask in items]),
        )

    def outcomes(self, items: Sequence[Ask], result: Result) -> Iterator[Sequence[StreamEvent]]:
        found: defaultdict[int, list[StreamEvent]] = defaultdict(list)
        get = result.get_value
        for row in range(result.ntuples):
            asked, version, topic, state, position = [get(row, n) or b"" for n in range(5)]
            found[number(asked)].append(
                StreamEvent(number(version), topic.decode(), state, number(position))
            )
        for n in range(1, len(items) + 1):
            yield found.get(n, ())

    def size(self, item: Ask) -> int:
        return len(item.stream)

    def keys(self, item: Ask) -> Iterable[Hashable]:
        return ()


class CommandCall:
    """Looks for commands by their ids: where each was carried out, if it was."""

    query: Final = b"""
select given.n, e.notification_id, e.originator_id, e.originator_version, e.fingerprint
from unnest($1) with ordinality as given (id, n)
    cross join lateral (select * from events e where e.command_id = given.id limit 1) as e
"""
    types: Final = (TEXTS,)

    def parameters(self, items: Sequence[str]) -> Sequence[bytes]:
        return (texts([command_id.encode() for command_id in items]),)

    def outcomes(self, items: Sequence[str], result: Result) -> Iterator[Duplicate | None]:
        found: dict[int, Duplicate] = {}
        for row in range(result.ntuples):
            given, position, stream, version, fingerprint = [
                result.get_value(row, column) or b"" for column in range(5)
            ]
            found[number(given)] = Duplicate(
                number(position), stream.decode(), number(version), fingerprint
            )
        for n in range(1, len(items) + 1):
            yield found.get(n)

    def size(self, item: str) -> int:
        return len(item)

    def keys(self, item: str) -> Iterable[Hashable]:
        return ()


class Snapshot(NamedTuple):
    stream: str
    version: int
    format: str
    state: bytes


class SnapshotCall:
    """Keeps the newest of each stream."""

    query: Final = b"""
insert into snapshots select * from unnest($1, $2, $3, $4)
on conflict (stream) do update
set version = excluded.version, format = excluded.format, state = excluded.state
where snapshots.version < excluded.version or snapshots.format <> excluded.format
"""
    types: Final = (TEXTS, INT8S, TEXTS, BYTEAS)

    def parameters(self, items: Sequence[Snapshot]) -> Sequence[bytes]:
        return (
            texts([one.stream.encode() for one in items]),
            int8s([one.version for one in items]),
            texts([one.format.encode() for one in items]),
            byteas([one.state for one in items]),
        )

    def outcomes(self, items: Sequence[Snapshot], result: Result) -> Iterable[None]:
        return [None] * len(items)

    def size(self, item: Snapshot) -> int:
        return len(item.state)

    def keys(self, item: Snapshot) -> Iterable[Hashable]:
        return (item.stream,)

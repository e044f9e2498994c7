"""Load, decide, append: the one road from a command to facts in the log.

An aggregate is cached by stream and brought forward by what was appended since; a long one that is
not cached starts from its snapshot. A conflict evicts it and the command is decided again on the
new state; a command that was carried out before is answered with what it did then. What follows from
a command on other streams stands in the same append (joining.py).
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Generic, TypeVar

import msgspec
import structlog

from ledger import clock, deadline
from ledger.crashpoint import crashpoint
from ledger.decider import Decider
from ledger.errors import Conflict, LedgerError, Rejected, Unavailable
from ledger.events import DomainEvent, Metadata, Recorded
from ledger.eventstore.committer import (
    Append,
    Appended,
    Committer,
    Duplicate,
    Outcome,
    VersionConflict,
)
from ledger.eventstore.group_call import Connect, GroupCall
from ledger.eventstore.joining import Joint, Loaded, Step, Then
from ledger.eventstore.mapping import EventMapper
from ledger.eventstore.reading import (
    Ask,
    CommandCall,
    ReadCall,
    Snapshot,
    SnapshotCall,
    StreamEvent,
)
from ledger.eventstore.turns import Turns

log = structlog.get_logger(__name__)

State = TypeVar("State")
Command = TypeVar("Command")

CACHED_STREAMS: Final = 20_000
SLICE: Final = 500  # commands decided at a time, some 20 ms of the event loop
SNAPSHOT_EVERY: Final = 100  # events of a stream
# How long a command is decided again once others were faster. Not a number of tries: who wins appends from
# its cache in one round trip, who loses needs two, and loses until the other pauses.
BUSY_SECONDS: Final = 2.0


class StreamBusy(Conflict):
    code = "stream_busy"
    title = "Others kept changing this at the same moment; repeat the request."


class CommandIdReused(Rejected):
    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request."


class Context(msgspec.Struct, frozen=True, gc=False):
    """Who does what and why; `command_id` makes a repeat harmless, `fingerprint` makes a different
    repeat refused.
    """

    command_id: str
    actor: str
    correlation_id: str = ""
    causation_id: str = ""
    reason: str = ""
    fingerprint: bytes = b""


class Executed(msgspec.Struct, Generic[State], frozen=True, gc=False):
    """`replayed`: the command had been carried out before; `events` are then empty and the state is
    today's.
    """

    stream: str
    state: State
    version: int
    events: Sequence[Recorded[DomainEvent]]
    replayed: bool = False
    also: Mapping[str, Any] = {}  # states of the other streams it touched


class Work(msgspec.Struct, Generic[Command], frozen=True, gc=False):
    """A command on a stream that does not exist yet."""

    stream: str
    command: Command
    context: Context


class Begun(msgspec.Struct, frozen=True, gc=False):
    """`replayed`: the command had been carried out before, and this is where."""

    stream: str
    replayed: bool = False


class EventStore:
    def __init__(self, committer: Committer, connect: Connect) -> None:
        self._committer = committer
        self._reading = GroupCall(connect, ReadCall())
        self._commands = GroupCall(connect, CommandCall())
        self._snapshots = GroupCall(connect, SnapshotCall())
        self._mapper = EventMapper()
        self._cache: OrderedDict[str, Loaded[Any]] = OrderedDict()
        self._turns = Turns()

    async def close(self) -> None:
        for calls in (self._snapshots, self._commands, self._reading):
            await calls.close()

    async def load(self, decider: Decider[State, Command], stream: str) -> Loaded[State]:
        """The state as of now, other processes' appends included."""
        known: Loaded[State] = self._cache.get(stream) or Loaded(decider.initial, 0)
        news = await self._reading.submit(Ask(stream, known.version, decider.snapshot.format))
        if not news:
            return known
        if not news[0].topic:
            begin, *news = news
            known = Loaded(decider.snapshot.decode(begin.state), begin.version)
        state = decider.fold((self._decoded(stream, stored).event for stored in news), known.state)
        loaded = Loaded(state, news[-1].version if news else known.version)
        return self._remember(decider, stream, loaded, known.version)

    async def carried_out(
        self, decider: Decider[State, Command], context: Context
    ) -> Executed[State] | None:
        """What came of the command, when it had been carried out before. Raises CommandIdReused."""
        earlier = await self._commands.submit(context.command_id)
        return await self._replay(decider, earlier, context) if earlier else None

    async def history(self, stream: str) -> list[Recorded[DomainEvent]]:
        stored = await self._reading.submit(Ask(stream, after=0))
        return [self._decoded(stream, event) for event in stored]

    async def execute(
        self,
        decider: Decider[State, Command],
        stream: str,
        command: Command,
        context: Context,
        *,
        is_new: bool = False,
        then: Then | None = None,
    ) -> Executed[State]:
        """Raises what `decide` raises, CommandIdReused, StreamBusy, StoreUnavailable or
        StoreOverloaded.

        `is_new`: the stream's id was made just now, so there is nothing to load. `then`: what follows
        from each fact on other streams, all of it in the same append or none.
        """
        if is_new:
            self._keep(stream, Loaded(decider.initial, 0))
        await self._turns.take(stream)
        until = math.inf
        try:
            while True:
                try:
                    return await self._try(Step(decider, stream, command), context, is_new, then)
                except _Stale as stale:
                    for touched in stale.streams:
                        self._cache.pop(touched, None)
                now = clock.monotonic_seconds()
                until = min(until, now + BUSY_SECONDS)
                if now >= until:
                    raise StreamBusy(stream=stream)
        finally:
            self._turns.leave(stream)

    async def begin_all(
        self, decider: Decider[State, Command], works: Iterable[Work[Command]]
    ) -> list[Begun | LedgerError]:
        """Very many commands on new streams, each with its own outcome; nothing is cached. Between
        slices other work has its turn, and PostgreSQL commits one slice while the next is made; so
        works are best made as they are taken.

        Raises StoreUnavailable or StoreOverloaded as soon as one command met it; of the others it is
        then not known which were stored, and all may be repeated.
        """
        begun: list[Begun | LedgerError] = []
        under_way: asyncio.Task[list[Begun | LedgerError]] | None = None
        left = iter(works)
        while taken := list(islice(left, SLICE)):
            made = self._slice(decider, taken)
            if under_way:
                begun += await under_way
            with deadline.lifted():  # a slice has the time of a command
                under_way = asyncio.create_task(self._begin(*made))
            await asyncio.sleep(0)
        return begun + (await under_way if under_way else [])

    def _slice(
        self, decider: Decider[State, Command], works: Sequence[Work[Command]]
    ) -> tuple[list[Append], list[LedgerError | None]]:
        """What to append, and what is refused already, in the order of `works`."""
        appends: list[Append] = []
        refused: list[LedgerError | None] = []
        for work in works:
            try:
                facts = decider.decide(decider.initial, work.command)
            except LedgerError as error:
                refused.append(error)
                continue
            refused.append(None)
            recorded = _record(work.stream, 0, facts, _metadata(work.context))
            stored = [self._mapper.encode(fact) for fact in recorded]
            appends.append(Append(work.context.command_id, work.context.fingerprint, stored))
        return appends, refused

    async def _begin(
        self, appends: Sequence[Append], refused: list[LedgerError | None]
    ) -> list[Begun | LedgerError]:
        outcomes = await self._committer.append_all(appends)
        for outcome in outcomes:
            if isinstance(outcome, Unavailable):
                raise outcome
        appended = zip(appends, outcomes, strict=True)
        return [refusal or _begun(*next(appended)) for refusal in refused]

    async def _try(
        self, step: Step[State, Command], context: Context, is_new: bool, then: Then | None
    ) -> Executed[State]:
        joint = Joint(self._cache, self.load)
        await joint.decide(step, then)
        if joint.refusal:
            return await self._refused(joint, joint.refusal, context)
        main = joint.main
        if not main.facts:
            return Executed(main.stream, main.state, main.loaded.version, ())
        metadata, changed, stored = _metadata(context), joint.changed, []
        for part in changed:
            recorded = _record(part.stream, part.loaded.version, part.facts, metadata)
            stored += [self._mapper.encode(fact) for fact in recorded]
        crashpoint("append.before_commit")
        match await self._committer.append(context.command_id, context.fingerprint, stored):
            case Duplicate(stream=where) as earlier if not (is_new and where == main.stream):
                return await self._replay(step.decider, earlier, context)
            case VersionConflict():
                raise _Stale(joint.parts)
        # A duplicate on a stream that nobody else knows is this append, the answer to which was lost.
        crashpoint("append.after_commit")
        for part in changed:
            self._remember(part.decider, part.stream, part.now, part.loaded.version)
        return Executed(main.stream, main.state, recorded[-1].version, recorded, also=joint.also)

    async def _refused(self, joint: Joint, refusal: LedgerError, context: Context) -> Executed[Any]:
        """It may rest on a stale state, or on this very command having been carried out."""
        if joint.rests_on_cache:
            raise _Stale(joint.parts)
        if earlier := await self._commands.submit(context.command_id):
            return await self._replay(joint.main.decider, earlier, context)
        raise refusal

    async def _replay(
        self, decider: Decider[State, Command], earlier: Duplicate, context: Context
    ) -> Executed[State]:
        if earlier.fingerprint != context.fingerprint:
            raise CommandIdReused()
        now = await self.load(decider, earlier.stream)
        return Executed(earlier.stream, now.state, now.version, (), replayed=True)

    def _decoded(self, stream: str, stored: StreamEvent) -> Recorded[DomainEvent]:
        return self._mapper.decode(
            stream, stored.version, stored.topic, stored.state, stored.position
        )

    def _remember(
        self, decider: Decider[State, Command], stream: str, loaded: Loaded[State], before: int
    ) -> Loaded[State]:
        self._keep(stream, loaded)
        if decider.snapshot.format and before // SNAPSHOT_EVERY < loaded.version // SNAPSHOT_EVERY:
            self._snap(decider, stream, loaded)
        return loaded

    def _keep(self, stream: str, loaded: Loaded[Any]) -> None:
        self._cache[stream] = loaded
        self._cache.move_to_end(stream)
        if len(self._cache) > CACHED_STREAMS:
            self._cache.popitem(last=False)

    def _snap(self, decider: Decider[State, Command], stream: str, loaded: Loaded[State]) -> None:
        """In the background. Without it the next load only takes longer."""
        snapshot = decider.snapshot
        state = snapshot.encode(loaded.state)
        kept = self._snapshots.submit(Snapshot(stream, loaded.version, snapshot.format, state))
        kept.add_done_callback(_log_failure)


def _metadata(context: Context) -> Metadata:
    return Metadata(
        command_id=context.command_id,
        actor=context.actor,
        recorded_at=clock.now(),
        correlation_id=context.correlation_id,
        causation_id=context.causation_id,
        reason=context.reason,
    )


def _record(
    stream: str, version: int, facts: Sequence[DomainEvent], metadata: Metadata
) -> list[Recorded[DomainEvent]]:
    return [
        Recorded(stream=stream, version=version + n, event=fact, metadata=metadata)
        for n, fact in enumerate(facts, start=1)
    ]


def _begun(append: Append, outcome: Outcome | BaseException) -> Begun | LedgerError:
    match outcome:
        case Appended():
            return Begun(str(append.events[0].originator_id))
        case Duplicate(stream=stream, fingerprint=fingerprint):
            same = fingerprint == append.fingerprint
            return Begun(stream, replayed=True) if same else CommandIdReused()
        case VersionConflict():
            return StreamBusy()
        case LedgerError():
            return outcome
    raise outcome


def _log_failure(kept: "asyncio.Future[None]") -> None:
    if not kept.cancelled() and (error := kept.exception()):
        log.warning("store.snapshot_failed", cause=str(error))


class _Stale(Exception):
    """What we decided on may no longer be the newest state of these streams."""

    def __init__(self, streams: Iterable[str]) -> None:
        self.streams = tuple(streams)

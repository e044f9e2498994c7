"""Several streams in one append: what a command brings about on its own stream, and what follows from
that on others. Why, and what it promises: docs/decisions/0017-one-append-several-streams.md.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from ledger.decider import Decider
from ledger.errors import LedgerError
from ledger.events import DomainEvent

State = TypeVar("State")
Command = TypeVar("Command")

STEPS_AT_MOST: Final = 1_000  # in one append; whoever needs more goes round in circles


class Step(msgspec.Struct, Generic[State, Command], frozen=True, gc=False):
    """A command on another stream, whose facts go into the same append.

    `is_new`: the stream's id was made just now, so there is nothing to load.
    """

    decider: Decider[State, Command]
    stream: str
    command: Command
    is_new: bool = False


# A stream, a fact of it, and its state after the decision → what follows.
Then = Callable[[str, DomainEvent, Any], Sequence[Step[Any, Any]]]


class Loaded(msgspec.Struct, Generic[State], frozen=True, gc=False):
    state: State
    version: int  # 0: the stream does not exist


class Part:
    """One stream in an append that is being made."""

    __slots__ = ("decider", "facts", "is_from_cache", "loaded", "state", "stream")

    def __init__(self, step: Step[Any, Any], loaded: Loaded[Any], *, is_from_cache: bool) -> None:
        self.decider: Decider[Any, Any] = step.decider
        self.stream = step.stream
        self.loaded = loaded
        self.is_from_cache = is_from_cache
        self.state = loaded.state
        self.facts: list[DomainEvent] = []

    def decide(self, command: Any) -> Sequence[DomainEvent]:
        facts = self.decider.decide(self.state, command)
        self.state = self.decider.fold(facts, self.state)
        self.facts += facts
        return facts

    @property
    def now(self) -> Loaded[Any]:
        return Loaded(self.state, self.loaded.version + len(self.facts))


Load = Callable[[Decider[Any, Any], str], Awaitable[Loaded[Any]]]


class Joint:
    """The streams of one append, the main one first; they are evicted together and kept together."""

    def __init__(self, cache: Mapping[str, Loaded[Any]], load: Load) -> None:
        self._cache = cache
        self._load = load
        self.parts: dict[str, Part] = {}
        self.refusal: LedgerError | None = None

    async def decide(self, main: Step[Any, Any], then: Then | None) -> None:
        """The main step and all that follows from it, causes before effects. The first refusal ends
        it, and then nothing of it may be appended.
        """
        facts = await self._take(main)
        if not then:
            return
        following = deque((main.stream, fact) for fact in facts)
        steps = 0
        while following and not self.refusal:
            stream, fact = following.popleft()
            for step in then(stream, fact, self.parts[stream].state):
                following += [(step.stream, fact) for fact in await self._take(step)]
                steps += 1
                if steps > STEPS_AT_MOST:
                    raise RuntimeError(f"What follows from {main.command!r} has no end.")

    async def _take(self, step: Step[Any, Any]) -> Sequence[DomainEvent]:
        if self.refusal:
            return ()
        part = self._known(step) or await self._fresh(step)
        facts = self._decided(part, step.command)
        if part.facts or self.refusal or not part.is_from_cache:
            return facts
        # Nothing of this stream is in an append, so no conflict would tell that the state was old.
        return self._decided(await self._fresh(step), step.command)

    def _known(self, step: Step[Any, Any]) -> Part | None:
        part = self.parts.get(step.stream)
        if part is None and (known := self._cache.get(step.stream)):
            part = self.parts[step.stream] = Part(step, known, is_from_cache=True)
        return part

    async def _fresh(self, step: Step[Any, Any]) -> Part:
        if step.is_new:
            loaded = Loaded(step.decider.initial, 0)
        else:
            loaded = await self._load(step.decider, step.stream)
        part = self.parts[step.stream] = Part(step, loaded, is_from_cache=False)
        return part

    def _decided(self, part: Part, command: Any) -> Sequence[DomainEvent]:
        try:
            return part.decide(command)
        except LedgerError as refusal:
            self.refusal = refusal
            return ()

    @property
    def main(self) -> Part:
        return next(iter(self.parts.values()))

    @property
    def changed(self) -> list[Part]:
        """The main stream last: a command is known by the last event of its append."""
        main, *others = self.parts.values()
        return [*[part for part in others if part.facts], main]

    @property
    def also(self) -> dict[str, Any]:
        _, *others = self.parts.values()
        return {part.stream: part.state for part in others}

    @property
    def rests_on_cache(self) -> bool:
        return any(part.is_from_cache for part in self.parts.values())

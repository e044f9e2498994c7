"""Decide, evolve: the whole shape of a rule-bearing thing.

`decide(state, command)` is pure, may refuse, and returns new facts; `evolve(state, fact)` is pure
and never refuses, because history already happened.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final, Generic, TypeVar

from ledger.events import DomainEvent

State = TypeVar("State")
Command = TypeVar("Command")


@dataclass(frozen=True, slots=True)
class SnapshotForm(Generic[State]):
    """How a state is kept. `format` names the code that made it, so that other code does not read it;
    empty: states are not kept.
    """

    format: str
    encode: Callable[[State], bytes]
    decode: Callable[[bytes], State]


def _never(_: Any) -> Any:
    raise NotImplementedError("no snapshots are kept of this")


NO_SNAPSHOTS: Final[SnapshotForm[Any]] = SnapshotForm("", _never, _never)


@dataclass(frozen=True, slots=True)
class Decider(Generic[State, Command]):
    initial: State
    decide: Callable[[State, Command], Sequence[DomainEvent]]
    evolve: Callable[[State, DomainEvent], State]
    snapshot: SnapshotForm[State] = NO_SNAPSHOTS

    def fold(self, events: Iterable[DomainEvent], state: State | None = None) -> State:
        return reduce(self.evolve, events, self.initial if state is None else state)


def followed_by(
    decider: Decider[State, Command],
    consequence: Callable[[DomainEvent], Sequence[DomainEvent]],
) -> Decider[State, Command]:
    """The same decider, with each fact followed by its consequence, as a journal entry follows a
    movement of money.
    """

    def decide(state: State, command: Command) -> list[DomainEvent]:
        facts = decider.decide(state, command)
        return [event for fact in facts for event in (fact, *consequence(fact))]

    return replace(decider, decide=decide)

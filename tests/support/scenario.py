"""Given facts, when a command, then new facts or a refusal: how every decider is tested."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import pytest

from ledger.decider import Command, Decider, State
from ledger.errors import LedgerError
from ledger.events import DomainEvent

Refusal = TypeVar("Refusal", bound=LedgerError)
Expected = DomainEvent | type[DomainEvent]


class Scenario(Generic[State, Command]):
    """`given` and `when` may be called again: what happened so far is the history of what follows."""

    def __init__(self, decider: Decider[State, Command]) -> None:
        self._decider = decider
        self._command: Command | None = None
        self.history: list[DomainEvent] = []

    @property
    def state(self) -> State:
        """After all that has happened, the last command included."""
        return self._decider.fold(self.facts)

    @property
    def facts(self) -> Sequence[DomainEvent]:
        return [*self.history, *self.new]

    def given(self, *events: DomainEvent) -> "Scenario[State, Command]":
        self._settle()
        self.history += events
        return self

    def when(self, command: Command) -> "Scenario[State, Command]":
        self._settle()
        self._command = command
        return self

    def then(self, *expected: Expected) -> "Scenario[State, Command]":
        """Exactly these facts; a class stands for any fact of its kind."""
        new = self.new
        assert [_shown(fact, want) for fact, want in zip(new, expected, strict=False)] == list(
            expected
        )
        assert len(new) == len(expected), f"more happened: {new[len(expected) :]}"
        return self

    def then_nothing(self) -> "Scenario[State, Command]":
        return self.then()

    def then_refused(self, refusal: type[Refusal]) -> Refusal:
        with pytest.raises(refusal) as refused:
            self._decide()
        self._command = None
        return refused.value

    def fact(self, kind: type[DomainEvent]) -> DomainEvent:
        """The only fact of this kind in the whole history."""
        (found,) = [fact for fact in self.facts if type(fact) is kind]
        return found

    @property
    def new(self) -> Sequence[DomainEvent]:
        """What the last command brought."""
        return self._decide()

    def _decide(self) -> Sequence[DomainEvent]:
        if self._command is None:
            return []
        return self._decider.decide(self._decider.fold(self.history), self._command)

    def _settle(self) -> None:
        self.history += self.new
        self._command = None


def _shown(fact: DomainEvent, want: Expected) -> Expected:
    return type(fact) if isinstance(want, type) else fact

"""Facts of one decision as they come to mind, each folded before the next is decided."""

from ledger.events import DomainEvent
from ledger.subscriptions.folding import evolve
from ledger.subscriptions.subscription import Subscription


class Story:
    def __init__(self, state: Subscription) -> None:
        self.state = state
        self.facts: list[DomainEvent] = []

    def add(self, *facts: DomainEvent) -> None:
        for fact in facts:
            self.facts.append(fact)
            self.state = evolve(self.state, fact)

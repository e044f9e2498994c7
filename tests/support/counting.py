"""A tiny decider for tests of the store: it counts, and refuses to go above a limit."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.decider import Decider
from ledger.errors import Rejected
from ledger.events import DomainEvent

WHEN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


class Counted(DomainEvent, topic="test.counted.v1"):
    by: int = 1


class CountedTooFar(Rejected):
    code = "counted_too_far"


@dataclass(frozen=True)
class Count:
    by: int = 1
    limit: int = 1_000_000


def decide(total: int, command: Count) -> list[DomainEvent]:
    if total + command.by > command.limit:
        raise CountedTooFar(f"{total} + {command.by} is more than {command.limit}.")
    return [Counted(by=command.by, occurred_at=WHEN)]


def evolve(total: int, event: DomainEvent) -> int:
    return total + event.by if isinstance(event, Counted) else total


COUNTER = Decider(0, decide, evolve)

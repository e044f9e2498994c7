"""Facts: what a domain event is, what surrounds it in the log, and which topic names it.

A topic (`payment.settled.v1`) is the stored name of an event class, so classes may move freely. A
released event is never edited: it gets a successor, and stays as what it was (`past=True`) so that
what was stored under it is read for ever (ledger/eventstore/upcasts.py).
"""

from datetime import datetime
from typing import Any, ClassVar, Final, Generic, TypeVar, dataclass_transform

import msgspec
from msgspec import StructMeta

TOPICS: Final[dict[str, type["DomainEvent"]]] = {}
PAST_TOPICS: Final[dict[str, type["DomainEvent"]]] = {}  # that nothing is stored under any more


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class FactMeta(StructMeta):
    """Makes every event frozen and keyword-only, and enters it in TOPICS under its topic, or in
    PAST_TOPICS.
    """

    TOPIC: str

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        topic: str = "",
        past: bool = False,
        kw_only: bool = True,  # it is; said by a class whose fields with defaults others come after
    ) -> "FactMeta":
        # No fact holds itself, so looking for cycles in facts is work for nothing.
        fact = super().__new__(
            mcls, name, bases, namespace, frozen=True, kw_only=kw_only, omit_defaults=True, gc=False
        )
        fact.TOPIC = topic
        if topic:
            if taken := TOPICS.get(topic) or PAST_TOPICS.get(topic):
                raise TypeError(f"Topic {topic} is taken by {taken}.")
            (PAST_TOPICS if past else TOPICS)[topic] = fact  # type: ignore[assignment]
        return fact


class DomainEvent(msgspec.Struct, metaclass=FactMeta):
    """Something that happened. `occurred_at` is when it did in the world, in UTC."""

    TOPIC: ClassVar[str] = ""

    occurred_at: datetime


class Metadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Who, why and through what: the same for all events of one append."""

    command_id: str
    actor: str
    recorded_at: datetime
    correlation_id: str = ""
    causation_id: str = ""
    reason: str = ""


E_co = TypeVar("E_co", bound=DomainEvent, covariant=True)


class Recorded(msgspec.Struct, Generic[E_co], frozen=True, kw_only=True, gc=False):
    """An event as it stands in the log: `position` counts the whole log, `version` the stream; both
    from 1.
    """

    stream: str
    version: int
    event: E_co
    metadata: Metadata
    position: int = 0

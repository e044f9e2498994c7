"""Recorded ↔ stored row. The stored bytes are JSON, `{"m": metadata, "d": fact}`, readable in SQL
and all under the chain.
"""

from functools import cache
from typing import Final, Generic, TypeVar

import msgspec
from eventsourcing.persistence import Mapper, MapperDeserialisationError, Notification, StoredEvent

from ledger.errors import LedgerError
from ledger.events import PAST_TOPICS, TOPICS, DomainEvent, Metadata, Recorded
from ledger.eventstore import topics  # noqa: F401  enters every topic
from ledger.eventstore.append_call import NewEvent
from ledger.eventstore.upcasts import UPCASTS

F = TypeVar("F")


class TopicUnknown(LedgerError):
    code = "topic_unknown"
    title = "The log holds an event of a kind this version does not know."


class Envelope(msgspec.Struct, Generic[F], frozen=True, gc=False):
    m: Metadata
    d: F


_ENCODER: Final = msgspec.json.Encoder()


class EventMapper(Mapper[str]):
    """Replaces the library's dict-based mapper: one typed decode an event, topics instead of module
    paths.
    """

    def __init__(self) -> None:
        """Needs neither transcoder, compressor nor cipher: personal fields are sealed before they
        come here.
        """

    def encode(self, recorded: Recorded[DomainEvent]) -> NewEvent:
        fact = recorded.event
        state = _ENCODER.encode(Envelope(recorded.metadata, fact))
        return NewEvent(recorded.stream, recorded.version, fact.TOPIC, state)

    def to_stored_event(self, domain_event: Recorded[DomainEvent]) -> StoredEvent:  # type: ignore[override]
        return StoredEvent(*msgspec.structs.astuple(self.encode(domain_event)))

    def to_domain_event(self, stored_event: StoredEvent) -> Recorded[DomainEvent]:  # type: ignore[override]
        """Raises MapperDeserialisationError, naming the event, when its bytes are not what its
        topic says.
        """
        position = stored_event.id if isinstance(stored_event, Notification) else 0
        return self.decode(
            str(stored_event.originator_id),
            stored_event.originator_version,
            stored_event.topic,
            stored_event.state,
            position,
        )

    def decode(
        self, stream: str, version: int, topic: str, state: bytes, position: int = 0
    ) -> Recorded[DomainEvent]:
        try:
            envelope = _decoder(topic).decode(state)
        except (msgspec.MsgspecError, TopicUnknown, UnicodeDecodeError) as error:
            raise MapperDeserialisationError(
                f"Event {version} of stream {stream} (position {position}, topic {topic}) cannot be read: {error}"
            ) from error
        return Recorded(
            stream=stream,
            version=version,
            event=_today(envelope.d) if topic in UPCASTS else envelope.d,
            metadata=envelope.m,
            position=position,
        )


@cache
def _decoder(topic: str) -> msgspec.json.Decoder[Envelope[DomainEvent]]:
    return msgspec.json.Decoder(Envelope[_class_of(topic)])  # type: ignore[misc]


def _class_of(topic: str) -> type[DomainEvent]:
    found = TOPICS.get(topic) or PAST_TOPICS.get(topic)
    if found is None:
        raise TopicUnknown(f"No event is known under {topic}.", topic=topic)
    return found


def _today(fact: DomainEvent) -> DomainEvent:
    while upcast := UPCASTS.get(fact.TOPIC):
        fact = upcast(fact)
    return fact

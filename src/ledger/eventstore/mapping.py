"""Recorded ↔ stored row. The stored bytes are JSON, `{"m": metadata, "d": fact}`, readable in SQL
and all under the chain.
"""

from functools import cache
from typing import Any, Final, Generic, TypeVar

import msgspec
from eventsourcing.persistence import Mapper, MapperDeserialisationError, Notification, StoredEvent

from ledger.errors import LedgerError
from ledger.events import TOPICS, DomainEvent, Metadata, Recorded
from ledger.eventstore import topics  # noqa: F401  enters every topic
from ledger.eventstore.upcasts import UPCASTS

F = TypeVar("F")


class TopicUnknown(LedgerError):
    code = "topic_unknown"
    title = "The log holds an event of a kind this version does not know."


class Envelope(msgspec.Struct, Generic[F], frozen=True):
    m: Metadata
    d: F


_ENCODER: Final = msgspec.json.Encoder()
_PLAIN: Final = msgspec.json.Decoder(Envelope[dict[str, Any]])


class EventMapper(Mapper[str]):
    """Replaces the library's dict-based mapper: one typed decode an event, topics instead of module
    paths.
    """

    def __init__(self) -> None:
        """Needs neither transcoder, compressor nor cipher: personal fields are sealed before they
        come here.
        """

    def to_stored_event(self, domain_event: Recorded[DomainEvent]) -> StoredEvent:  # type: ignore[override]
        state = _ENCODER.encode(Envelope(domain_event.metadata, domain_event.event))
        return StoredEvent(
            domain_event.stream, domain_event.version, domain_event.event.TOPIC, state
        )

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
            envelope = _upcast(topic, state) if topic in UPCASTS else _decoder(topic).decode(state)
        except (msgspec.MsgspecError, TopicUnknown, UnicodeDecodeError) as error:
            raise MapperDeserialisationError(
                f"Event {version} of stream {stream} (position {position}, topic {topic}) cannot be read: {error}"
            ) from error
        return Recorded(
            stream=stream,
            version=version,
            event=envelope.d,
            metadata=envelope.m,
            position=position,
        )


@cache
def _decoder(topic: str) -> msgspec.json.Decoder[Envelope[DomainEvent]]:
    return msgspec.json.Decoder(Envelope[_class_of(topic)])  # type: ignore[misc]


def _class_of(topic: str) -> type[DomainEvent]:
    if topic not in TOPICS:
        raise TopicUnknown(f"No event is known under {topic}.", topic=topic)
    return TOPICS[topic]


def _upcast(topic: str, state: bytes) -> Envelope[DomainEvent]:
    plain = _PLAIN.decode(state)
    fact = plain.d
    while topic in UPCASTS:
        topic, change = UPCASTS[topic]
        fact = change(fact)
    return Envelope(plain.m, msgspec.convert(fact, _class_of(topic)))

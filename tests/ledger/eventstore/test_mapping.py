"""What stands in the log, byte by byte, and how old events are read."""

from datetime import UTC, datetime

import pytest
from eventsourcing.persistence import MapperDeserialisationError, Notification, StoredEvent

from ledger.events import DomainEvent, Metadata, Recorded
from ledger.eventstore import upcasts
from ledger.eventstore.mapping import EventMapper
from ledger.money import Money
from ledger.payments.events import RefundRequested

WHEN = datetime(2026, 11, 23, 3, 4, 5, tzinfo=UTC)
METADATA = Metadata(command_id="cmd_1", actor="key:abc", recorded_at=WHEN, correlation_id="req_1")
MAPPER = EventMapper()


class Old(DomainEvent, topic="test.old_name.v1", past=True):
    amount: int


class RenamedV2(DomainEvent, topic="test.renamed.v2", past=True):
    total_minor: int


class Renamed(DomainEvent, topic="test.renamed.v3"):
    total_minor: int
    currency: str


def recorded(event: DomainEvent) -> Recorded[DomainEvent]:
    return Recorded(stream="pay_1", version=7, event=event, metadata=METADATA)


def test_an_event_is_stored_as_readable_json_under_its_topic():
    event = RefundRequested(
        occurred_at=WHEN, refund_id="ref_1", amount=Money(33_000), reason="broken"
    )

    stored = MAPPER.to_stored_event(recorded(event))

    assert (stored.originator_id, stored.originator_version) == ("pay_1", 7)
    assert stored.topic == "payment.refund_requested.v1"
    assert stored.state == (
        b'{"m":{"command_id":"cmd_1","actor":"key:abc","recorded_at":"2026-11-23T03:04:05Z","correlation_id":"req_1"},'
        b'"d":{"occurred_at":"2026-11-23T03:04:05Z","refund_id":"ref_1",'
        b'"amount":{"minor":33000,"currency":"IDR"},"reason":"broken"}}'
    )


def test_what_was_stored_is_read_back_with_its_position():
    event = RefundRequested(
        occurred_at=WHEN, refund_id="ref_1", amount=Money(33_000), reason="broken"
    )
    stored = MAPPER.to_stored_event(recorded(event))

    read = MAPPER.to_domain_event(
        Notification(stored.originator_id, 7, stored.topic, stored.state, id=42)
    )

    assert read.event == event and read.metadata == METADATA and read.position == 42


def test_old_topics_are_read_through_their_chain_of_upcasts(monkeypatch: pytest.MonkeyPatch):
    def renamed(old: Old) -> RenamedV2:
        return RenamedV2(total_minor=old.amount * 100, occurred_at=old.occurred_at)

    def in_rupiah(old: RenamedV2) -> Renamed:
        more = {"currency": "IDR", "occurred_at": old.occurred_at}
        return Renamed(total_minor=old.total_minor, **more)

    monkeypatch.setitem(upcasts.UPCASTS, "test.old_name.v1", renamed)
    monkeypatch.setitem(upcasts.UPCASTS, "test.renamed.v2", in_rupiah)
    state = (
        b'{"m":{"command_id":"c","actor":"a","recorded_at":"2026-11-23T03:04:05Z"},'
        b'"d":{"occurred_at":"2026-11-23T03:04:05Z","amount":5}}'
    )

    read = MAPPER.to_domain_event(StoredEvent("pay_1", 1, "test.old_name.v1", state))

    assert read.event == Renamed(occurred_at=WHEN, total_minor=500, currency="IDR")


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("payment.refund_requested.v1", b"not json"),
        ("payment.refund_requested.v1", b'{"m":{},"d":{}}'),
        ("payment.refund_requested.v1", b"\xff\xfe"),
        ("payment.never_heard_of.v1", b"{}"),
    ],
)
def test_what_cannot_be_read_is_named(topic: str, state: bytes):
    with pytest.raises(
        MapperDeserialisationError, match=r"Event 3 of stream pay_9 .position 11, topic payment"
    ):
        MAPPER.to_domain_event(Notification("pay_9", 3, topic, state, id=11))

"""What was ever stored is readable for ever, says what it said, and its hashes hold: they cover stored bytes.

That every topic has a golden file is held by tests/test_documents.py.
"""

import json

import msgspec
import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from ledger.access import key_format
from ledger.access.caller import Unauthenticated
from ledger.access.key_format import new_key
from ledger.access.past_events import ApiKeyIssuedV1
from ledger.access.service import ApiKeys
from ledger.audit import leaf as leaves
from ledger.clock import now
from ledger.events import PAST_TOPICS, TOPICS, Metadata
from ledger.eventstore.chain import GENESIS, link
from ledger.eventstore.connections import conninfo_for
from ledger.eventstore.mapping import Envelope
from ledger.eventstore.upcasts import UPCASTS
from projections.log_checks import Chain, Entries
from support import golden
from support.golden import COMMAND, Golden, meaning, read, stored_again, understood
from support.log_rows import APPEND, SCHEMA, append_arguments
from support.stores import open_store

KNOWN = sorted(path.stem for path in golden.FOLDER.glob("*.json"))
PEPPER = bytes(range(32))


@pytest.fixture(params=KNOWN)
def kept(request: pytest.FixtureRequest) -> Golden:
    return read(request.param)


def test_no_topic_was_forgotten() -> None:
    gone = [topic for topic in KNOWN if topic not in golden.topics()]

    assert not gone, (
        f"something may be stored as {', '.join(gone)}: keep the class with past=True,"
        " and add an upcast to what takes its place"
    )


def test_it_is_read_and_says_what_it_said(kept: Golden) -> None:
    event = understood(kept.topic, kept.state.encode())

    assert (event.TOPIC, meaning(event)) == (kept.today, kept.means), (
        f"{kept.topic} is read otherwise than it was. A released event is never edited: give it a successor and"
        f" an upcast. If it was not released yet: {COMMAND} --again {kept.topic}"
    )


def test_its_hashes_are_those_of_the_stored_bytes(kept: Golden) -> None:
    row = kept.row

    assert link(GENESIS, 1, row.stream, 1, row.topic, row.state).hex() == kept.hash
    assert leaves.leaf(row).hex() == kept.leaf
    assert Chain().page([row]) is None
    assert Entries().page([row]) is None


def test_what_is_stored_today_is_stored_as_it_was(kept: Golden) -> None:
    """No field is lost, renamed or turned; one that was added has a default, and is not stored then."""
    if kept.topic in TOPICS:
        assert stored_again(kept) == kept.state, (
            f"{kept.topic} is no longer stored as it was: give it a successor."
            f" If it was not released yet: {COMMAND} --again {kept.topic}"
        )


# ── upcasts ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_past_topic_leads_to_one_of_today() -> None:
    ours = {topic for topic in PAST_TOPICS if topic in golden.topics()}

    assert ours == {topic for topic in UPCASTS if topic in golden.topics()} != set()
    for topic in ours:
        assert read(topic).today in TOPICS


async def test_a_key_issued_under_the_first_version_still_opens_the_door(
    ledger_database: str,
) -> None:
    """The stored bytes are those of then, and stay so."""
    key, moment = new_key(), now()
    event = ApiKeyIssuedV1(
        key_id=key.key_id,
        account="shop",
        role="service",
        label="checkout",
        keyed_hash=key_format.keyed_hash(PEPPER, key).digest,
        expires_at=moment.replace(year=moment.year + 1),
        occurred_at=moment,
    )
    metadata = Metadata(command_id="cmd_1", actor="cli:ana", recorded_at=moment)
    state = msgspec.json.encode(Envelope(metadata, event))
    stored = StoredEvent(f"key_{key.key_id}", 1, ApiKeyIssuedV1.TOPIC, state)
    with psycopg.connect(conninfo_for(ledger_database, SCHEMA, "app")) as conn:
        conn.execute(APPEND, append_arguments([("cmd_1", [stored])]))

    async with open_store(ledger_database) as opened:
        keys = ApiKeys(opened.store, PEPPER)
        caller = await keys.authenticate(key.text)
        assert (caller.account, caller.role) == ("shop", "service")
        await keys.revoke(key.key_id, by="cli:ana")
        with pytest.raises(Unauthenticated):
            await keys.authenticate(key.text)

    with psycopg.connect(conninfo_for(ledger_database, SCHEMA, "auditor")) as conn:
        rows = conn.execute("select topic, state from events order by notification_id").fetchall()
    assert [topic for topic, _ in rows] == ["access.key_issued.v1", "access.key_revoked.v1"]
    assert bytes(rows[0][1]) == state


async def test_a_new_key_is_stored_with_how_its_hash_was_made(ledger_database: str) -> None:
    async with open_store(ledger_database) as opened:
        await ApiKeys(opened.store, PEPPER).issue("service", "shop", "checkout", by="cli:ana")

    with psycopg.connect(conninfo_for(ledger_database, SCHEMA, "auditor")) as conn:
        ((topic, state),) = conn.execute("select topic, state from events").fetchall()
    kept = json.loads(bytes(state))["d"]["kept"]
    assert topic == "access.key_issued.v2"
    assert (kept["algorithm"], kept["pepper"]) == ("hmac-sha-256", "key-pepper/1")

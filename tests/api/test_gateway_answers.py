"""Raw answers of the gateway: kept behind the back of who asked, opened by their digest, purged; and with no
database nobody is kept waiting.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest

from api import gateway_answers
from api.gateway_answers import AT_ONCE, CLOSE_SECONDS, KEPT_FOR, GatewayAnswers
from ledger import deadline
from ledger.eventstore import connections
from ledger.eventstore.connections import Readers
from ledger.eventstore.group_call import StoreUnavailable
from ledger.eventstore.key_ring import KeyRing
from ledger.money import Money
from ledger.payments.events import Evidence
from ledger.providers.midtrans.adapter import Midtrans
from ledger.providers.port import ChargeStatus, Did, Observation
from ledger.telemetry import GATEWAY_ANSWERS_LOST
from support.charges import charge_order
from support.customer import eventually
from support.running import LOOPBACK, SCHEMA, free_port
from support.scripted_gateway import http, scripted_gateway

START = datetime(2026, 11, 25, 10, tzinfo=UTC)
BODY = b'{"transaction_status": "settlement", "order_id": "pay_1-1"}'
NO_TEXT = b'{"transaction_status": "settlement", "note": "\xff\xfe"}'


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def seen(body: bytes, order_id: str = "pay_1-1") -> Observation:
    return Observation(
        order_id=order_id,
        transaction_id="t-1",
        status=ChargeStatus.SETTLED,
        amount=Money(99_000),
        evidence=Evidence(source="inquiry", digest=digest(body)),
    )


@dataclass
class Side:
    """What is kept, over connections of its own, and the time."""

    database: str
    readers: Readers
    key_ring: KeyRing
    kept: GatewayAnswers
    now: datetime = START
    lost_before: float = 0.0

    def time(self) -> datetime:
        return self.now

    def hear(self, *bodies: bytes, order_id: str = "pay_1-1") -> None:
        for body in bodies:
            self.kept.heard(seen(body, order_id), body)

    @property
    def lost(self) -> float:
        return _lost() - self.lost_before

    def rows(self) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as conn:
            query = (
                f"select digest, order_id, sealed_body, received_at from {SCHEMA}.gateway_answers"  # noqa: S608
            )
            return conn.execute(query.encode()).fetchall()

    async def written(self, rows: int) -> None:
        async def all_there() -> None:
            assert len(self.rows()) == rows

        await eventually(all_there)


def _lost() -> float:
    return float(GATEWAY_ANSWERS_LOST._value.get())


@asynccontextmanager
async def opened(database: str) -> AsyncIterator[Side]:
    readers = Readers(database, SCHEMA, size=2)
    await readers.open()
    key_ring = KeyRing(readers, b"m" * 32)
    side = Side(database, readers, key_ring, GatewayAnswers(readers, key_ring))
    side.kept = GatewayAnswers(readers, key_ring, side.time)
    side.lost_before = _lost()
    try:
        yield side
    finally:
        await side.kept.close()
        await readers.close()


@pytest.fixture
async def side(ledger_database: str) -> AsyncIterator[Side]:
    async with opened(ledger_database) as there:
        yield there


@pytest.fixture
async def nowhere(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Side]:
    """No database is there."""
    monkeypatch.setattr(connections, "POOL_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(gateway_answers, "PAUSES", (0.01, 0.01))
    async with opened(f"host={LOOPBACK} port={free_port()} dbname=none") as away:
        yield away


async def test_what_was_heard_is_opened_by_its_digest_and_sealed_in_the_table(side: Side) -> None:
    side.hear(BODY, NO_TEXT)

    await side.written(2)
    assert await side.kept.bodies([digest(BODY), digest(b"another")]) == {
        digest(BODY): BODY.decode()
    }
    # What is no text is shown as near to it as can be.
    assert await side.kept.bodies([digest(NO_TEXT)]) == {
        digest(NO_TEXT): NO_TEXT.decode(errors="backslashreplace")
    }
    for _, order_id, sealed, received_at in side.rows():
        assert (order_id, received_at) == ("pay_1-1", START)
        assert b"settlement" not in sealed and b"answers 2026-11" in sealed


async def test_the_same_answer_is_kept_once_and_many_are_all_kept(side: Side) -> None:
    bodies = [b'{"n": %d}' % n for n in range(3 * AT_ONCE)]
    side.hear(*bodies, *bodies)

    await side.kept.close()

    assert {row[0] for row in side.rows()} == {digest(body) for body in bodies}
    assert side.lost == 0


async def test_the_deadline_of_who_asked_is_not_that_of_the_answer(side: Side) -> None:
    with deadline.answering_within(0):
        side.hear(BODY)

    await side.written(1)


async def test_what_is_closed_has_written_what_it_heard(side: Side) -> None:
    side.hear(BODY)

    began = time.monotonic()
    await side.kept.close()

    assert len(side.rows()) == 1
    assert time.monotonic() - began < gateway_answers.GATHER_SECONDS


async def test_answers_are_purged_after_thirty_days(side: Side) -> None:
    side.hear(BODY)
    side.now += timedelta(days=1)
    side.hear(b"{}")
    await side.written(2)

    assert await side.kept.purge(START + KEPT_FOR) == 0
    assert await side.kept.purge(START + KEPT_FOR + timedelta(seconds=1)) == 1

    assert [row[0] for row in side.rows()] == [digest(b"{}")]


async def test_without_the_months_key_nothing_is_opened_and_nothing_more_is_kept(
    side: Side,
) -> None:
    side.hear(BODY)
    await side.written(1)

    await side.key_ring.destroy("answers 2026-11")
    side.hear(b"{}")
    await side.kept.close()

    assert await side.kept.bodies([digest(BODY)]) == {}
    assert (len(side.rows()), side.lost) == (1, 1)


async def test_no_more_may_wait_than_fits(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_answers, "MOST_BYTES", 3 * len(BODY))

    side.hear(*[b"%d" % n + BODY[1:] for n in range(5)])

    assert side.lost == 2
    await side.written(3)
    side.hear(BODY)  # there is room again
    await side.written(4)


# ── without a database ────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class AwayForAWhile:
    """Connections that cannot be had the first so many times."""

    readers: Readers
    times: int

    def connection(self) -> AbstractAsyncContextManager[Any]:
        self.times -= 1
        if self.times >= 0:
            raise StoreUnavailable
        return self.readers.connection()


@pytest.mark.parametrize(("times", "kept"), [(3, 1), (4, 0)])
async def test_it_is_tried_again_some_times_and_then_lost(
    side: Side, monkeypatch: pytest.MonkeyPatch, times: int, kept: int
) -> None:
    monkeypatch.setattr(gateway_answers, "PAUSES", (0.01, 0.01, 0.01))
    away = cast(Readers, AwayForAWhile(side.readers, times))
    side.kept = GatewayAnswers(away, side.key_ring, side.time)

    side.hear(BODY)
    await side.kept.close()

    assert (len(side.rows()), side.lost) == (kept, 1 - kept)


async def test_a_database_that_is_away_does_not_disturb_a_charge(nowhere: Side) -> None:
    order = charge_order("bca_va")
    answer = (
        b'{"status_code": "201", "transaction_status": "pending", "fraud_status": "accept",'
        b' "transaction_id": "t-1", "gross_amount": "150000.00", "order_id": "%s",'
        b' "va_numbers": [{"bank": "bca", "va_number": "1"}]}' % order.order_id.encode()
    )
    async with scripted_gateway(http("200 OK", answer)) as gateway:
        midtrans = Midtrans(
            server_key="k",
            core_url=gateway.url,
            snap_url=gateway.url,
            listener=nowhere.kept.heard,
        )
        outcome = await midtrans.charge(order)
        await midtrans.close()

    assert isinstance(outcome, Did)
    assert nowhere.lost == 0  # nobody has waited for the end of it

    async def given_up() -> None:
        assert nowhere.lost == 1

    await eventually(given_up)


async def test_closing_without_a_database_ends_in_time(nowhere: Side) -> None:
    nowhere.hear(*[b"%d" % n for n in range(2 * AT_ONCE)])

    began = time.monotonic()
    await nowhere.kept.close()

    assert time.monotonic() - began < CLOSE_SECONDS + 1
    await asyncio.sleep(0)
    assert nowhere.lost == 2 * AT_ONCE

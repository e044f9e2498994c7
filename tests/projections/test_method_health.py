"""Whether a payment method answers: ok and failed by the minute."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from ledger.payments import events as e
from projections import method_health
from support.payment_lives import lived
from support.read_side import ReadSide, open_read_side

NOW = datetime.fromisoformat("2026-11-23T10:00:30Z")
SENT = (e.PaymentRequested, e.AttemptStarted, e.ChargeDispatched)


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


def live(read_side: ReadSide, n: int, *events: type[e.DomainEvent], at: datetime = NOW) -> str:
    facts = lived(f"pay_{n}", *SENT, *events, seed=1)
    read_side.log.append(f"pay_{n}", facts, recorded_at=at)
    return next(fact.method for fact in facts if isinstance(fact, e.AttemptStarted))


@pytest.mark.parametrize("batch", [1, 2, 5_000])
@pytest.mark.parametrize(
    ("events", "ok", "failed"),
    [
        ((e.ChargePending,), 1, 0),
        ((e.ChargePending, e.PaymentCaptured), 1, 0),
        ((e.ChargePending, e.ChargeExpired), 2, 0),
        ((e.ChargeDenied,), 1, 0),
        ((e.ChargeFailed,), 0, 1),
        ((e.ChargeOutcomeUnknown, e.ChargePending), 1, 1),
        ((e.ChargeRetryScheduled, e.ChargeDispatched, e.ChargeRetryScheduled), 0, 2),
    ],
)
def test_answers_and_failures_are_counted_by_the_minute(
    read_side: ReadSide, events: tuple[type[e.DomainEvent], ...], ok: int, failed: int, batch: int
) -> None:
    method = live(read_side, 1, *events)

    read_side.catch_up(batch)

    assert read_side.one("select * from method_health") == {
        "method": method,
        "minute": NOW.replace(second=0),
        "ok": ok,
        "failed": failed,
    }


@pytest.mark.parametrize(
    ("ok", "failed", "health"),
    [
        (0, 2, "ok"),
        (0, 3, "degraded"),
        (3, 3, "degraded"),
        (4, 3, "ok"),
        (100, 99, "ok"),
        (5, 0, "ok"),
    ],
)
async def test_a_method_is_degraded_by_three_failures_that_are_half_of_all(
    read_side: ReadSide, ok: int, failed: int, health: str
) -> None:
    assert method_health.judge(ok, failed) == health


async def test_only_the_last_ten_minutes_count(read_side: ReadSide) -> None:
    for n in range(3):
        method = live(read_side, n, e.ChargeFailed, at=NOW)
    read_side.catch_up()

    async with read_side.asking() as conn:
        now = await method_health.health(conn, NOW)
        later = await method_health.health(conn, NOW + timedelta(minutes=11))

    assert now == {method: "degraded"}
    assert later == {}

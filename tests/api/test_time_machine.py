"""Months in seconds, with the worker's and the read models' own code and a gateway in the same process."""

import time
from datetime import datetime, timedelta

import pytest

from api.idleness import Standing, standing
from api.wiring import Wiring
from ledger import clock
from ledger.payments.life import Status
from ledger.payments.payment import Payment
from ledger.providers.port import ChargeStatus
from projections import balances
from support.gateway_faults import Transaction
from support.gateway_in_process import GatewayInProcess
from support.shop import BEGINS, travelling

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

METHODS = ("bca_va", "qris", "credit_card", "alfamart")
AGREE = {
    ChargeStatus.SETTLED: Status.SETTLED,
    ChargeStatus.EXPIRED: Status.EXPIRED,
    ChargeStatus.DENIED: Status.DENIED,
}


async def topics(wired: Wiring, payment: Payment) -> list[tuple[str, datetime]]:
    """Of the payment's facts, and when each was recorded."""
    async with wired.readers.connection() as conn:
        rows = await (
            await conn.execute(
                "select topic, recorded_at from payment_events where payment_id = %s order by version",
                [payment.request.payment_id],
            )
        ).fetchall()
    return [(row["topic"].rsplit(".", 1)[0], row["recorded_at"]) for row in rows]


async def what_is_left(wired: Wiring, now: datetime) -> tuple[Standing, int]:
    async with wired.readers.connection() as conn:
        books = await balances.trial_balance(conn)
        return await standing(conn, now), sum(row["balance_minor"] for row in books)


async def test_what_nobody_pays_expires_at_its_moment(ledger_database: str) -> None:
    gateway = GatewayInProcess()
    async with travelling(ledger_database, gateway) as (machine, shop, wired):
        asked = await shop.request("bca_va", expires_after_seconds=86_400)
        await machine.advance(BEGINS + DAY - MINUTE, gateway.outside)
        before = await shop.payment(asked)
        await machine.advance(BEGINS + DAY + MINUTE, gateway.outside)
        after = await shop.payment(asked)
        known = dict(await topics(wired, asked))

    assert (before.status, after.status) == (Status.PENDING, Status.EXPIRED)
    assert BEGINS + DAY <= known["payment.charge_expired"] <= BEGINS + DAY + timedelta(seconds=3)


async def test_a_settlement_is_asked_for_when_it_is_due_and_booked_at_that_moment(
    ledger_database: str,
) -> None:
    gateway = GatewayInProcess()
    async with travelling(ledger_database, gateway) as (machine, shop, wired):
        asked = await shop.request("credit_card")
        await machine.advance(BEGINS + 2 * DAY, gateway.outside)
        settled = await shop.payment(asked)
        known = dict(await topics(wired, asked))

    batch = datetime(2027, 2, 1, 16, 15, tzinfo=clock.WIB)
    first_looks_after = batch + 6 * HOUR + MINUTE  # the ladder's longest step
    assert (asked.status, settled.status) == (Status.CAPTURED, Status.SETTLED)
    assert batch <= known["payment.settled"] <= first_looks_after


async def test_who_pays_on_a_day_is_booked_on_that_day(ledger_database: str) -> None:
    pays_at = BEGINS + 3 * DAY + 5 * HOUR
    gateway = GatewayInProcess(lambda it, one: it.plan(pays_at, lambda: it.pay(one)))
    async with travelling(ledger_database, gateway) as (machine, shop, wired):
        asked = await shop.request("bni_va", expires_after_seconds=7 * 86_400)
        await machine.advance(BEGINS + 30 * DAY, gateway.outside)
        paid = await shop.payment(asked)
        known = dict(await topics(wired, asked))

    assert paid.status is Status.SETTLED
    assert pays_at <= known["payment.settled"] <= pays_at + 6 * HOUR


async def test_with_a_stride_the_same_comes_about_in_fewer_stops(ledger_database: str) -> None:
    gateway = GatewayInProcess()
    async with travelling(ledger_database, gateway) as (machine, shop, _):
        asked = [await shop.request(method) for method in ("bca_va", "credit_card", "qris")]
        await machine.advance(BEGINS + 10 * DAY, gateway.outside, stride=DAY)
        ended = [(await shop.payment(payment)).status for payment in asked]

    assert ended == [Status.EXPIRED, Status.SETTLED, Status.EXPIRED]
    assert machine.stops <= 12


@pytest.mark.parametrize("leaps", [(timedelta(days=40),), (-2 * HOUR,), (-2 * HOUR, 40 * DAY)])
async def test_leaps_of_the_clock_lose_nothing_and_do_nothing_twice(
    ledger_database: str, leaps: tuple[timedelta, ...]
) -> None:
    def half_of_them_pay(it: GatewayInProcess, one: Transaction) -> None:
        if len(it.transactions) % 2:
            it.plan(it.moment() + 20 * HOUR, lambda: it.pay(one))

    gateway = GatewayInProcess(half_of_them_pay)
    async with travelling(ledger_database, gateway) as (machine, shop, wired):
        asked = [await shop.request(method) for method in METHODS]
        await machine.advance(BEGINS + 19 * HOUR, gateway.outside)
        for leap in leaps:
            asked += [await shop.request(method) for method in METHODS]
            await machine.leap(machine.now + leap)
            asked += [await shop.request(method) for method in METHODS]
        await machine.advance(machine.now + 90 * DAY, gateway.outside)
        ours = {
            (await shop.payment(one)).attempt.order_id: (await shop.payment(one)).status
            for one in asked
        }
        left = await what_is_left(wired, machine.now)

    theirs = {one.order_id: AGREE[one.status] for one in gateway.transactions}
    assert ours == theirs
    assert set(gateway.sent.values()) == {1}
    assert left == (Standing(notices=0, work=0, behind=0), 0)


async def test_a_stop_with_little_to_do_takes_milliseconds(ledger_database: str) -> None:
    gateway = GatewayInProcess()
    async with travelling(ledger_database, gateway) as (machine, shop, _):
        for _ in range(5):
            await shop.request("bca_va", expires_after_seconds=20 * 86_400)
            await machine.advance(machine.now + 7 * MINUTE, gateway.outside)
        stops, began = machine.stops, time.perf_counter()
        await machine.advance(BEGINS + 19 * DAY, gateway.outside)
        each = (time.perf_counter() - began) / (machine.stops - stops)

    assert machine.stops - stops > 300
    assert each < 0.05, f"{each * 1_000:.1f} ms"  # about 4 ms where nobody else is at work

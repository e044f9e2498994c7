"""PostgreSQL stops or freezes: every request is answered within five seconds, nothing acknowledged is lost."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from api.embedded import EmbeddedPostgres
from api.wiring import prepare
from support.customer import Caller, Fields, Gateway, eventually, new_key
from support.running import Running, running, settings_for

ANSWERED_WITHIN_SECONDS = 5.0
RECOVERED_WITHIN_SECONDS = 10.0
REMEMBERED = ("payment methods",)  # may be answered from what was read a second ago
NOTICE = b'{"order_id":"nobody"}'


@pytest.fixture
def own_server(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    """Durable as in production, or `prepare` would refuse it."""
    folder = open_folder / f"own-{new_key()}"
    with EmbeddedPostgres(folder) as postgres:
        yield postgres


@pytest.fixture
async def system(own_server: EmbeddedPostgres, gateway: Gateway) -> AsyncIterator[Running]:
    await asyncio.to_thread(prepare, settings_for(own_server.dsn, gateway))
    async with running(own_server.dsn, gateway) as started:
        yield started


def every_request(shop: Caller, payment: Fields) -> dict[str, Callable[[], object]]:
    one = f"/api/v1/payments/{payment['paymentId']}"
    return {
        "request": lambda: shop.ask("bca_va", 50_000),
        "payment": lambda: shop.get(one),
        "payments": lambda: shop.get("/api/v1/payments"),
        "events": lambda: shop.get(f"{one}/events"),
        "capture": lambda: shop.post(f"{one}/capture"),
        "cancel": lambda: shop.post(f"{one}/cancel"),
        "refund": lambda: shop.post(f"{one}/refund"),
        "payment methods": lambda: shop.get("/api/v1/payment-methods", amount=50_000),
        "accounts": lambda: shop.get("/api/v1/accounts"),
        "entries": lambda: shop.get("/api/v1/accounts/Assets:Gateway:Midtrans:Pending/entries"),
        "trial balance": lambda: shop.get("/api/v1/trial-balance"),
        "ready": lambda: shop.get("/ready"),
    }


async def timed(ask: Callable[[], object]) -> tuple[httpx2.Response, float]:
    began = time.monotonic()
    answer = await ask()  # type: ignore[misc]
    return answer, time.monotonic() - began


async def refusals(shop: Caller, payment: Fields) -> list[str]:
    """What was not answered as it should be, at once and by everybody together."""
    asked = every_request(shop, payment)
    answers = await asyncio.gather(*(timed(ask) for ask in asked.values()))
    return [
        f"{name}: {answer.status_code} after {seconds:.1f} s, Retry-After {answer.headers.get('Retry-After')}"
        for name, (answer, seconds) in zip(asked, answers, strict=True)
        if seconds > ANSWERED_WITHIN_SECONDS
        or not (refused(answer) or (name in REMEMBERED and answer.is_success))
    ]


def refused(answer: httpx2.Response) -> bool:
    return answer.status_code == 503 and "Retry-After" in answer.headers


async def works_again(shop: Caller) -> Fields:
    async def accepted() -> Fields:
        answer = await shop.ask("bca_va", 50_000)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    return await eventually(accepted, RECOVERED_WITHIN_SECONDS)


async def keep_asking(
    shop: Caller, stop: asyncio.Event, answers: dict[str, httpx2.Response]
) -> None:
    while not stop.is_set():
        key = new_key()
        answers[key] = await shop.ask("bca_va", 50_000, key=key)


async def repeated(system: Running, shop: Caller, key: str) -> httpx2.Response:
    """409 only while whoever sent the charge, and could not record what became of it, has a lease."""

    async def served() -> httpx2.Response:
        answer = await shop.ask("bca_va", 50_000, key=key)
        if answer.status_code == 409:
            system.later(31)
        assert answer.is_success, answer.text
        return answer

    return await eventually(served)


async def test_a_stopped_database_is_waited_for_and_nothing_acknowledged_is_lost(
    system: Running, own_server: EmbeddedPostgres, shop: Caller, gateway: Gateway
) -> None:
    before = await shop.request("bca_va", 50_000)
    stop, answers = asyncio.Event(), dict[str, httpx2.Response]()
    busy = [asyncio.create_task(keep_asking(shop, stop, answers)) for _ in range(4)]
    await eventually(lambda: _at_least(answers, 10))

    await asyncio.to_thread(own_server.stop)
    wrong = await refusals(shop, before)
    wrong += [
        f"later, {line}" for line in await refusals(shop, before)
    ]  # caches have run out by now
    health, notice = (
        await shop.get("/health"),
        await shop.send("POST", "/api/v1/webhooks/midtrans", NOTICE),
    )
    stop.set()
    await asyncio.gather(*busy)
    await asyncio.to_thread(own_server.start)

    after = await works_again(shop)
    assert wrong == []
    assert (health.status_code, notice.status_code) == (200, 400)
    for key, answer in answers.items():
        assert answer.status_code in (201, 202, 503), answer.text
        again = await repeated(system, shop, key)
        if answer.is_success:
            assert again.json()["paymentId"] == answer.json()["paymentId"]
        assert len(await gateway.charges(again.json())) <= 1
    for payment in (before, after):
        await gateway.pay(payment)
        await shop.until(payment, "settled", within=30)
    await system.books()


async def test_a_genuine_notice_that_cannot_be_stored_is_asked_for_again(
    system: Running, own_server: EmbeddedPostgres, shop: Caller, gateway: Gateway
) -> None:
    payment = await shop.request("bca_va", 50_000)
    await asyncio.to_thread(own_server.stop)
    await gateway.pay(payment)

    async def told_so() -> None:
        (_, paid) = await gateway.notices(payment)
        assert paid["response_status"] == 502, paid

    await eventually(told_so)
    await asyncio.to_thread(own_server.start)

    await shop.until(await works_again(shop), "pending")
    await shop.until(payment, "settled", within=30)


async def test_a_frozen_database_does_not_hang_the_api(
    system: Running, own_server: EmbeddedPostgres, shop: Caller, gateway: Gateway
) -> None:
    before = await shop.request("bca_va", 50_000)
    # Idle connections are what hangs: as many as the process may have.
    await asyncio.gather(*(shop.payment(before) for _ in range(50)))

    frozen = signalled(own_server, signal.SIGSTOP)
    try:
        wrong = await refusals(shop, before)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)

    await works_again(shop)
    assert wrong == []


def signalled(postgres: EmbeddedPostgres, number: signal.Signals) -> list[int]:
    """The server and every process that it has started; all that can serve a connection."""
    assert postgres.pid is not None
    found = [postgres.pid]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == postgres.pid:
            found.append(int(entry.name))
    for pid in found:
        os.kill(pid, number)
    return found


async def _at_least(answers: dict[str, httpx2.Response], count: int) -> None:
    assert len(answers) >= count

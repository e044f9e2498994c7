"""The gateway hangs, drips, floods or answers 500: its trouble stays with those who need it (reliability.md 2, P13).

The API is a process of its own, so that its memory is nobody else's. It asks less patiently than it would
(`docs/operating.md` has the real limits), because what is shown is that there is an end.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx2
import pytest

from api.wiring import open_wiring
from ledger.providers.midtrans.adapter import Midtrans
from ledger.providers.midtrans.connection import MAX_ANSWER_BYTES
from ledger.providers.port import Unknown
from ledger.settings import MidtransSettings, Settings
from support.bad_gateway import bad_gateway
from support.charges import charge_order
from support.customer import Caller, Gateway
from support.every_route import Timed, timed
from support.running import ACCOUNT, Process, answering, free_port, process, settings_for

BAD = ("hang", "drip", "flood", "html")
CHARGE_SECONDS, ANSWER_SECONDS = 1.0, 0.5
ROUND_SECONDS = 0.5
MOST_ROUNDS = 8
PAYMENTS_A_SECOND = 20
MEMORY_GROWTH = 50 * 1024 * 1024
SOCKET_BUFFERS = 32 * 1024 * 1024  # of this machine, on both sides
UNRELATED = ("/api/v1/payments", "/api/v1/accounts", "/api/v1/trial-balance")


@dataclass
class Api:
    settings: Settings
    process: Process
    gateway_port: int
    key: str

    def memory(self) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self.process.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024


@pytest.fixture
def api(shared_database: str) -> Iterator[Api]:
    """One for each test: the breaker remembers what a gateway did before."""
    gateway_port, port = free_port(), free_port()
    url = f"http://127.0.0.1:{gateway_port}"
    settings = settings_for(
        shared_database,
        Gateway(url, port),
        answer_within_seconds=ANSWER_SECONDS,
        midtrans={"charge_seconds": CHARGE_SECONDS, "inquiry_seconds": CHARGE_SECONDS},
    )
    key = asyncio.run(_new_key(settings))
    with process("serve", settings) as started:
        yield Api(settings, started, gateway_port, key)


async def _new_key(settings: Settings) -> str:
    async with open_wiring(settings, "tool") as wired:
        key, _ = await wired.api_keys.issue("admin", ACCOUNT, "a test", by="test")
    return key


@pytest.fixture
async def shop(api: Api) -> AsyncIterator[Caller]:
    url = f"http://127.0.0.1:{api.settings.port}"
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        await answering(http, url)
        yield Caller(http, url, api.key)


@dataclass
class Seen:
    """Seconds that unrelated requests took, and what payments were told meanwhile."""

    unrelated: list[float] = field(default_factory=list)
    payments: list[Timed] = field(default_factory=list)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.unrelated, n=100)[98]


@asynccontextmanager
async def payments_at_a_steady_rate(shop: Caller, seen: Seen) -> AsyncIterator[None]:
    asked: list[asyncio.Task[Timed]] = []

    async def keep_asking() -> None:
        while True:
            asked.append(asyncio.create_task(timed(lambda: shop.ask("bca_va", 50_000))))
            await asyncio.sleep(1 / PAYMENTS_A_SECOND)

    asking = asyncio.create_task(keep_asking())
    try:
        yield
    finally:
        asking.cancel()
        seen.payments += await asyncio.gather(*asked)


async def one_round(shop: Caller, seen: Seen) -> None:
    async with payments_at_a_steady_rate(shop, seen):
        until = time.monotonic() + ROUND_SECONDS
        while time.monotonic() < until:
            for path in UNRELATED:
                one = await timed(partial(shop.get, path))
                assert one.answer.status_code == 200, one
                seen.unrelated.append(one.seconds)


@pytest.mark.parametrize("mood", BAD)
async def test_its_trouble_is_not_felt_by_others(api: Api, shop: Caller, mood: str) -> None:
    well, bad = Seen(), Seen()
    async with bad_gateway(api.gateway_port) as gateway:
        await one_round(shop, Seen())  # what is done for the first time takes longer
        before = api.memory()
        for number in range(
            1, MOST_ROUNDS + 1
        ):  # by turns, so that a busy machine is busy for both
            gateway.mood = "well"
            await one_round(shop, well)
            gateway.mood = mood
            await one_round(shop, bad)
            if number >= 3 and bad.p99 < 2 * well.p99:
                break

        assert bad.p99 < 2 * well.p99
        assert api.memory() - before < MEMORY_GROWTH
        assert {one.answer.status_code for one in well.payments} == {201}
        assert {one.answer.status_code for one in bad.payments} == {202}
        assert max(one.seconds for one in bad.payments) < 5
        assert gateway.most_sent < MAX_ANSWER_BYTES + SOCKET_BUFFERS


@pytest.mark.parametrize("mood", ["flood", "announced flood"])
async def test_two_hundred_floods_at_once_do_not_fill_the_memory(
    api: Api, shop: Caller, mood: str
) -> None:
    async with bad_gateway(api.gateway_port, mood, at_once=100) as gateway:
        before = api.memory()
        asking = [asyncio.create_task(shop.ask("bca_va", 50_000)) for _ in range(200)]
        most = before
        while not all(one.done() for one in asking):
            most = max(most, api.memory())
            await asyncio.sleep(0.01)

        assert {(await one).status_code for one in asking} <= {202}
        assert gateway.asked >= 100
        assert most - before < MEMORY_GROWTH


@pytest.mark.parametrize("mood", ["hang", "drip"])
async def test_with_its_real_limits_a_charge_ends_after_ten_seconds_and_a_status_after_five(
    mood: str,
) -> None:
    limits = MidtransSettings()
    async with bad_gateway(mood=mood) as gateway:
        midtrans = Midtrans(
            server_key="SB-key",
            core_url=gateway.url,
            snap_url=gateway.url,
            charge_seconds=limits.charge_seconds,
            inquiry_seconds=limits.inquiry_seconds,
        )
        charged, asked = await asyncio.gather(
            _took(midtrans.charge(charge_order("bca_va"))), _took(midtrans.inquire("pay_1-1"))
        )
        await midtrans.close()

    assert charged == (Unknown, pytest.approx(10, abs=0.7))
    assert asked == (Unknown, pytest.approx(5, abs=0.7))


async def _took(exchange) -> tuple[type[object], float]:  # type: ignore[no-untyped-def]
    began = time.monotonic()
    return type(await exchange), time.monotonic() - began

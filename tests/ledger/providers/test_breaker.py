"""The breaker: when it opens, what passes while it is open, and how it closes."""

import asyncio
from dataclasses import dataclass, field

import pytest

from ledger.payments.methods import METHODS
from ledger.providers.breaker import (
    FEWEST_CALLS,
    FORGOTTEN_AFTER_SECONDS,
    REST_SECONDS,
    WINDOW_SECONDS,
    Breaker,
)
from ledger.providers.port import ChargeOrder, Did, DidNot, Outcome, Unknown
from support.facts import observation
from support.payment_facts import rp

ORDER = ChargeOrder(order_id="pay_1-1", method=METHODS["qris"], amount=rp(99_000))
WELL = Did(observation("pending"))
TIMEOUT = Unknown(cause="timeout")
DOWN = DidNot(code="service_unavailable", words="", retryable=True)
SLOW_DOWN = DidNot(code="rate_limited", words="", retryable=True)
BANK_DOWN = Unknown(cause="gateway_503")
REFUSED = DidNot(code="request_invalid", words="")


@dataclass
class Gateway:
    name: str = "Midtrans"
    answer: Outcome = WELL
    calls: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self):
        self.gate.set()

    async def charge(self, order):
        self.calls += 1
        await self.gate.wait()
        return self.answer

    async def inquire(self, order_id, transaction_id=""):
        return await self.charge(None)


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def gateway():
    return Gateway()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(gateway, clock):
    return Breaker(gateway, clock)


async def charges(breaker, gateway, answer, times=1):
    gateway.answer = answer
    for _ in range(times):
        await breaker.charge(ORDER)


async def opened(breaker, gateway):
    await charges(breaker, gateway, TIMEOUT, FEWEST_CALLS)
    assert breaker.is_open()
    gateway.calls = 0


@pytest.mark.parametrize("failure", [TIMEOUT, DOWN, SLOW_DOWN], ids=["timeout", "503", "429"])
async def test_it_opens_when_half_of_twenty_calls_have_failed(breaker, gateway, failure):
    await charges(breaker, gateway, WELL, FEWEST_CALLS // 2)
    await charges(breaker, gateway, failure, FEWEST_CALLS // 2 - 1)
    assert not breaker.is_open()

    await charges(breaker, gateway, failure)
    assert breaker.is_open()


@pytest.mark.parametrize("answer", [BANK_DOWN, REFUSED, WELL], ids=["a bank", "refusal", "well"])
async def test_what_the_gateway_says_in_its_own_words_never_opens_it(breaker, gateway, answer):
    await charges(breaker, gateway, answer, 100)

    assert not breaker.is_open()


async def test_old_failures_are_forgotten(breaker, gateway, clock):
    await charges(breaker, gateway, TIMEOUT, FEWEST_CALLS - 1)
    clock.seconds += WINDOW_SECONDS + 1
    await charges(breaker, gateway, TIMEOUT, FEWEST_CALLS - 1)

    assert not breaker.is_open()


async def test_while_it_is_open_nothing_is_sent_and_that_is_said(breaker, gateway):
    await opened(breaker, gateway)

    assert await breaker.charge(ORDER) == DidNot(
        code="breaker_open",
        words="The gateway has failed too often just now, and was not asked.",
        retryable=True,
    )
    asked = await breaker.inquire("pay_1-1")
    assert isinstance(asked, Unknown)
    assert gateway.calls == 0


async def test_after_its_rest_one_call_probes_and_closes_it(breaker, gateway, clock):
    await opened(breaker, gateway)
    clock.seconds += REST_SECONDS
    gateway.answer = WELL
    gateway.gate.clear()

    probe = asyncio.create_task(breaker.charge(ORDER))
    await asyncio.sleep(0)
    assert breaker.is_open()
    assert isinstance(await breaker.charge(ORDER), DidNot)
    gateway.gate.set()
    assert await probe == WELL
    assert gateway.calls == 1
    assert not breaker.is_open()


async def test_a_failed_probe_opens_it_for_another_rest(breaker, gateway, clock):
    await opened(breaker, gateway)
    clock.seconds += REST_SECONDS

    await charges(breaker, gateway, TIMEOUT)
    assert breaker.is_open()
    clock.seconds += REST_SECONDS
    assert not breaker.is_open()


async def test_a_probe_whose_caller_has_gone_counts_as_failed(breaker, gateway, clock):
    await opened(breaker, gateway)
    clock.seconds += REST_SECONDS
    gateway.gate.clear()
    probe = asyncio.create_task(breaker.charge(ORDER))
    await asyncio.sleep(0)

    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    assert breaker.is_open()
    clock.seconds += REST_SECONDS
    assert not breaker.is_open()


async def test_what_was_seen_long_ago_is_forgotten(breaker, gateway, clock):
    await opened(breaker, gateway)
    gateway.answer = WELL

    clock.seconds += REST_SECONDS + FORGOTTEN_AFTER_SECONDS + 1

    assert await asyncio.gather(*(breaker.charge(ORDER) for _ in range(16))) == [WELL] * 16

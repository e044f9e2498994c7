"""A circuit breaker before a gateway: while it answers to nothing, it is left in peace, and so are our
callers, who would only wait for it.

What is refused here was provably not sent. Each process has its own: what one of them sees of the
network, another one need not.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from ledger import clock
from ledger.money import Money
from ledger.providers.port import (
    ChargeOrder,
    Did,
    DidNot,
    Notice,
    Outcome,
    Provider,
    Unknown,
)
from ledger.telemetry import BREAKER_OPEN

# reliability.md 4.14: half of at least 20 calls in 30 s failed → nothing for 30 s, then one probe.
WINDOW_SECONDS: Final = 30.0
FEWEST_CALLS: Final = 20
FAILED_SHARE: Final = 0.5
REST_SECONDS: Final = 30.0
FORGOTTEN_AFTER_SECONDS: Final = 30.0

BREAKER_OPEN_CODE: Final = "breaker_open"
RESTS: Final = "The gateway has failed too often just now, and was not asked."

# Answers that say that the gateway itself is not well. One bank behind it that is not, is no reason.
UNWELL: Final = frozenset({"service_unavailable", "http_503", "rate_limited", "gateway_500"})

log = structlog.get_logger(__name__)


class Breaker:
    """Satisfies the Provider port in front of another one."""

    def __init__(
        self, provider: Provider, now: Callable[[], float] = clock.monotonic_seconds
    ) -> None:
        self.name = provider.name
        self._provider = provider
        self._now = now
        self._calls: deque[tuple[float, bool]] = deque()  # when, and whether it failed
        self._failed = 0
        self._rests_until: float | None = None
        self._probing = False

    def is_open(self) -> bool:
        """Whether a call made now would be refused here."""
        if self._rests_until is None:
            return False
        if not self._probing and self._now() > self._rests_until + FORGOTTEN_AFTER_SECONDS:
            self._close()  # nobody called meanwhile: what was seen then says nothing of now
            return False
        return self._probing or self._now() < self._rests_until

    async def charge(self, order: ChargeOrder) -> Outcome:
        return await self._act(lambda: self._provider.charge(order))

    async def inquire(self, order_id: str, transaction_id: str = "") -> Outcome:
        outcome = await self._act(lambda: self._provider.inquire(order_id, transaction_id))
        if isinstance(outcome, DidNot) and outcome.code == BREAKER_OPEN_CODE:
            return Unknown(cause=BREAKER_OPEN_CODE, detail=RESTS)
        return outcome

    async def capture(self, order_id: str, transaction_id: str, amount: Money) -> Outcome:
        return await self._act(lambda: self._provider.capture(order_id, transaction_id, amount))

    async def cancel(
        self, order_id: str, session_token: str = "", transaction_id: str = ""
    ) -> Outcome:
        return await self._act(
            lambda: self._provider.cancel(order_id, session_token, transaction_id)
        )

    async def expire(self, order_id: str) -> Outcome:
        return await self._act(lambda: self._provider.expire(order_id))

    async def approve(self, order_id: str) -> Outcome:
        return await self._act(lambda: self._provider.approve(order_id))

    async def deny(self, order_id: str) -> Outcome:
        return await self._act(lambda: self._provider.deny(order_id))

    async def refund(
        self,
        order_id: str,
        refund_id: str,
        amount: Money,
        reason: str,
        transaction_id: str = "",
    ) -> Outcome:
        return await self._act(
            lambda: self._provider.refund(order_id, refund_id, amount, reason, transaction_id)
        )

    def read_notice(self, body: bytes) -> Notice:
        return self._provider.read_notice(body)

    async def close(self) -> None:
        await self._provider.close()

    async def _act(self, call: Callable[[], Awaitable[Outcome]]) -> Outcome:
        if self.is_open():
            return DidNot(code=BREAKER_OPEN_CODE, words=RESTS, retryable=True)
        probe = self._rests_until is not None
        self._probing = probe
        failed = True
        try:
            outcome = await call()
            failed = _is_failure(outcome)
            return outcome
        finally:  # also when whoever asked has gone: then it took too long
            if probe:
                self._probed(failed)
            else:
                self._count(failed)

    def _count(self, failed: bool) -> None:
        now = self._now()
        self._calls.append((now, failed))
        self._failed += failed
        while self._calls[0][0] < now - WINDOW_SECONDS:
            self._failed -= self._calls.popleft()[1]
        many = len(self._calls) >= FEWEST_CALLS
        if self._rests_until is None and many and self._failed >= FAILED_SHARE * len(self._calls):
            log.warning("breaker.opened", gateway=self.name, failed=self._failed)
            self._rest()

    def _probed(self, failed: bool) -> None:
        self._probing = False
        if failed:
            self._rest()
        else:
            self._close()

    def _close(self) -> None:
        log.info("breaker.closed", gateway=self.name)
        self._rests_until = None
        self._calls.clear()
        self._failed = 0
        BREAKER_OPEN.labels(self.name).set(0)

    def _rest(self) -> None:
        self._rests_until = self._now() + REST_SECONDS
        BREAKER_OPEN.labels(self.name).set(1)


def _is_failure(outcome: Outcome) -> bool:
    """The gateway gave no answer of its own; what it answers in words, however bad, is one."""
    match outcome:
        case Did():
            return False
        case DidNot(code=code):
            return code in UNWELL
        case Unknown(cause=cause):
            in_words = cause.startswith("gateway_") or cause == "in_progress"
            return cause in UNWELL or not in_words

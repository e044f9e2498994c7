"""A gateway without a network: it answers at once, and charges as a test tells it to."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from ledger import clock
from ledger.money import Money
from ledger.payments.events import Evidence, Instructions
from ledger.providers.port import (
    ChargeOrder,
    ChargeStatus,
    Did,
    DidNot,
    Observation,
    ObservedRefund,
    Outcome,
)

PUSHED = ("bank_transfer", "qr", "convenience_store")


class GatewayAtOnce:
    """Satisfies the Provider port. Saved methods are captured, all else waits to be paid."""

    name = "Midtrans"

    def __init__(self, now: clock.Clock = clock.now) -> None:
        self._now = now
        self.charged: dict[str, ChargeOrder] = {}
        self.held: dict[str, Observation] = {}
        self.refuses: Callable[[ChargeOrder], str] = lambda order: ""  # the code of a denial

    async def charge(self, order: ChargeOrder) -> Outcome:
        assert order.order_id not in self.charged, "an order id is used once"
        self.charged[order.order_id] = order
        if code := self.refuses(order):
            status, more = ChargeStatus.DENIED, {"code": code, "words": "Declined"}
        elif order.method.family in PUSHED:
            status, more = ChargeStatus.PENDING, self._instructions(order)
        else:
            status, more = ChargeStatus.CAPTURED, {}
        return Did(self._keep(order.order_id, order.amount, status, **more))

    def _instructions(self, order: ChargeOrder) -> dict[str, Any]:
        lasts = timedelta(seconds=order.expires_after_seconds or order.method.expiry_seconds)
        account = Instructions(
            kind="virtual_account", bank="bca", account_number=str(len(self.charged))
        )
        return {"instructions": account, "expires_at": self._now() + lasts}

    def _keep(self, order_id: str, amount: Money, status: ChargeStatus, **more: Any) -> Observation:
        self.held[order_id] = Observation(
            order_id=order_id,
            transaction_id=f"tx-{order_id}",
            status=status,
            amount=amount,
            evidence=Evidence(source="charge", digest="0" * 64, said={}),
            occurred_at=self._now(),
            **more,
        )
        return self.held[order_id]

    def move(self, order_id: str, status: ChargeStatus) -> None:
        """Somebody pays, a bank settles or takes back."""
        self._keep(order_id, self.charged[order_id].amount, status)

    def pay(self, order_id: str) -> None:
        self.move(order_id, ChargeStatus.SETTLED)

    async def inquire(self, order_id: str, transaction_id: str = "") -> Outcome:
        """Time has gone by: what was not paid has expired, what was captured is settled soon."""
        held = self.held.get(order_id)
        if held is None:
            return DidNot(code="never_seen", words="")
        now, over = self._now(), held.expires_at
        if held.status is ChargeStatus.PENDING and over and over <= now:
            self.move(order_id, ChargeStatus.EXPIRED)
        if held.status is ChargeStatus.CAPTURED and self._is_for_settlement(held):
            self.move(order_id, ChargeStatus.SETTLED)
        return Did(self.held[order_id])

    def _is_for_settlement(self, held: Observation) -> bool:
        return held.occurred_at is not None and self._now() >= held.occurred_at + timedelta(hours=5)

    async def cancel(
        self, order_id: str, session_token: str = "", transaction_id: str = ""
    ) -> Outcome:
        held = self.held[order_id]
        if held.status not in (ChargeStatus.PENDING, ChargeStatus.CAPTURED):
            return DidNot(code="412", words="cannot be cancelled")
        self.move(order_id, ChargeStatus.CANCELLED)
        return Did(self.held[order_id])

    async def capture(self, order_id: str, transaction_id: str, amount: Money) -> Outcome:
        raise NotImplementedError

    async def expire(self, order_id: str) -> Outcome:
        raise NotImplementedError

    async def approve(self, order_id: str) -> Outcome:
        raise NotImplementedError

    async def deny(self, order_id: str) -> Outcome:
        raise NotImplementedError

    async def refund(
        self, order_id: str, refund_id: str, amount: Money, reason: str, transaction_id: str = ""
    ) -> Outcome:
        listed = ObservedRefund(refund_id=refund_id, amount=amount)
        held = self.held[order_id]
        self.held[order_id] = replace(held, refunds=(*held.refunds, listed))
        return Did(self.held[order_id])

    def read_notice(self, body: bytes) -> Any:
        raise NotImplementedError

    async def close(self) -> None:
        return None

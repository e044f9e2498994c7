"""Deliberately wrong services, stores and workers: each breaks one rule of reliability.md 4.1 or 4.2.

A harness that lets one of them pass proves nothing about the right ones.
"""

from collections import Counter
from typing import Any, Final

from msgspec.structs import replace

from api.worker import Worker
from ledger import clock
from ledger.eventstore.group_call import StoreUnavailable
from ledger.eventstore.store import Context, Executed
from ledger.identity import PAYMENT, new_id, order_id, payment_of
from ledger.money import Money
from ledger.payments import commands as c
from ledger.payments import deciding
from ledger.payments.events import Evidence, PaymentRequested
from ledger.payments.methods import METHODS
from ledger.payments.payment import Payment
from ledger.payments.service import Inquired, PaymentService
from ledger.providers.port import (
    ChargeOrder,
    Did,
    DidNot,
    Observation,
    Outcome,
    Provider,
    Unknown,
)
from support.below_process import Variant
from support.memory_store import MemoryStore


class SendsWithoutHavingWon(PaymentService):
    async def charge_requested(self, asked: Executed[Payment], began: float) -> Payment:
        return await self._send(asked.state, began)


class NewOrderIdOnEachSending(PaymentService):
    def __init__(self, *, provider: Provider, **more: Any) -> None:
        super().__init__(provider=_Renaming(provider), **more)


class _Renaming:
    def __init__(self, gateway: Provider) -> None:
        self._gateway = gateway
        self._sent: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    async def charge(self, order: ChargeOrder) -> Outcome:
        self._sent[order.order_id] += 1
        payment_id, attempt = payment_of(order.order_id) or ("", 0)
        again = 100 * (self._sent[order.order_id] - 1)
        return await self._gateway.charge(
            replace(order, order_id=order_id(payment_id, attempt + again))
        )


class SendsBeforeSaving(PaymentService):
    async def charge(self, payment_id: str, *, never_seen: bool = False) -> Payment:
        payment = await self.get(payment_id)
        if payment.status in ("requested", "unknown"):
            attempt = payment.attempt
            await self.provider.charge(
                ChargeOrder(
                    order_id=attempt.order_id,
                    method=METHODS[attempt.method],
                    amount=payment.request.amount,
                )
            )
        return await super().charge(payment_id, never_seen=never_seen)


class RunsAgainUnderANewId(PaymentService):
    """No answer of the store is taken for a no."""

    async def request(
        self, request: PaymentRequested, context: Context, **more: Any
    ) -> Executed[Payment]:
        try:
            return await super().request(request, context, **more)
        except StoreUnavailable:
            request = replace(request, payment_id=new_id(PAYMENT))
            other = Context(command_id=new_id("cmd"), actor=context.actor)
            return await super().request(request, other, **more)


class TakesATimeoutForARefusal(PaymentService):
    async def _do(
        self, payment_id: str, command: Any, context: Context | None = None
    ) -> Executed[Payment]:
        if isinstance(command, c.RecordCharge) and isinstance(command.outcome, Unknown):
            refused = DidNot(code="timeout", words="", retryable=True)
            command = replace(command, outcome=refused)
        return await super()._do(payment_id, command, context)


class SendsAgainAtOnce(PaymentService):
    """What the gateway has not seen yet is taken for lost."""

    async def _do(
        self, payment_id: str, command: Any, context: Context | None = None
    ) -> Executed[Payment]:
        if isinstance(command, c.DispatchCharge) and command.lost_after_seconds is not None:
            command = replace(command, lost_after_seconds=0.0)
        return await super()._do(payment_id, command, context)


class SendsThoughHeldUp(PaymentService):
    async def _unless_stale(self, began: float, send: Any) -> Outcome:
        return await super()._unless_stale(clock.monotonic_seconds(), send)


class RefundsAgainUnderANewId(PaymentService):
    async def refund(self, payment_id: str, refund_id: str, *, never_seen: bool = False) -> Payment:
        payment = await super().refund(payment_id, refund_id, never_seen=never_seen)
        refund = payment.find_refund(refund_id)
        if refund and refund.status == "unknown":
            attempt = payment.attempt
            await self.provider.refund(attempt.order_id, new_id("ref"), refund.amount, "again")
        return payment


class AcknowledgesWhatMayBeLost(MemoryStore):
    async def execute(
        self, decider: Any, stream: str, command: Any, context: Context, **more: Any
    ) -> Any:
        try:
            return await super().execute(decider, stream, command, context, **more)
        except StoreUnavailable:
            facts = decider.decide(decider.initial, command)
            return Executed(stream, decider.fold(facts), len(facts), facts)


class MovesMoneyWithoutEntries(MemoryStore):
    async def execute(
        self, decider: Any, stream: str, command: Any, context: Context, **more: Any
    ) -> Any:
        return await super().execute(deciding.PAYMENT, stream, command, context, **more)


class TrustsTheNotice(Worker):
    async def attend(self, stored: Any) -> None:
        payments: PaymentService = self._wired.payments
        said = self._wired.inbox.posted[stored.digests[-1]]  # type: ignore[attr-defined]
        payment_id, attempt = payment_of(said.order_id) or ("", 0)
        payment = await payments.get(payment_id)
        seen = Observation(
            order_id=said.order_id,
            transaction_id=said.transaction_id,
            status=said.status,
            amount=payment.request.amount,
            evidence=Evidence(source="inquiry", digest=said.digest),
        )
        command = c.RecordInquiry(
            now=self._now(),
            attempt=attempt,
            lease_seconds=payments.lease_seconds,
            outcome=Did(seen),
            health={},
            available=Money(0),
        )
        await payments._do(payment_id, command)
        await self._wired.inbox.done(stored, "trusted")


class NeverAsks(Worker):
    """Liveness counts as much as safety."""

    async def _at_payment(self, work: Any) -> Inquired:
        if work.kind == "inquire":
            return Inquired(await self._wired.payments.get(work.stream), answered=True)
        return await super()._at_payment(work)


# What each of them is caught by, in the words of log_watch and quiescence.
CAUGHT_BY: Final = {
    "sends without having won": (Variant(service=SendsWithoutHavingWon), "without having won"),
    "new order id on each sending": (
        Variant(service=NewOrderIdOnEachSending),
        "without an intent|without having won",
    ),
    "sends before saving": (
        Variant(service=SendsBeforeSaving),
        "without having won|long after winning",
    ),
    "runs again under a new id": (
        Variant(service=RunsAgainUnderANewId),
        "not in the log|more than one thing",
    ),
    "takes a time-out for a refusal": (
        Variant(service=TakesATimeoutForARefusal),
        "a refusal that nobody gave",
    ),
    "sends again at once": (Variant(service=SendsAgainAtOnce), "may be on its way"),
    "sends though held up": (Variant(service=SendsThoughHeldUp), "long after winning"),
    "refunds again under a new id": (
        Variant(service=RefundsAgainUnderANewId),
        "without having won",
    ),
    "acknowledges what may be lost": (
        Variant(store=AcknowledgesWhatMayBeLost),
        "not in the log",
    ),
    "moves money without entries": (
        Variant(store=MovesMoneyWithoutEntries),
        "without its entries",
    ),
    "trusts the notice": (Variant(worker=TrustsTheNotice), "no answer of the gateway shows"),
    "never asks": (Variant(worker=NeverAsks), "never at rest|waits for us only"),
}

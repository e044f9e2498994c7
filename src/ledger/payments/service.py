"""Payments in action: ids before effects, then record, send, record. The only file of this area
that does I/O.

The HTTP request and the worker call the same methods; whoever wins the append of a `…Dispatched`
fact sends, nobody else.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from ledger import clock
from ledger.crashpoint import crashpoint
from ledger.errors import Conflict, LedgerError, NotFound
from ledger.eventstore.joining import Then
from ledger.eventstore.key_ring import KeyRing
from ledger.eventstore.store import Begun, Context, EventStore, Executed
from ledger.identity import new_id
from ledger.money import Money
from ledger.payments import commands as c
from ledger.payments import orders
from ledger.payments.deciding import BOOKED_PAYMENT
from ledger.payments.events import PaymentRequested
from ledger.payments.imported_item import ImportedItem
from ledger.payments.late import is_answer, is_to_be_cancelled
from ledger.payments.life import RefundStatus, Status
from ledger.payments.payment import Attempt, Payment, PaymentNotFound, Refund
from ledger.payments.ports import GatewayBalance, MethodHealth
from ledger.payments.retrying import longest_wait_seconds
from ledger.payments.saved_methods import NOTHING_SAVED, SavedMethods
from ledger.providers.port import (
    NEVER_SEEN,
    Did,
    DidNot,
    Observation,
    Outcome,
    Payer,
    Provider,
)

log = structlog.get_logger(__name__)

# A sender that was paused longer than this between winning and sending gives the right back unsent.
STALE_SENDER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Inquired:
    payment: Payment
    answered: bool  # by the gateway, whatever it said


@dataclass(frozen=True, kw_only=True)
class PaymentService:
    store: EventStore
    provider: Provider
    key_ring: KeyRing
    method_health: MethodHealth
    balance: GatewayBalance
    sent_by: str  # names this process in the log
    lost_after_seconds: float
    lease_seconds: float
    # Then nothing is begun; the worker comes back.
    gateway_rests: Callable[[], bool] = lambda: False
    saved_methods: SavedMethods = NOTHING_SAVED
    then: Then | None = None  # what follows from a payment's facts on other streams
    now: clock.Clock = clock.now
    draw: Callable[[float, float], float] = random.uniform

    async def get(self, payment_id: str) -> Payment:
        """Raises PaymentNotFound."""
        payment = (await self.store.load(BOOKED_PAYMENT, payment_id)).state
        if payment.requested is None:
            raise PaymentNotFound(payment_id=payment_id)
        return payment

    async def request(
        self,
        request: PaymentRequested,
        context: Context,
        *,
        country: str,
        payer: Payer,
        card_token: str,
    ) -> Executed[Payment]:
        """What names a person is sealed before it can reach the log. The right to send is won in the
        same append: whoever gets `replayed` False calls `charge_requested`.
        """
        request = await orders.with_owner(self.saved_methods, request)
        request = await orders.sealed(self.key_ring, request, payer, card_token)
        command = c.RequestPayment(
            now=request.occurred_at,
            request=request,
            country=country,
            health=await self.method_health.health(),
            sent_by="" if self.gateway_rests() else self.sent_by,
        )
        crashpoint("request.before_append")
        return await self.store.execute(
            BOOKED_PAYMENT, request.payment_id, command, context, is_new=True, then=self.then
        )

    async def charge_requested(self, asked: Executed[Payment], began: float) -> Payment:
        """Send what `request` dispatched; `began` is the monotonic time before it was called."""
        crashpoint("request.after_append")
        if asked.replayed or asked.state.status is Status.REQUESTED:
            return await self.charge(asked.stream)
        return await self._send(asked.state, began)

    async def charge_begun(self, payment: Payment, began: float) -> Payment:
        """Send what was requested and dispatched in another stream's append."""
        if payment.status is not Status.DISPATCHED:
            return payment
        return await self._send(payment, began)

    async def import_settled(
        self, items: Sequence[ImportedItem], *, account: str, actor: str, correlation_id: str = ""
    ) -> list[Begun | LedgerError]:
        """Post payments that another system took, each with its own outcome, in order.

        `reference` is an item's idempotency key within the account: the same item again is
        `replayed`, another under the same reference is CommandIdReused.
        """
        now = self.now()
        works = (item.work(now, account, actor, correlation_id) for item in items)
        return await self.store.begin_all(BOOKED_PAYMENT, works)

    async def request_capture(
        self, payment_id: str, amount: Money | None, context: Context
    ) -> Executed[Payment]:
        crashpoint("capture.before_request")
        return await self._do(payment_id, c.RequestCapture(now=self.now(), amount=amount), context)

    async def request_cancel(
        self, payment_id: str, reason: str, context: Context
    ) -> Executed[Payment]:
        crashpoint("cancel.before_request")
        return await self._do(payment_id, c.RequestCancel(now=self.now(), reason=reason), context)

    async def request_refund(
        self, payment_id: str, refund_id: str, amount: Money | None, reason: str, context: Context
    ) -> Executed[Payment]:
        crashpoint("refund.before_request")
        command = c.RequestRefund(now=self.now(), refund_id=refund_id, amount=amount, reason=reason)
        return await self._do(payment_id, command, context)

    async def charge(self, payment_id: str, *, never_seen: bool = False) -> Payment:
        """Send the newest attempt if it waits to be sent and we win the right to; follow it into
        fallbacks.
        """
        payment = await self.get(payment_id)
        if payment.status not in (Status.REQUESTED, Status.UNKNOWN) or self.gateway_rests():
            return payment
        began = clock.monotonic_seconds()
        dispatch = c.DispatchCharge(
            now=self.now(),
            attempt=payment.attempt.number,
            sent_by=self.sent_by,
            lost_after_seconds=self.lost_after_seconds if never_seen else None,
        )
        crashpoint("charge.before_dispatch")
        try:
            won = (await self._do(payment_id, dispatch)).state
        except Conflict:
            return await self.get(payment_id)
        crashpoint("charge.after_dispatch")
        return await self._send(won, began)

    async def _send(self, won: Payment, began: float) -> Payment:
        payment_id = won.request.payment_id
        outcome = await self._charged(won, began)
        record = c.RecordCharge(
            now=self.now(),
            attempt=won.attempt.number,
            sending=won.attempt.sendings,
            outcome=outcome,
            retry_after_seconds=self._wait(won.attempt.retries),
            health=await self.method_health.health(),
        )
        recorded = (await self._do(payment_id, record)).state
        crashpoint("charge.after_record")
        fell_back = recorded.attempt.number > won.attempt.number
        return await self.charge(payment_id) if fell_back else recorded

    async def _charged(self, won: Payment, began: float) -> Outcome:
        try:
            order = await orders.order(self.key_ring, self.saved_methods, won)
        except NotFound as gone:  # what was saved, since it was asked for
            return DidNot(code=gone.code, words=gone.detail)
        crashpoint("charge.before_send")
        outcome = await self._unless_stale(began, lambda: self.provider.charge(order))
        crashpoint("charge.after_send")
        return outcome

    async def inquire(
        self, payment_id: str, attempt: int | None = None, transaction_id: str = ""
    ) -> Inquired:
        """Ask the gateway about an attempt (the newest by default), record what is new, do what follows.

        `transaction_id` is the one that a notice named; it is used when we know none yet.
        """
        payment = await self.get(payment_id)
        number = attempt or payment.attempt.number
        asked = payment.find_attempt(number)
        if asked is None or not _is_at_gateway(payment, asked):
            return Inquired(payment, answered=True)
        crashpoint("inquiry.before_ask")
        asked_at = self.now()
        outcome = await self.provider.inquire(
            asked.order_id, asked.transaction_id or transaction_id or asked.spoken_of
        )
        crashpoint("inquiry.after_ask")
        recorded = (await self._do(payment_id, await self._seen(number, outcome, asked_at))).state
        crashpoint("inquiry.after_record")
        if number == payment.attempt.number:
            recorded = await self._follow_up(payment_id, recorded, outcome)
        if isinstance(outcome, Did):
            recorded = await self._undo(payment_id, recorded, number, outcome.observation)
        told_of = transaction_id and asked.transaction_id
        return Inquired(recorded, answered=is_answer(outcome, told_of))

    async def inquire_refund(self, payment_id: str, refund_id: str) -> Inquired:
        """Ask about the attempt whose money the refund gives back."""
        payment = await self.get(payment_id)
        refund = payment.find_refund(refund_id)
        attempt = payment.attempt_refunded_by(refund) if refund else payment.attempt
        return await self.inquire(payment_id, attempt.number)

    async def decide_review(
        self, payment_id: str, rule: str, subject: str, decision: str, by: str, reason: str
    ) -> Payment:
        """A named person's answer to an open question (reviewing.py). Raises PaymentNotFound,
        ReviewNotOpen, DecisionNotAllowed or SecondPersonNeeded.
        """
        payment = await self.get(payment_id)
        attempt = payment.attempt
        outcome = await self.provider.inquire(attempt.order_id, attempt.transaction_id)
        command = c.DecideReview(
            now=self.now(),
            rule=rule,
            subject=subject,
            decision=decision,
            by=by,
            reason=reason,
            outcome=outcome,
        )
        context = Context(command_id=new_id("cmd"), actor=by, reason=reason)
        return (await self._do(payment_id, command, context)).state

    async def capture(self, payment_id: str) -> Payment:
        """Carry out a requested capture."""
        began = clock.monotonic_seconds()
        payment = await self.get(payment_id)
        amount = payment.capture_asked
        if amount is None or payment.review or payment.status is not Status.AUTHORISED:
            return payment
        attempt = payment.attempt
        crashpoint("capture.before_send")
        outcome = await self._unless_stale(
            began,
            lambda: self.provider.capture(attempt.order_id, attempt.transaction_id, amount),
        )
        crashpoint("capture.after_send")
        return (await self._do(payment_id, c.RecordCapture(now=self.now(), outcome=outcome))).state

    async def cancel(self, payment_id: str) -> Payment:
        """Carry out a requested cancellation; while the charge's own outcome is unknown, that comes
        first.
        """
        began = clock.monotonic_seconds()
        payment = await self.get(payment_id)
        in_doubt = payment.status in (Status.DISPATCHED, Status.UNKNOWN)
        if not payment.cancel_asked or payment.review or in_doubt:
            return payment
        attempt = payment.attempt
        crashpoint("cancel.before_send")
        outcome = await self._unless_stale(
            began,
            lambda: self.provider.cancel(
                attempt.order_id, attempt.instructions.session_token, attempt.transaction_id
            ),
        )
        crashpoint("cancel.after_send")
        return (await self._do(payment_id, c.RecordCancel(now=self.now(), outcome=outcome))).state

    async def refund(self, payment_id: str, refund_id: str, *, never_seen: bool = False) -> Payment:
        """Send a refund that waits to be sent, if we win the right to."""
        if self.gateway_rests():
            return await self.get(payment_id)
        began = clock.monotonic_seconds()
        dispatch = c.DispatchRefund(
            now=self.now(),
            refund_id=refund_id,
            sent_by=self.sent_by,
            lost_after_seconds=self.lost_after_seconds if never_seen else None,
        )
        crashpoint("refund.before_dispatch")
        try:
            won = (await self._do(payment_id, dispatch)).state
        except Conflict:
            return await self.get(payment_id)
        crashpoint("refund.after_dispatch")
        refund = won.find_refund(refund_id)
        assert refund is not None, "dispatching proved that it exists"
        attempt = won.attempt_refunded_by(refund)
        paid = attempt.late.transaction_id if refund.late_attempt and attempt.late else ""
        transaction_id = paid or attempt.transaction_id
        outcome = await self._unless_stale(
            began,
            lambda: self.provider.refund(
                attempt.order_id, refund_id, refund.amount, refund.reason, transaction_id
            ),
        )
        crashpoint("refund.after_send")
        record = c.RecordRefund(
            now=self.now(),
            refund_id=refund_id,
            sending=refund.sendings,
            outcome=outcome,
            retry_after_seconds=self._wait(refund.retries),
            available=await self._available(outcome),
        )
        return (await self._do(payment_id, record)).state

    async def _follow_up(self, payment_id: str, payment: Payment, outcome: Outcome) -> Payment:
        if payment.status is Status.REQUESTED:
            return await self.charge(payment_id)
        never_seen = isinstance(outcome, DidNot) and outcome.code == NEVER_SEEN
        if payment.status is Status.UNKNOWN and never_seen and not payment.cancel_asked:
            return await self.charge(payment_id, never_seen=True)
        # A page that is open, and under which nothing was tried, is never seen either.
        if payment.cancel_asked and (not never_seen or payment.status is Status.PENDING):
            return await self.cancel(payment_id)
        if payment.capture_asked and isinstance(outcome, Did):
            return await self.capture(payment_id)
        return payment

    async def _undo(
        self, payment_id: str, payment: Payment, number: int, seen: Observation
    ) -> Payment:
        """Refunds of the attempt that are to be sent, and what it holds although it is over."""
        if payment.review:
            return payment
        for refund in payment.refunds:
            if payment.attempt_refunded_by(refund).number == number:
                payment = await self._send_refund(payment_id, payment, refund)
        attempt = payment.find_attempt(number)
        if attempt is None or not is_to_be_cancelled(attempt, seen):
            return payment
        asked_at = self.now()
        outcome = await self.provider.cancel(
            attempt.order_id, attempt.instructions.session_token, seen.transaction_id
        )
        return (await self._do(payment_id, await self._seen(number, outcome, asked_at))).state

    async def _send_refund(self, payment_id: str, payment: Payment, refund: Refund) -> Payment:
        """One that is unknown and not listed may be sent again under the same id."""
        if refund.status is RefundStatus.REQUESTED:
            return await self.refund(payment_id, refund.refund_id)
        if refund.status is RefundStatus.UNKNOWN:
            return await self.refund(payment_id, refund.refund_id, never_seen=True)
        return payment

    async def _seen(self, attempt: int, outcome: Outcome, asked_at: datetime) -> c.RecordInquiry:
        return c.RecordInquiry(
            now=self.now(),
            attempt=attempt,
            asked_at=asked_at,
            lease_seconds=self.lease_seconds,
            lost_after_seconds=self.lost_after_seconds,
            outcome=outcome,
            health=await self.method_health.health(),
            available=await self._available(outcome),
        )

    async def _available(self, outcome: Outcome) -> Money:
        listed = isinstance(outcome, Did) and outcome.observation.refunds  # what is taken from it
        return await self.balance.available(self.provider.name) if listed else Money(0)

    async def _do(
        self, payment_id: str, command: c.PaymentCommand, context: Context | None = None
    ) -> Executed[Payment]:
        chosen = context or Context(command_id=new_id("cmd"), actor=self.sent_by)
        return await self.store.execute(BOOKED_PAYMENT, payment_id, command, chosen, then=self.then)

    async def _unless_stale(self, began: float, send: Callable[[], object]) -> Outcome:
        if clock.monotonic_seconds() - began > STALE_SENDER_SECONDS:
            return DidNot(code="not_sent", words="the sender was held up", retryable=True)
        return await send()  # type: ignore[misc, no-any-return]

    def _wait(self, retries: int) -> float:
        return self.draw(0.0, longest_wait_seconds(retries + 1))


def _is_at_gateway(payment: Payment, attempt: Attempt) -> bool:
    """We have sent it, or another system had, and it was imported settled."""
    return attempt.sendings > 0 or (payment.settled is not None and attempt.order_id != "")

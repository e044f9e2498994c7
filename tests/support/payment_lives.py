"""Lives of payments: legal walks over the table of a payment's life, with the entries that each fact brings."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ledger.events import DomainEvent
from ledger.journal.posting_rules import consequence
from ledger.payments import events as e
from ledger.payments.life import NEXT, Status
from ledger.payments.review_events import (
    DecisionNeeded,
    QuestionAnswered,
    ReviewDecided,
    ReviewProposed,
)
from ledger.privacy.sealed import Sealed
from support.payment_facts import DELIVERED, SAID, fee, rp, share

START: Final = datetime(2026, 11, 1, tzinfo=UTC)
METHODS: Final = ("credit_card", "gopay", "bca_va", "qris", "indomaret")
SECRET: Final = Sealed(
    subject="cus_1", key_version=1, nonce="bm9uY2U=", ciphertext="Y2lwaGVydGV4dA=="
)
REFUND: Final = {
    e.RefundDispatched: {"requested", "unknown"},
    e.RefundOutcomeUnknown: {"dispatched", "unknown"},
    e.RefundRetryScheduled: {"dispatched", "unknown"},
    e.RefundAccepted: {"requested", "dispatched", "unknown"},
    e.RefundConfirmed: {"accepted"},
    e.RefundFailed: {"dispatched", "unknown", "accepted"},
}
RARE: Final = {
    *(e.ReviewRequested, e.LatePaymentReceived, e.LatePaymentSettled, e.LatePaymentReturned),
    *(e.StrayChargeFound, e.AttemptClosed),
    *(DecisionNeeded, ReviewProposed, ReviewDecided, QuestionAnswered),
}
REFUND_BECOMES: Final = {
    e.RefundDispatched: "dispatched",
    e.RefundOutcomeUnknown: "unknown",
    e.RefundRetryScheduled: "requested",
    e.RefundAccepted: "accepted",
    e.RefundConfirmed: "confirmed",
    e.RefundFailed: "failed",
}


class Life:
    """One payment, walked at random but reproducibly."""

    def __init__(self, payment_id: str, chance: random.Random, *, began: datetime = START) -> None:
        self.payment_id = payment_id
        self.status = Status.NEW
        self.now = began
        self.attempt = 0
        self.amount = chance.randrange(10_000, 500_000, 1_000)
        self.captured: e.PaymentCaptured | None = None
        self.settled: e.PaymentSettled | None = None
        self.refunds: dict[str, str] = {}
        self.accepted: dict[str, e.RefundAccepted] = {}
        self._chance = chance

    def walk(self, steps: int) -> list[list[DomainEvent]]:
        """Facts in the order of life, each with its entries: what one append would hold."""
        return [appended for _ in range(steps) if (appended := self.step())]

    def step(self) -> list[DomainEvent]:
        possible = [event for status, event in NEXT if status is self.status and self._may(event)]
        return self.happen(self._chance.choice(possible)) if possible else []

    def happen(self, event: type[DomainEvent]) -> list[DomainEvent]:
        self.now += timedelta(seconds=self._chance.randrange(1, 90))
        fact = getattr(self, f"_{_noun(event)}", self._plain)(event)
        self.status = NEXT.get((self.status, event), self.status)
        return [fact, *consequence(fact)]

    def _may(self, event: type[DomainEvent]) -> bool:
        if event in RARE:
            return self._chance.random() < 0.05
        if event in REFUND:
            return any(status in REFUND[event] for status in self.refunds.values())
        if event is e.RefundRequested:
            return len(self.refunds) < 3
        if event is e.AttemptStarted:
            return self.status is not Status.REQUESTED or not self.attempt
        return bool(self.attempt) or event is e.PaymentRequested

    def _plain(self, event: type[DomainEvent]) -> DomainEvent:
        """Any fact whose fields can be told from their names."""
        values: dict[str, Any] = {
            "attempt": self.attempt,
            "transaction_id": f"t-{self.payment_id}-{self.attempt}",
            "evidence": SAID,
            "amount": rp(self.amount),
            "not_before": self.now + timedelta(minutes=1),
            "sent_by": "worker-1",
            "code": "202",
            "words": "the gateway's words",
            "cause": "timeout",
            "sending": 1,
            "retry": 1,
            "because": "expired",
            "instructions": e.Instructions(kind="qr", qr_string="00020101"),
            "expires_at": self.now + timedelta(hours=1),
            "rule": "late_payment" if event is DecisionNeeded else "state_not_understood",
            "subject": str(self.attempt),
            "decision": "look_again",
            "by": "ana",
            "proposed_by": "budi",
            "reason": "as the bank says",
            "look_at": self.now,
            "how": "by_hand",
            "fee": fee(1_000, 100, 10),
            "net": rp(self.amount - 1_110),
        }
        if event is e.LatePaymentReturned:
            values["received"] = self._plain(e.LatePaymentReceived)
        needed = {name: values[name] for name in event.__struct_fields__ if name in values}
        return event(occurred_at=self.now, **needed)

    def _requested(self, event: type[DomainEvent]) -> DomainEvent:
        return e.PaymentRequested(
            payment_id=self.payment_id,
            amount=rp(self.amount),
            requested_method=self._chance.choice(METHODS),
            sale=DELIVERED,
            customer_id=f"cus_{self.amount // 50_000}",
            subscription_id="sub_1" if self.amount % 7_000 == 0 else "",
            metadata={"orderId": f"order_{self.payment_id}"},
            payer=SECRET,
            occurred_at=self.now,
        )

    def _attempt_started(self, event: type[DomainEvent]) -> DomainEvent:
        self.attempt += 1
        return e.AttemptStarted(
            attempt=self.attempt,
            order_id=f"{self.payment_id}-{self.attempt}",
            method=self._chance.choice(METHODS),
            why=e.RoutingReason(rule="asked", words="as asked"),
            occurred_at=self.now,
        )

    def _captured(self, event: type[DomainEvent]) -> DomainEvent:
        tax = self.amount * 11 // 111
        self.captured = e.PaymentCaptured(
            attempt=self.attempt,
            transaction_id=f"t-{self.payment_id}-{self.attempt}",
            amount=rp(self.amount),
            due=rp(self.amount),
            share=share(self.amount - tax, tax),
            sale=DELIVERED,
            evidence=SAID,
            occurred_at=self.now,
        )
        return self.captured

    def _settled(self, event: type[DomainEvent]) -> DomainEvent:
        taken = fee(self.amount // 50, 1_000, 300)
        self.settled = e.PaymentSettled(
            attempt=self.attempt,
            transaction_id=f"t-{self.payment_id}-{self.attempt}",
            amount=rp(self.amount),
            fee=taken,
            net=rp(self.amount) - taken.total,
            evidence=SAID,
            occurred_at=self.now,
        )
        return self.settled

    def _charge_cancelled(self, event: type[DomainEvent]) -> DomainEvent:
        return e.ChargeCancelled(
            attempt=self.attempt, evidence=SAID, captured=self.captured, occurred_at=self.now
        )

    def _settlement_reversed(self, event: type[DomainEvent]) -> DomainEvent:
        assert self.captured is not None
        return e.SettlementReversed(
            attempt=self.attempt,
            captured=self.captured,
            settled=self.settled,
            evidence=SAID,
            occurred_at=self.now,
        )

    def _chargeback_received(self, event: type[DomainEvent]) -> DomainEvent:
        return e.ChargebackReceived(
            amount=rp(self.amount),
            fee=rp(50_000),
            fee_tax=rp(5_500),
            evidence=SAID,
            occurred_at=self.now,
        )

    def _refund_requested(self, event: type[DomainEvent]) -> DomainEvent:
        refund_id = f"ref_{self.payment_id}_{len(self.refunds)}"
        self.refunds[refund_id] = "requested"
        return e.RefundRequested(
            refund_id=refund_id, amount=rp(self.amount // 3), reason="asked", occurred_at=self.now
        )

    def _refund(self, event: type[DomainEvent]) -> str:
        refund_id = next(key for key, status in self.refunds.items() if status in REFUND[event])
        self.refunds[refund_id] = REFUND_BECOMES[event]
        return refund_id

    def _refund_words(self, event: type[DomainEvent]) -> DomainEvent:
        refund_id = self._refund(event)
        plain = {"sent_by": "worker-1", "sending": 1, "cause": "timeout", "retry": 1}
        plain |= {"not_before": self.now + timedelta(minutes=1)}  # type: ignore[dict-item]
        fields = {name: plain[name] for name in event.__struct_fields__ if name in plain}
        return event(refund_id=refund_id, occurred_at=self.now, **fields)

    _refund_dispatched = _refund_outcome_unknown = _refund_retry_scheduled = _refund_words

    def _refund_accepted(self, event: type[DomainEvent]) -> DomainEvent:
        refund_id, amount = self._refund(event), rp(self.amount // 3)
        tax = amount.minor * 11 // 111
        self.accepted[refund_id] = e.RefundAccepted(
            refund_id=refund_id,
            amount=amount,
            from_deferred=rp(0),
            from_income=rp(amount.minor - tax),
            tax=rp(tax),
            sale=DELIVERED,
            evidence=SAID,
            occurred_at=self.now,
        )
        return self.accepted[refund_id]

    def _refund_confirmed(self, event: type[DomainEvent]) -> DomainEvent:
        return e.RefundConfirmed(
            refund_id=self._refund(event),
            amount=rp(self.amount // 3),
            from_available=rp(self.amount // 3),
            overdrawn=rp(0),
            fee_returned=rp(100),
            fee_tax_returned=rp(11),
            evidence=SAID,
            occurred_at=self.now,
        )

    def _refund_failed(self, event: type[DomainEvent]) -> DomainEvent:
        refund_id = self._refund(event)
        return e.RefundFailed(
            refund_id=refund_id,
            code="denied",
            words="by the bank",
            accepted=self.accepted.get(refund_id),
            occurred_at=self.now,
        )


def _noun(event: type[DomainEvent]) -> str:
    return event.TOPIC.split(".")[1]


def lived(payment_id: str, *events: type[DomainEvent], seed: int = 1) -> list[DomainEvent]:
    """The facts of one payment that goes through these events, entries included."""
    life = Life(payment_id, random.Random(seed))
    return [fact for event in events for fact in life.happen(event)]


def interleaved(payments: int, steps: int, seed: int) -> list[tuple[str, Sequence[DomainEvent]]]:
    """Appends of many payments, mixed as they would be in a log."""
    chance = random.Random(seed)
    lives = [
        Life(f"pay_{seed:03}{n:06}", chance, began=START + timedelta(seconds=n))
        for n in range(payments)
    ]
    appends: list[tuple[str, Sequence[DomainEvent]]] = []
    for _ in range(payments * steps):
        life = chance.choice(lives)
        if facts := life.step():
            appends.append((life.payment_id, facts))
    return appends


PAID: Final = (
    e.PaymentRequested,
    e.AttemptStarted,
    e.ChargeDispatched,
    e.ChargePending,
    e.PaymentCaptured,
)
SETTLED: Final = (*PAID, e.PaymentSettled)

"""Facts of one payment, small: 99,000 for a delivered report, sent at ten in the morning in Jakarta."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from ledger.clock import business_date
from ledger.events import DomainEvent
from ledger.identity import order_id
from ledger.journal.tax import split
from ledger.payments import events as e
from ledger.payments.methods import METHODS, fee_for
from ledger.privacy.sealed import Sealed
from ledger.providers.port import ChargeStatus, Observation, ObservedRefund
from support.payment_facts import AT, DELIVERED, rp

PAY: Final = "pay_1"
TOKEN: Final = Sealed(subject=PAY, key_version=1, nonce="bm9uY2U=", ciphertext="Y2lwaGVydGV4dA==")
VA: Final = e.Instructions(kind="virtual_account", bank="bca", account_number="123")
PAGE: Final = e.Instructions(
    kind="redirect", redirect_url="https://pay.example/1", session_token="tok"
)

Facts = Sequence[DomainEvent]


def after(seconds: float = 0, **more: float) -> datetime:
    return AT + timedelta(seconds=seconds, **more)


def said(**words: str) -> e.Evidence:
    return e.Evidence(source="inquiry", digest="0" * 64, said=words)


# ── facts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def requested(method: str = "bca_va", amount: int = 99_000, **more: Any) -> e.PaymentRequested:
    defaults: dict[str, Any] = {
        "payment_id": PAY,
        "sale": DELIVERED,
        "payer_known": ("name", "email", "phone"),
        "occurred_at": AT,
    }
    return e.PaymentRequested(amount=rp(amount), requested_method=method, **(defaults | more))


def attempt_started(attempt: int = 1, method: str = "bca_va") -> e.AttemptStarted:
    why = e.RoutingReason(rule="asked", words=f"{method} was asked for.")
    order = order_id(PAY, attempt)
    return e.AttemptStarted(attempt=attempt, order_id=order, method=method, why=why, occurred_at=AT)


def dispatched(attempt: int = 1, sending: int = 1, at: datetime = AT) -> e.ChargeDispatched:
    return e.ChargeDispatched(attempt=attempt, sent_by="api-1", sending=sending, occurred_at=at)


def unknown(attempt: int = 1) -> e.ChargeOutcomeUnknown:
    return e.ChargeOutcomeUnknown(attempt=attempt, cause="timeout", occurred_at=after(10))


def pending(
    attempt: int = 1,
    instructions: e.Instructions = VA,
    expires_at: datetime | None = None,
    transaction_id: str = "t-1",
) -> e.ChargePending:
    return e.ChargePending(
        attempt=attempt,
        transaction_id=transaction_id,
        instructions=instructions,
        expires_at=expires_at,
        evidence=said(),
        occurred_at=after(1),
    )


def authorised(amount: int = 99_000) -> e.ChargeAuthorised:
    return e.ChargeAuthorised(
        attempt=1, transaction_id="t-1", amount=rp(amount), evidence=said(), occurred_at=after(1)
    )


def captured(amount: int = 99_000, attempt: int = 1, sale: e.Sale = DELIVERED) -> e.PaymentCaptured:
    return e.PaymentCaptured(
        attempt=attempt,
        transaction_id=f"t-{attempt}",
        amount=rp(amount),
        due=rp(amount),
        share=split(rp(amount), business_date(AT), True),
        sale=sale,
        evidence=said(),
        occurred_at=after(60),
    )


def settled(amount: int = 99_000, attempt: int = 1, method: str = "bca_va") -> e.PaymentSettled:
    fee = fee_for(METHODS[method], rp(amount), business_date(AT))
    return e.PaymentSettled(
        attempt=attempt,
        transaction_id=f"t-{attempt}",
        amount=rp(amount),
        fee=fee,
        net=rp(amount) - fee.total,
        evidence=said(),
        occurred_at=after(60),
    )


def denied(attempt: int = 1) -> e.ChargeDenied:
    return e.ChargeDenied(
        attempt=attempt, code="51", words="no funds", evidence=said(), occurred_at=after(2)
    )


def expired(attempt: int = 1) -> e.ChargeExpired:
    return e.ChargeExpired(attempt=attempt, evidence=said(), occurred_at=after(days=1))


def late_payment(attempt: int = 1, transaction_id: str = "t-1") -> e.LatePaymentReceived:
    return e.LatePaymentReceived(
        attempt=attempt,
        transaction_id=transaction_id,
        amount=rp(99_000),
        because="expired",
        evidence=said(),
        occurred_at=after(days=2),
    )


def cancel_requested() -> e.CancelRequested:
    return e.CancelRequested(attempt=1, reason="changed my mind", occurred_at=after(5))


def refund_requested(refund_id: str = "ref_1", amount: int = 33_000) -> e.RefundRequested:
    return e.RefundRequested(
        refund_id=refund_id, amount=rp(amount), reason="returned", occurred_at=after(120)
    )


def refund_dispatched(refund_id: str = "ref_1", sending: int = 1) -> e.RefundDispatched:
    return e.RefundDispatched(
        refund_id=refund_id, sent_by="api-1", sending=sending, occurred_at=after(121)
    )


def refund_unknown(refund_id: str = "ref_1") -> e.RefundOutcomeUnknown:
    return e.RefundOutcomeUnknown(refund_id=refund_id, cause="timeout", occurred_at=after(131))


# ── histories ───────────────────────────────────────────────────────────────────────────────────────────────────────


def begun(method: str = "bca_va", **more: Any) -> Facts:
    return requested(method, **more), attempt_started(method=method)


def sent(method: str = "bca_va", **more: Any) -> Facts:
    return *begun(method, **more), dispatched()


def waiting(method: str = "bca_va", **more: Any) -> Facts:
    return *sent(method, **more), pending()


def held(amount: int = 99_000) -> Facts:
    return *sent("credit_card", amount=amount, capture="later", card_token=TOKEN), authorised(
        amount
    )


def paid(method: str = "gopay", amount: int = 99_000, sale: e.Sale = DELIVERED) -> Facts:
    """Settled."""
    taken = captured(amount, sale=sale), settled(amount, method=method)
    return *sent(method, amount=amount, sale=sale), pending(), *taken


# ── what the gateway shows ──────────────────────────────────────────────────────────────────────────────────────────


def observation(
    status: ChargeStatus | str,
    amount: int = 99_000,
    refunds: Sequence[ObservedRefund] = (),
    attempt: int = 1,
    **more: Any,
) -> Observation:
    defaults: dict[str, Any] = {
        "order_id": order_id(PAY, attempt),
        "transaction_id": f"t-{attempt}",
        "evidence": said(),
    }
    return Observation(
        status=ChargeStatus(status),
        amount=rp(amount),
        refunds=tuple(refunds),
        **(defaults | more),
    )


def listed(
    refund_id: str = "ref_1", amount: int = 33_000, *, confirmed: bool = False, **more: Any
) -> ObservedRefund:
    at = after(days=1) if confirmed else None
    return ObservedRefund(refund_id=refund_id, amount=rp(amount), confirmed_at=at, **more)


# ── any fact at all ─────────────────────────────────────────────────────────────────────────────────────────────────


AMOUNTS: Final = (
    *("amount", "due", "net", "from_deferred", "from_income", "tax", "from_available", "overdrawn"),
    *("fee_returned", "fee_tax_returned", "fee_tax"),
)


def imported(amount: int = 99_000, **more: Any) -> e.PaymentImported:
    fee = fee_for(METHODS["bca_va"], rp(amount), business_date(AT))
    values: dict[str, Any] = {
        "payment_id": PAY,
        "reference": "old-1",
        "method": "bca_va",
        "sale": DELIVERED,
        "share": split(rp(amount), business_date(AT), True),
        "fee": fee,
        "net": rp(amount) - fee.total,
        "order_id": "old-order-1",
        "transaction_id": "t-1",
        "occurred_at": AT,
    }
    return e.PaymentImported(amount=rp(amount), **(values | more))


WHOLE: Final[dict[type[DomainEvent], Callable[[], DomainEvent]]] = {
    e.PaymentRequested: requested,
    e.AttemptStarted: attempt_started,
    e.PaymentImported: imported,
}


def example(kind: type[DomainEvent]) -> DomainEvent:
    """A fact of this kind about attempt 1 or refund ref_1, its fields told by their names."""
    values: dict[str, Any] = dict.fromkeys(AMOUNTS, rp(1_000)) | {
        "attempt": 1,
        "refund_id": "ref_1",
        "transaction_id": "t-1",
        "evidence": said(),
        "instructions": VA,
        "expires_at": None,
        "not_before": AT,
        "sent_by": "api-1",
        "sending": 1,
        "retry": 1,
        "because": "expired",
        "rule": "state_not_understood",
        "captured": captured(),
        "settled": settled(),
        "sale": DELIVERED,
        "share": e.Share(net=rp(900), tax=rp(100)),
        "fee": rp(1_000) if kind is e.ChargebackReceived else settled().fee,
        "received": late_payment(),
        "how": "by_hand",
        "subject": "1",
        "look_at": AT,
        **dict.fromkeys(("code", "words", "cause", "reason", "decision", "by"), "words"),
        "proposed_by": "someone",
    }
    if kind in WHOLE:
        return WHOLE[kind]()
    needed = {name: values[name] for name in kind.__struct_fields__ if name in values}
    return kind(occurred_at=AT, **needed)

"""Commands to a payment with the defaults of a calm day."""

from datetime import datetime
from typing import Any

from ledger.payments import commands as c
from ledger.payments.events import PaymentRequested
from ledger.providers.port import DUPLICATE, NEVER_SEEN, Did, DidNot, Observation, Outcome, Unknown
from support.facts import after, observation
from support.payment_facts import rp

TIMEOUT = Unknown(cause="timeout")
BUSY = DidNot(code="service_unavailable", words="try later", retryable=True)
REFUSED = DidNot(code="request_invalid", words="no")
NOT_SENT = DidNot(code="not_sent", words="the sender was held up", retryable=True)
RATE_LIMITED = DidNot(code="rate_limited", words="slow down", retryable=True)
NOWHERE = DidNot(code=NEVER_SEEN, words="Transaction doesn't exist.")
KNOWN = DidNot(code=DUPLICATE, words="duplicate")
BANK_SAYS_NO = DidNot(code="refund_denied_by_bank", words="no")
TOO_LATE = DidNot(
    code="status_change_refused", words="Merchant cannot modify the status of the transaction"
)


def ask(request: PaymentRequested, **more: Any) -> c.RequestPayment:
    defaults: dict[str, Any] = {"country": "ID", "health": {}, "now": request.occurred_at}
    return c.RequestPayment(request=request, **(defaults | more))


def send(
    attempt: int = 1, at: datetime | None = None, lost_after: float | None = None
) -> c.DispatchCharge:
    return c.DispatchCharge(
        attempt=attempt, sent_by="api-1", lost_after_seconds=lost_after, now=at or after(0)
    )


def charged(
    outcome: Outcome | Observation, attempt: int = 1, sending: int = 0, **more: Any
) -> c.RecordCharge:
    defaults: dict[str, Any] = {"retry_after_seconds": 1.0, "health": {}, "now": after(2)}
    return c.RecordCharge(
        attempt=attempt, outcome=_outcome(outcome), sending=sending, **(defaults | more)
    )


def inquired(
    outcome: Outcome | Observation, attempt: int = 1, at: datetime | None = None, **more: Any
) -> c.RecordInquiry:
    defaults: dict[str, Any] = {
        "lease_seconds": 30.0,
        "health": {},
        "available": rp(10**9),
        "now": at or after(300),
    }
    return c.RecordInquiry(attempt=attempt, outcome=_outcome(outcome), **(defaults | more))


def shown(scenario: Any, *statuses: str, **more: Any) -> Any:
    """After the gateway was asked again and again, and showed each of these."""
    for status in statuses:
        scenario.when(inquired(observation(status, **more)))
    return scenario


def capture(amount: int | None = None) -> c.RequestCapture:
    return c.RequestCapture(amount=None if amount is None else rp(amount), now=after(10))


def captured(outcome: Outcome | Observation) -> c.RecordCapture:
    return c.RecordCapture(outcome=_outcome(outcome), now=after(12))


def cancel() -> c.RequestCancel:
    return c.RequestCancel(reason="changed my mind", now=after(10))


def cancelled(outcome: Outcome | Observation) -> c.RecordCancel:
    return c.RecordCancel(outcome=_outcome(outcome), now=after(12))


def refund(
    amount: int | None = 33_000, refund_id: str = "ref_1", at: datetime | None = None
) -> c.RequestRefund:
    wanted = None if amount is None else rp(amount)
    return c.RequestRefund(
        refund_id=refund_id, amount=wanted, reason="returned", now=at or after(120)
    )


def send_refund(
    refund_id: str = "ref_1", at: datetime | None = None, lost_after: float | None = None
) -> c.DispatchRefund:
    return c.DispatchRefund(
        refund_id=refund_id, sent_by="api-1", lost_after_seconds=lost_after, now=at or after(121)
    )


def refunded(
    outcome: Outcome | Observation, refund_id: str = "ref_1", sending: int = 0, **more: Any
) -> c.RecordRefund:
    defaults: dict[str, Any] = {
        "retry_after_seconds": 1.0,
        "available": rp(10**9),
        "now": after(122),
    }
    return c.RecordRefund(
        refund_id=refund_id, outcome=_outcome(outcome), sending=sending, **(defaults | more)
    )


def _outcome(outcome: Outcome | Observation) -> Outcome:
    return Did(outcome) if isinstance(outcome, Observation) else outcome

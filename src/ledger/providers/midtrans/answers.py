"""From the bytes of an answer to an outcome, in the port's three kinds."""

import hashlib
from typing import Final

import msgspec

from ledger.money import Money
from ledger.payments.events import Evidence, Instructions
from ledger.providers.midtrans import refusals, statuses, verdicts, wire
from ledger.providers.midtrans.instructions import instructions
from ledger.providers.midtrans.verdicts import Kind, Operation, Verdict
from ledger.providers.midtrans.wire import Answer, Unusable
from ledger.providers.port import (
    ChargeStatus,
    Did,
    DidNot,
    Observation,
    ObservedRefund,
    Outcome,
    Unknown,
)


class Reply(msgspec.Struct, frozen=True, gc=False):
    http: int
    body: bytes


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What an answer must be about. `refund` is the one that was asked for."""

    operation: Operation
    order_id: str
    refund: ObservedRefund | None = None


# What may be kept in clear text for ever: no card number, phone or account number among it.
SAID: Final = (
    "status_code",
    "transaction_status",
    "fraud_status",
    "gross_amount",
    "currency",
    "payment_type",
    "transaction_id",
    "order_id",
    "transaction_time",
    "settlement_time",
    "channel_response_code",
    "channel_response_message",
    "approval_code",
    "acquirer",
    "issuer",
    "bank",
    "refund_amount",
)


def read(reply: Reply, asked: Asked, core_url: str) -> Outcome:
    """The outcome of a Core API operation. Never raises."""
    try:
        answer = _answer(reply)
        verdict = verdicts.verdict(asked.operation, reply.http, answer.status_code)
        if verdict.kind is Kind.DID:
            return Did(_observation(answer, reply, asked, core_url))
        return not_done(verdict, answer.words)
    except Unusable as unusable:
        return unknown(unusable)


def _answer(reply: Reply) -> Answer:
    """Anything but a success may come from something in between, in any form: then HTTP alone
    speaks.
    """
    try:
        return wire.answer(reply.body)
    except Unusable:
        if reply.http == 200:
            raise
        return Answer()


def unknown(unusable: Unusable) -> Unknown:
    return Unknown(cause=unusable.cause, detail=unusable.detail)


def not_done(verdict: Verdict, words: str) -> Outcome:
    if verdict.kind is Kind.UNKNOWN:
        return Unknown(cause=verdict.code, detail=words)
    return DidNot(code=verdict.code, words=words, retryable=verdicts.may_pass(verdict.code))


def _observation(answer: Answer, reply: Reply, asked: Asked, core_url: str) -> Observation:
    transaction_id = _matching(answer, asked)
    status = statuses.charge_status(answer.transaction_status, answer.fraud_status)
    amount = wire.money(answer.gross_amount, answer.currency)
    refused = status in (ChargeStatus.DENIED, ChargeStatus.FAILED)
    pending = status is ChargeStatus.PENDING
    return Observation(
        order_id=asked.order_id,
        transaction_id=transaction_id,
        status=status,
        amount=amount,
        evidence=_evidence(answer, reply, asked.operation),
        instructions=instructions(answer, core_url) if pending else Instructions(kind="none"),
        expires_at=wire.moment(answer.expiry_time),
        occurred_at=wire.moment(_occurred(answer, status)),
        refunds=_refunds(answer, asked, amount.currency),
        chargeback=_chargeback(answer, amount),
        code=_refusal_code(answer) if refused else "",
        words=_refusal_words(answer) if refused else "",
    )


def _matching(answer: Answer, asked: Asked) -> str:
    if not (answer.order_id and answer.transaction_id):
        raise Unusable("answer_incomplete", "order_id or transaction_id is missing")
    if answer.order_id != asked.order_id:
        raise Unusable("answer_for_another_order", answer.order_id)
    return answer.transaction_id


def _word(answer: Answer) -> str:
    return (answer.transaction_status or "").lower()


def _chargeback(answer: Answer, amount: Money) -> Money | None:
    """How much of a part was taken is not told in any documented field: a person has to find out."""
    if _word(answer) == "partial_chargeback":
        raise Unusable("chargeback_amount_untold")
    return amount if _word(answer) == "chargeback" else None


def _occurred(answer: Answer, status: ChargeStatus) -> str | None:
    """When it ended is told of settlements only; `transaction_time` is when it began."""
    if status in (ChargeStatus.SETTLED, ChargeStatus.CHARGED_BACK):
        return answer.settlement_time or answer.transaction_time
    ended = (ChargeStatus.CANCELLED, ChargeStatus.EXPIRED)
    return None if status in ended else answer.transaction_time


def _refusal_code(answer: Answer) -> str:
    """Screening has no channel code (4.2)."""
    if (answer.fraud_status or "").lower() == "deny":
        return "fraud_suspected"
    return answer.channel_response_code or _word(answer)


def _refusal_words(answer: Answer) -> str:
    text = refusals.channel_text(answer.payment_type, answer.channel_response_code)
    return (text or answer.channel_response_message or answer.words)[:255]


def _refunds(answer: Answer, asked: Asked, currency: str) -> tuple[ObservedRefund, ...]:
    listed = tuple(_refund(entry, currency) for entry in answer.refunds or ())
    if asked.refund is None:
        return listed
    return _with_the_one_asked_for(listed, answer, asked.refund)


def _with_the_one_asked_for(
    listed: tuple[ObservedRefund, ...], answer: Answer, wanted: ObservedRefund
) -> tuple[ObservedRefund, ...]:
    """The answer to a refund names it by our key and lists no others (6). Its amount is ours: the
    answer's own
    `refund_amount` may be the sum of all refunds.
    """
    if _word(answer) not in statuses.REFUNDED:
        raise Unusable("refund_not_confirmed", _word(answer))
    if answer.refund_key not in (None, wanted.refund_id):
        raise Unusable("answer_for_another_refund", answer.refund_key or "")
    if any(refund.refund_id == wanted.refund_id for refund in listed):
        return listed
    gateway_id = answer.refund_chargeback_uuid or answer.refund_chargeback_id or ""
    return (*listed, msgspec.structs.replace(wanted, gateway_id=str(gateway_id)))


def _refund(entry: wire.RefundEntry, currency: str) -> ObservedRefund:
    return ObservedRefund(
        refund_id=entry.refund_key or "",
        amount=wire.money(entry.refund_amount, currency),
        gateway_id=str(entry.refund_chargeback_uuid or entry.refund_chargeback_id or ""),
        confirmed_at=wire.moment(entry.bank_confirmed_at),
    )


def _evidence(answer: Answer, reply: Reply, operation: Operation) -> Evidence:
    said = {name: value for name in SAID if (value := getattr(answer, name))}
    return Evidence(source=operation, digest=digest(reply), said=said)


def digest(reply: Reply) -> str:
    return hashlib.sha256(reply.body).hexdigest()

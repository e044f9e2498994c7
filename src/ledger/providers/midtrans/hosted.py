"""The hosted page (Snap): opening one, closing one. Until the payer chooses a method there is no
transaction.
"""

from datetime import datetime, timedelta
from enum import Enum

from ledger.payments.events import Evidence, Instructions
from ledger.providers.midtrans import requests, verdicts, wire
from ledger.providers.midtrans.answers import Reply, digest, not_done, unknown
from ledger.providers.midtrans.verdicts import Kind, Verdict
from ledger.providers.midtrans.wire import SnapAnswer, Unusable
from ledger.providers.port import (
    DUPLICATE,
    ChargeOrder,
    ChargeStatus,
    Did,
    DidNot,
    Observation,
    Outcome,
)


class Page(Enum):
    CLOSED = "nobody can pay there any more"
    IN_USE = "a transaction has begun"
    UNKNOWN = "not told"


def read_opening(reply: Reply, order: ChargeOrder, now: datetime) -> Outcome:
    """What asking for a page came to (midtrans.md 7.1). Never raises."""
    verdict = verdicts.SNAP_BY_HTTP.get(reply.http) or Verdict(Kind.UNKNOWN, f"http_{reply.http}")
    try:
        answer = _answer(reply)
        if verdict.kind is Kind.DID:
            return Did(_page(answer, reply, order, now))
        return _refusal(verdict, answer)
    except Unusable as unusable:
        return unknown(unusable)


def read_closing(reply: Reply) -> Page:
    """What closing a page came to (midtrans.md 7.3). Never raises."""
    try:
        answer = wire.snap_answer(reply.body)
    except Unusable:
        return Page.UNKNOWN
    if answer.canceled_at and reply.http == 200:
        return Page.CLOSED
    refusals = (verdicts.PAGE_CLOSED, Page.CLOSED), (verdicts.PAGE_IN_USE, Page.IN_USE)
    found = (
        page for phrases, page in refusals if any(phrase in answer.words for phrase in phrases)
    )
    return next(found, Page.UNKNOWN) if reply.http in (400, 404) else Page.UNKNOWN


def _answer(reply: Reply) -> SnapAnswer:
    """Only where a refusal or a success is documented must the body be Snap's."""
    if reply.http in verdicts.BY_HTTP or reply.http not in verdicts.SNAP_BY_HTTP:
        return SnapAnswer()
    return wire.snap_answer(reply.body)


def _refusal(verdict: Verdict, answer: SnapAnswer) -> Outcome:
    taken = any(phrase in answer.words for phrase in verdicts.SNAP_TAKEN)
    if verdict.code == "request_invalid" and taken:
        return DidNot(code=DUPLICATE, words=answer.words)
    return not_done(verdict, answer.words)


def _page(answer: SnapAnswer, reply: Reply, order: ChargeOrder, now: datetime) -> Observation:
    """The answer repeats neither order nor amount nor expiry, so what we asked for stands in."""
    if not (answer.token and answer.redirect_url):
        raise Unusable("answer_incomplete", "token or redirect_url is missing")
    return Observation(
        order_id=order.order_id,
        transaction_id="",
        status=ChargeStatus.PENDING,
        amount=order.amount,
        evidence=Evidence(source="charge", digest=digest(reply)),
        instructions=Instructions(
            kind="redirect", redirect_url=answer.redirect_url, session_token=answer.token
        ),
        expires_at=now + timedelta(minutes=requests.page_minutes(order)),
    )

"""From what callers send about a subscription to a command, with all that has to be looked up for it."""

from datetime import datetime
from typing import NamedTuple

from api import offers
from api.offers import begins
from api.quotes import Quote, QuoteInvalid, fingerprint
from api.subscription_bodies import (
    ChangeBody,
    EndBody,
    PauseBody,
    ReactivateBody,
    SubscriptionBody,
)
from api.wiring import Wiring
from ledger import clock
from ledger.errors import Rejected
from ledger.subscriptions import commands as c
from ledger.subscriptions.deciding import QuoteStale
from ledger.subscriptions.following import Steps
from ledger.subscriptions.life import Status
from ledger.subscriptions.subscription import Subscription


class ChangeOneThing(Rejected):
    code = "change_one_thing"
    title = "What is sold and how it is paid are changed by two requests; only the first is quoted."


class Asked(NamedTuple):
    """`besides` goes into the same append."""

    command: c.SubscriptionCommand
    besides: Steps = ()


async def create(wired: Wiring, subscription_id: str, body: SubscriptionBody) -> Asked:
    now = clock.now()
    sold, besides = await offers.offer(wired, subscription_id, body, now)
    paying = await offers.paying(
        wired, body.customer_id, body.payment_method, body.fallback_methods
    )
    command = c.CreateSubscription(
        now=now,
        subscription_id=subscription_id,
        customer_id=body.customer_id,
        sold=sold,
        paying=paying,
        zone=body.zone,
        anchor_day=body.billing_day,
        metadata=body.metadata,
    )
    return Asked(command, besides)


async def update(wired: Wiring, s: Subscription, body: ChangeBody) -> Asked:
    """With the state in mind that was read: of two that race, the second is refused."""
    if not body.changes_paying:
        return await change(wired, s, body)
    if body.changes_what_is_sold:
        raise ChangeOneThing()
    paying = await offers.changed_paying(wired, s, body.payment_method, body.fallback_methods)
    return Asked(c.ChangePaying(now=clock.now(), paying=paying, facts=s.facts))


async def change(wired: Wiring, s: Subscription, body: ChangeBody) -> Asked:
    """As of now, or as of the quote. Raises QuoteInvalid, QuoteExpired and QuoteStale besides."""
    now = clock.now()
    quote = _quote(wired, s, body, now)
    as_of = quote.quoted_at if quote else now
    sold, besides = await offers.changed_offer(wired, s, body, now)
    if quote and quote.sold != fingerprint(sold):
        raise QuoteStale()
    at = body.effective_date
    command = c.ChangeSubscription(
        now=now,
        sold=sold,
        mode=body.proration,
        at=begins(at, s.schedule.zone, as_of) if at else None,
        quoted_at=quote.quoted_at if quote else None,
        facts=quote.facts if quote else s.facts,
        quote_id=body.quote_id or "",
    )
    return Asked(command, besides)


def _quote(wired: Wiring, s: Subscription, body: ChangeBody, now: datetime) -> Quote | None:
    if body.quote_id is None:
        return None
    quote = wired.quotes.read(s.subscription_id, body.quote_id, now)
    if quote.asked != wanted(body):
        raise QuoteInvalid()
    return quote


def wanted(body: ChangeBody) -> str:
    """Fingerprint of all that is asked for, but the quote."""
    return fingerprint(body.model_dump(mode="json", exclude={"quote_id"}))


async def end(s: Subscription, body: EndBody) -> Asked:
    now, asked = clock.now(), body.effective_date
    at = None if asked == "period_end" else now
    if not isinstance(asked, str):
        at = begins(asked, s.schedule.zone, now)
    command = c.CancelSubscription(now=now, at=at, reason=body.reason, with_credit=body.credit)
    return Asked(command)


async def pause(s: Subscription, body: PauseBody) -> Asked:
    now = clock.now()
    at = begins(body.resume_at, s.schedule.zone, now) if body.resume_at else None
    return Asked(c.PauseSubscription(now=now, reason=body.reason, resume_at=at))


async def resume(_: Subscription) -> Asked:
    return Asked(c.ResumeSubscription(now=clock.now()))


async def reactivate(wired: Wiring, s: Subscription, body: ReactivateBody) -> Asked:
    """What goes on goes on as it was paid; that is changed by a request of its own."""
    asked, fallback = body.payment_method, body.fallback_methods
    if asked is None and fallback is None:
        return Asked(c.ReactivateSubscription(now=clock.now()))
    if s.status is Status.CANCELLING:
        raise ChangeOneThing("It goes on as it was; change how it is paid by another request.")
    paying = await offers.changed_paying(wired, s, asked, fallback)
    return Asked(c.ReactivateSubscription(now=clock.now(), paying=paying))


async def withdraw_change(_: Subscription) -> Asked:
    return Asked(c.WithdrawChange(now=clock.now(), why="asked"))


async def bill_missed(_: Subscription) -> Asked:
    return Asked(c.BillMissed(now=clock.now()))

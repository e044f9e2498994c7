"""How long until the same thing is looked at again. A ladder's last rung repeats."""

from datetime import datetime, timedelta
from typing import Final

from api.claims import Claimed
from ledger.payments.life import Status
from ledger.payments.payment import Payment
from ledger.payments.service import Inquired
from ledger.settings import Settings

Ladder = tuple[timedelta, ...]


def ladder(*seconds: int) -> Ladder:
    return tuple(timedelta(seconds=s) for s in seconds)


def rung(ladder: Ladder, tries: int, longest: timedelta = timedelta.max) -> timedelta:
    """After so many tries, the last one included."""
    return min(ladder[min(tries, len(ladder)) - 1], longest)


# By what the payment is waiting for (reliability.md 4.2, 4.3).
LADDERS: Final = {
    Status.UNKNOWN: ladder(5, 15, 45, 120, 300, 900, 3600),
    Status.PENDING: ladder(60, 300, 1800, 7200, 21600),
}
# Whatever state it is in: the gateway gave no answer, or a cancel or capture has not been carried out.
IN_DOUBT: Final = LADDERS[Status.UNKNOWN]
BY_KIND: Final = {"watch": ladder(3600, 21600, 86400)}
OTHERWISE: Final = ladder(5, 30, 120, 600, 3600, 21600)


def at_payment(work: Claimed, done: Inquired, now: datetime, settings: Settings) -> datetime:
    payment = done.payment
    in_doubt = not done.answered or payment.cancel_asked or payment.capture_asked
    asked_every = timedelta(seconds=settings.asked_every_seconds)
    longest = timedelta.max if work.kind in BY_KIND else asked_every
    moment = now + rung(IN_DOUBT if in_doubt else _ladder_of(work, payment), work.tries, longest)
    expires_at = payment.attempt.expires_at
    if payment.status is Status.UNKNOWN and payment.attempt.sent_at:
        # What the gateway never saw may be sent again from then on, and a card's token is short-lived.
        lost = timedelta(seconds=settings.lost_after_seconds)
        may_be_sent_at = payment.attempt.sent_at + lost
        return min(moment, may_be_sent_at) if may_be_sent_at > now else moment
    if payment.status is Status.PENDING and expires_at and expires_at > now:
        return min(moment, expires_at + timedelta(seconds=2))
    return moment


def _ladder_of(work: Claimed, payment: Payment) -> Ladder:
    return BY_KIND.get(work.kind) or LADDERS.get(payment.status, OTHERWISE)

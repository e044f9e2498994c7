"""Quotes: what a change to a subscription would cost, promised for a quarter of an hour and not stored.

A quote id names the subscription, how much had happened to it, the moment of the preview, and what
was asked; the change made with it is decided as of then.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from api.signed import NotGivenOut, Signed
from ledger.errors import Conflict, Rejected

GOOD_FOR: Final = timedelta(minutes=15)
BEGINS: Final = "quote_"


class QuoteInvalid(Rejected):
    code = "quote_invalid"
    title = "This quote was not given out for this change of this subscription."


class QuoteExpired(Conflict):
    code = "quote_expired"
    title = "A quote is good for 15 minutes; ask for a new preview."


class Quote(NamedTuple):
    facts: int  # of the subscription, so far
    quoted_at: datetime
    asked: str  # `fingerprint` of what was asked
    sold: str  # and of what it means: a new version of the plan is another offer

    @property
    def expires_at(self) -> datetime:
        return self.quoted_at + GOOD_FOR


class Quotes:
    def __init__(self, key: bytes) -> None:
        self._signed = Signed(key, "quote")

    def write(self, subscription_id: str, quote: Quote) -> str:
        return BEGINS + self._signed.write(subscription_id, quote)

    def read(self, subscription_id: str, quote_id: str, now: datetime) -> Quote:
        """Raises QuoteInvalid, QuoteExpired."""
        if not quote_id.startswith(BEGINS):
            raise QuoteInvalid()
        try:
            quote = self._signed.read(subscription_id, quote_id.removeprefix(BEGINS), Quote)
        except NotGivenOut:
            raise QuoteInvalid() from None
        if now >= quote.expires_at:
            raise QuoteExpired()
        return quote


def fingerprint(of: Any) -> str:
    """Equal for equal values, whatever the order in which their members were written."""
    return hashlib.sha256(msgspec.json.encode(of, order="deterministic")).hexdigest()[:32]

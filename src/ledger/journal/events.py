"""Journal entries as facts. They stand in the log directly after the fact that moved the money."""

from datetime import date

import msgspec

from ledger.events import DomainEvent
from ledger.money import Money


class Leg(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One side of an entry: debit positive, credit negative."""

    account: str
    amount: Money


class EntryPosted(DomainEvent, topic="journal.entry_posted.v1"):
    """A balanced entry: its legs sum to zero per currency. `effective_on` is a business day in
    Jakarta.
    """

    rule: str  # row of the posting rules, such as "P1"
    words: str
    effective_on: date
    legs: tuple[Leg, ...]
    reverses: str = ""  # rule of the entry that this one takes back


class PeriodClosed(DomainEvent, topic="journal.period_closed.v1"):
    """The books up to and including `until` are final: an entry behind this in the log that is effective
    by then counts for the first open day instead.
    """

    period: str  # a month, as 2026-11
    until: date
    by: str
    reason: str

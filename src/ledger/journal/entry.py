"""Building an entry: accounts of the chart, no empty legs, balanced; and its exact reverse."""

from collections.abc import Iterable
from datetime import datetime

from ledger.clock import business_date
from ledger.errors import LedgerError
from ledger.journal import chart
from ledger.journal.events import EntryPosted, Leg
from ledger.money import Money


class UnbalancedEntry(LedgerError):
    """Never the caller's fault: a posting rule or a fact is wrong, and nothing may be appended."""

    code = "unbalanced_entry"
    title = "A journal entry does not balance."


def debit(account: str, amount: Money) -> Leg:
    return Leg(account=account, amount=amount)


def credit(account: str, amount: Money) -> Leg:
    return Leg(account=account, amount=-amount)


def entry(
    rule: str, words: str, legs: Iterable[Leg], *, occurred_at: datetime, reverses: str = ""
) -> EntryPosted:
    """Effective on the day of `occurred_at` in Jakarta.

    Raises UnbalancedEntry, AccountUnknown.
    """
    kept = tuple([leg for leg in legs if leg.amount.minor])
    for leg in kept:
        chart.resolve(leg.account)
    _require_balance(rule, kept)
    return EntryPosted(
        rule=rule,
        words=words,
        effective_on=business_date(occurred_at),
        legs=kept,
        reverses=reverses,
        occurred_at=occurred_at,
    )


def reverse(wrong: EntryPosted, *, because: str, occurred_at: datetime) -> EntryPosted:
    """What did not last, taken back leg by leg (books.md P22).

    Effective when it ended, not when it began: the first entry was right on its day, and the tax of
    that month may have been paid over.
    """
    legs = [Leg(account=leg.account, amount=-leg.amount) for leg in wrong.legs]
    return entry("P22", because, legs, occurred_at=occurred_at, reverses=wrong.rule)


def _require_balance(rule: str, legs: tuple[Leg, ...]) -> None:
    if len(legs) < 2:
        raise UnbalancedEntry(f"{rule} has fewer than two legs.", rule=rule, legs=len(legs))
    totals: dict[str, int] = {}
    for leg in legs:
        amount = leg.amount
        totals[amount.currency] = totals.get(amount.currency, 0) + amount.minor
    if any(totals.values()):
        off = {currency: minor for currency, minor in totals.items() if minor}
        raise UnbalancedEntry(f"{rule} does not sum to zero.", rule=rule, off_by_minor=off)

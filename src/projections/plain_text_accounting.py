"""The journal in the words of two programs that keep books in text files, beancount and hledger, so that
they can add it up again.

A transaction is of the entry's business day; when it occurred, when it was recorded, and where it
stands in the log come with it. Accounts and commodities are declared where they are first needed.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from eventsourcing.persistence import MapperDeserialisationError

from ledger.events import Recorded
from ledger.eventstore.log_row import LogRow
from ledger.eventstore.mapping import EventMapper
from ledger.journal.events import EntryPosted, PeriodClosed
from ledger.journal.period import OpenDays
from ledger.money import EXPONENTS, Money
from projections.auditing import broken
from projections.engine.log import StoredRow

OPENED_ON: Final = "2000-01-01"  # before any entry, whatever the order of days in the log
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
NOT_IN_A_LINK: Final = re.compile(r"[^A-Za-z0-9_./-]")
# beancount knows five kinds of accounts; ours of exchange positions are equity.
FOREIGN_ROOTS: Final = {"Exchange": "Equity:Exchange"}

Entry = Recorded[EntryPosted]


class Book:
    """One export: what has been declared so far, and how an entry is written."""

    def __init__(
        self,
        declared: Callable[["Book", str], str],
        commodity: Callable[[str], str],
        written: Callable[["Book", Entry], str],
        after: int,
    ) -> None:
        """Entries up to the position `after` are read, for periods may be closed there, and not written."""
        self._declared, self._commodity, self._written = declared, commodity, written
        self._after, self.days = after, OpenDays()
        self._mapper = EventMapper()
        self._commodities: set[str] = set()
        self.names: dict[str, str] = {}  # by our account
        self._taken: set[str] = set()

    def rows(self, rows: Sequence[LogRow]) -> bytes:
        """Raises LogBroken at an entry that cannot be read."""
        return "".join([part for row in rows for part in self._parts(row)]).encode()

    def name(self, account: str, wanted: str) -> str:
        """Two of our accounts never become one there: the second is numbered."""
        if account not in self.names:
            free, number = wanted, 1
            while free in self._taken:
                number += 1
                free = f"{wanted}-{number}"
            self._taken.add(free)
            self.names[account] = free
        return self.names[account]

    def _parts(self, row: LogRow) -> Iterator[str]:
        if row.topic.startswith("journal.period_closed."):
            closed = self._read(row).event
            assert isinstance(closed, PeriodClosed)
            self.days.close(closed)
        elif row.topic.startswith("journal.entry_posted.") and row.position > self._after:
            yield from self._entry(self._read(row))

    def _entry(self, entry: Entry) -> Iterator[str]:
        for leg in entry.event.legs:
            if leg.amount.currency not in self._commodities:
                self._commodities.add(leg.amount.currency)
                yield self._commodity(leg.amount.currency)
            if leg.account not in self.names:
                yield self._declared(self, leg.account)
        yield self._written(self, entry)

    def _read(self, row: LogRow) -> Recorded[Any]:
        key = (row.stream, row.version, row.topic, row.state, row.position)
        try:
            return self._mapper.decode(*key)
        except MapperDeserialisationError as error:
            raise broken("readable", "the entry cannot be read", StoredRow(*row[:6])) from error


# ── beancount ─────────────────────────────────────────────────────────────────────────────────────────────────

BEANCOUNT_HEAD: Final = b'option "title" "Bukubesar"\n'


def beancount(after: int = 0) -> Book:
    return Book(_opened, _beancount_commodity, _beancount, after)


def beancount_name(account: str) -> str:
    """Parts begin with a capital or a digit and have no underscore there."""
    root, *parts = account.split(":")
    told = [part[:1].upper() + part[1:].replace("_", "-") for part in parts]
    return ":".join([FOREIGN_ROOTS.get(root, root), *told])


def _opened(book: Book, account: str) -> str:
    name = book.name(account, beancount_name(account))
    return f'\n{OPENED_ON} open {name}\n  account: "{account}"\n'


def _beancount_commodity(currency: str) -> str:
    return f"\n{OPENED_ON} commodity {currency}\n"


def _beancount(book: Book, entry: Entry) -> str:
    event = entry.event
    links = " ".join(
        f"^{NOT_IN_A_LINK.sub('-', link)}" for link in (entry.stream, _entry_id(entry))
    )
    lines = [
        f"\n{book.days.day(event.effective_on)} * {_quoted(event.rule)} {_quoted(event.words)} {links}",
        *(f"  {name}: {_quoted(value)}" for name, value in _told(book, entry)),
        f"  position: {entry.position}",
        *(f"  {book.names[leg.account]}  {_amount(leg.amount)}" for leg in event.legs),
    ]
    return "\n".join(lines) + "\n"


def _quoted(words: str) -> str:
    escaped = CONTROL.sub(" ", words).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# ── hledger ───────────────────────────────────────────────────────────────────────────────────────────────────

HLEDGER_HEAD: Final = b"; Bukubesar\n"


def hledger(after: int = 0) -> Book:
    return Book(_declared, _hledger_commodity, _hledger, after)


def _declared(book: Book, account: str) -> str:
    return f"\naccount {book.name(account, account)}\n"


def _hledger_commodity(currency: str) -> str:
    return f"\ncommodity 1000.{'0' * EXPONENTS.get(currency, 0)} {currency}\n"


def _hledger(book: Book, entry: Entry) -> str:
    event = entry.event
    words = CONTROL.sub(" ", event.words).replace(";", ",").replace("|", "/")
    lines = [
        f"\n{book.days.day(event.effective_on)} * ({_entry_id(entry)}) {words}",
        *(f"    ; {name}: {CONTROL.sub(' ', value)}" for name, value in _told(book, entry)),
        f"    ; position: {entry.position}",
        *(f"    {book.names[leg.account]}  {_amount(leg.amount)}" for leg in event.legs),
    ]
    return "\n".join(lines) + "\n"


# ── both ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _entry_id(entry: Entry) -> str:
    return f"{entry.stream}/{entry.version}"


def _told(book: Book, entry: Entry) -> Iterator[tuple[str, str]]:
    event = entry.event
    yield "event", _entry_id(entry)
    yield "occurred", event.occurred_at.isoformat()
    yield "recorded", entry.metadata.recorded_at.isoformat()
    yield "rule", event.rule
    if book.days.day(event.effective_on) != event.effective_on:
        yield "original", event.effective_on.isoformat()
    if event.reverses:
        yield "reverses", event.reverses


def _amount(amount: Money) -> str:
    places = EXPONENTS.get(amount.currency, 0)
    if not places:
        return f"{amount.minor} {amount.currency}"
    whole, part = divmod(abs(amount.minor), 10**places)
    return f"{'-' if amount.minor < 0 else ''}{whole}.{part:0{places}} {amount.currency}"

"""What the log says, folded in memory as it passes: the states of its streams by the deciders that made
them, and the sums of its entries. No read model is asked.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from ledger.access.api_key import API_KEY
from ledger.bills.bill import Bill
from ledger.bills.deciding import BILL
from ledger.coupons import terms as coupons
from ledger.coupons.coupon import COUPON
from ledger.customers import customer as customers
from ledger.decider import Decider
from ledger.eventstore.log_row import LogRow
from ledger.eventstore.mapping import EventMapper
from ledger.identity import BILL as BILL_PREFIX
from ledger.identity import KEY, SUBSCRIPTION
from ledger.identity import PAYMENT as PAYMENT_PREFIX
from ledger.journal import period
from ledger.payments.deciding import PAYMENT
from ledger.payments.payment import Payment
from ledger.plans import terms as plans
from ledger.plans.plan import PLAN
from ledger.subscriptions.deciding import SUBSCRIPTION as SUBSCRIPTION_DECIDER
from ledger.subscriptions.subscription import Subscription
from projections.auditing import Finding, read
from projections.engine.log import StoredRow
from projections.log_checks import ENTRIES, Chain, Check, Entries, Positions, Versions
from projections.log_sources import LogSource
from projections.steps import Progress


def _none(state: object) -> str:
    return ""


def _public_status(payment: Payment) -> str:
    return payment.public_status


def _status(state: Subscription | Bill) -> str:
    return state.status.value


class Kind(NamedTuple):
    name: str
    begins: str  # the id of a stream of this kind
    decider: Decider[Any, Any]
    status: Callable[[Any], str] = _none  # the word for callers; empty for what has none


KINDS: Final = (
    Kind("payment", f"{PAYMENT_PREFIX}_", PAYMENT, _public_status),
    Kind("subscription", f"{SUBSCRIPTION}_", SUBSCRIPTION_DECIDER, _status),
    Kind("bill", f"{BILL_PREFIX}_", BILL, _status),
    Kind("customer", customers.STREAM, customers.CUSTOMER),
    Kind("plan", plans.STREAM, PLAN),
    Kind("coupon", coupons.STREAM, COUPON),
    Kind("key", f"{KEY}_", API_KEY),
    Kind("period", period.STREAM, period.PERIOD),
)


def kind_of(stream: str) -> Kind | None:
    return next((kind for kind in KINDS if stream.startswith(kind.begins)), None)


def has_status(stream: str) -> bool:
    kind = kind_of(stream)
    return kind is not None and kind.status is not _none


class States:
    """Of the streams that `follows` names."""

    def __init__(self, follows: Callable[[str], bool]) -> None:
        self._follows = follows
        self._mapper = EventMapper()
        self.by_stream: dict[str, Any] = {}

    def page(self, rows: Sequence[LogRow]) -> None:
        """Raises LogBroken at an event that cannot be read."""
        states = self.by_stream
        for row in rows:
            if self._follows(row.stream) and (kind := kind_of(row.stream)):
                event = read(self._mapper, StoredRow(*row[:6])).event
                before = states.get(row.stream, kind.decider.initial)
                states[row.stream] = kind.decider.evolve(before, event)

    def status(self, stream: str) -> str:
        """Empty when it is not there, or has none."""
        kind = kind_of(stream)
        return kind.status(self.by_stream[stream]) if kind and stream in self.by_stream else ""

    def counted(self) -> dict[str, dict[str, int]]:
        """By kind and status."""
        found: dict[str, Counter[str]] = {}
        for stream in self.by_stream:
            if (kind := kind_of(stream)) and (status := self.status(stream)):
                found.setdefault(kind.name, Counter())[status] += 1
        return {name: dict(sorted(found[name].items())) for name in sorted(found)}


class _Amount(msgspec.Struct, gc=False):
    minor: int
    currency: str


class _Leg(msgspec.Struct, gc=False):
    account: str
    amount: _Amount


class _Entry(msgspec.Struct, gc=False):
    legs: list[_Leg]


class _Stored(msgspec.Struct, gc=False):
    d: _Entry


class Sums:
    """What accounts hold, in minor units: debit positive, credit negative."""

    def __init__(self) -> None:
        self.minor: Counter[tuple[str, str]] = Counter()  # by account and currency
        self.postings: Counter[tuple[str, str]] = Counter()
        self._decode = msgspec.json.Decoder(_Stored).decode

    def page(self, rows: Sequence[LogRow]) -> None:
        """Entries must have been checked (log_checks.Entries)."""
        for row in rows:
            if row.topic.startswith(ENTRIES):
                for leg in self._decode(row.state).d.legs:
                    key = (leg.account, leg.amount.currency)
                    self.minor[key] += leg.amount.minor
                    self.postings[key] += 1


class Pass:
    """Once over the log, from its first event: each page is checked and then shown to who folds."""

    def __init__(self, log: LogSource, progress: Progress) -> None:
        self._log, self._progress = log, progress
        self._checks: Sequence[Check] = (Positions(), Chain(), Versions(), Entries())
        self.events = 0

    def over(
        self, until: int, show: Collection[Callable[[Sequence[LogRow]], None]]
    ) -> Finding | None:
        """From where it is. The first row that is wrong; its page and what follows is shown to nobody.
        Raises LogBroken as those do to whom pages are shown.
        """
        for rows in self._log.rows(self.events, until):
            found = [finding for check in self._checks if (finding := check.page(rows))]
            if found:
                return min(found, key=lambda finding: finding.position)
            for page in show:
                page(rows)
            self.events += len(rows)
            self._progress("reading", self.events, until)
        if self.events < until:
            words = f"the log ends at {self.events}"
            return Finding(rule="positions", words=words, position=self.events + 1)
        return None

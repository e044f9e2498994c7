"""Explanations as they are asked for: what has to be read for them, and how to go on from each part.

A balance is explained as known at a position, a state as it stood at one; whoever goes on names that
position again, so that all pages are of the same moment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from api.kept_beside import kept_beside
from api.past import Past
from api.wiring import Wiring
from ledger.errors import NotFound
from ledger.eventstore.past import Point
from ledger.journal import chart
from ledger.money import currency
from ledger.payments.payment import PaymentNotFound
from ledger.subscriptions.subscription import SubscriptionNotFound
from projections.explaining import accounts, revenue, states
from projections.explaining.tree import DEFAULT_SIZE, Node
from projections.freshness import freshness
from projections.points import known_by
from projections.recurring_revenue import Kind

PATH: Final = "/api/v1/explain"
COMMAND: Final = "bukubesar explain"
CURRENCY: Final = "IDR"


class Further(NamedTuple):
    """How to go on, over HTTP and at the terminal."""

    link: str
    command: str


@dataclass(frozen=True)
class Explained:
    """`position` is what all of it is of: of the log for balances and states, of the read models for
    recurring revenue.
    """

    tree: Node
    position: int
    further: Callable[[Node], Further | None]


@dataclass(frozen=True, kw_only=True)
class AskedOfAccount:
    account: str
    currency: str = CURRENCY
    effective_on: date | None = None
    point: Point | None = None
    month: date | None = None
    day: date | None = None
    cursor: str | None = None
    size: int

    def listing(self, month: str, day: str) -> str:
        return f"explain {self.account} {self.currency} {self.effective_on} {month} {day}"


async def balance(wired: Wiring, asked: AskedOfAccount) -> Explained:
    """Raises AccountUnknown, CurrencyUnknown, PositionNotReached, ReadModelsBehind, CursorInvalid,
    ExplanationBroken.
    """
    chart.resolve(asked.account)
    currency(asked.currency)
    month, day = _month(asked.month), str(asked.day or "")
    after = _place(wired, asked.listing(month, day), asked.cursor, tuple[int, int])
    async with wired.readers.connection() as conn:
        # Also without a point: it is to be one that can be named again.
        known_at = await known_by(conn, asked.point or (await freshness(conn))["money"] or None)
        question = accounts.Question(
            account=asked.account,
            currency=asked.currency,
            known_at=known_at,
            effective_on=asked.effective_on,
            month=asked.month,
            day=asked.day,
            after=after,
            size=asked.size,
        )
        found = await accounts.read(conn, question)
    tree = accounts.tree(question, found, await kept_beside(wired, found.story))

    def further(node: Node) -> Further | None:
        if not node.further:
            return None
        month, day = node.further.get("month", ""), node.further.get("day", "")
        listing = asked.listing(month, day)
        wanted = {
            "currency": _unless(CURRENCY, asked.currency),
            "effectiveOn": asked.effective_on,
            "month": month,
        }
        wanted |= {"day": day, "knownAt": known_at, "cursor": _cursor(wired, listing, node)}
        wanted |= {"pageSize": _unless(DEFAULT_SIZE, asked.size)}
        return _further(f"accounts/{asked.account}", f"balance {asked.account}", wanted)

    return Explained(tree, known_at, further)


async def payment(
    wired: Wiring, payment_id: str, point: Point | None, cursor: str | None, size: int
) -> Explained:
    """Raises PaymentNotFound, PositionNotReached, CursorInvalid, ExplanationBroken."""
    missing = PaymentNotFound(payment_id=payment_id)
    return await _state(wired, states.PAYMENT, payment_id, missing, point, cursor, size)


async def subscription(
    wired: Wiring, subscription_id: str, point: Point | None, cursor: str | None, size: int
) -> Explained:
    """Raises SubscriptionNotFound, PositionNotReached, CursorInvalid, ExplanationBroken."""
    missing = SubscriptionNotFound(subscription_id=subscription_id)
    subject = states.SUBSCRIPTION_STATE
    return await _state(wired, subject, subscription_id, missing, point, cursor, size)


async def _state(
    wired: Wiring,
    subject: states.Subject,
    stream: str,
    missing: NotFound,
    point: Point | None,
    cursor: str | None,
    size: int,
) -> Explained:
    listing = f"explain {stream}"
    place = _place(wired, listing, cursor, tuple[int])
    store = wired.store if point is None else (await Past.at(wired, point)).store
    loaded = await store.load(subject.decider, stream)
    if not loaded.version:
        raise missing
    history = (await store.history(stream))[: loaded.version]
    told, after = subject.state(loaded.state), place[0] if place else None
    asked = states.Question(subject=subject, stream=stream, told=told, after=after, size=size)
    async with wired.readers.connection() as conn:
        found = await states.read(conn, asked, history)
    tree = states.tree(asked, found, history, await kept_beside(wired, found.story, [stream]))
    position = history[-1].position

    def further(node: Node) -> Further | None:
        if not node.further:
            return None
        wanted = {
            "asOf": position,
            "cursor": _cursor(wired, listing, node),
            "pageSize": _unless(DEFAULT_SIZE, size),
        }
        return _further(f"{subject.kind}s/{stream}", f"{subject.kind} {stream}", wanted)

    return Explained(tree, position, further)


async def recurring(
    wired: Wiring, month: date, kind: Kind | None, cursor: str | None, size: int
) -> Explained:
    """Raises CursorInvalid, ExplanationBroken."""
    after = _place(wired, _movements(_month(month), kind), cursor, tuple[datetime, int, str])
    question = revenue.Question(month=month, currency=CURRENCY, kind=kind, after=after, size=size)
    async with wired.readers.connection() as conn:
        position = (await freshness(conn))["views"]
        found = await revenue.read(conn, question)
    tree = revenue.tree(question, found, await kept_beside(wired, found.story))

    def further(node: Node) -> Further | None:
        if not node.further:
            return None
        named, kind = node.further.get("month", _month(month)), node.further.get("kind")
        wanted = {"kind": kind, "cursor": _cursor(wired, _movements(named, kind), node)}
        wanted |= {"pageSize": _unless(DEFAULT_SIZE, size)}
        return _further(f"recurring/{named}", f"recurring {named}", wanted)

    return Explained(tree, position, further)


def _movements(month: str, kind: str | None) -> str:
    return f"explain recurring {month} {kind}"


def _month(month: date | None) -> str:
    return f"{month:%Y-%m}" if month else ""


def _place(wired: Wiring, listing: str, cursor: str | None, shape: Any) -> Any:
    return wired.cursors.read(listing, cursor, shape) if cursor else None


def _cursor(wired: Wiring, listing: str, node: Node) -> str | None:
    place = node.further.get("place")
    return wired.cursors.write(listing, place) if place else None


def _further(path: str, command: str, wanted: dict[str, Any]) -> Further:
    given = {name: str(value) for name, value in wanted.items() if value}
    options = "".join(f" --{_option(name)} {value}" for name, value in given.items())
    return Further(f"{PATH}/{path}?{urlencode(given)}", f"{COMMAND} {command}{options}")


def _unless(default: Any, value: Any) -> Any:
    return None if value == default else value


def _option(parameter: str) -> str:
    """As typer spells it: `knownAt` is `--known-at`."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in parameter)

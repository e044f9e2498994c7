"""The tree of an explanation, and the check that its parts come to what they explain."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final, Literal

import msgspec

from ledger.errors import LedgerError

# fmt: off
Kind = Literal[
    "balance", "month", "day", "posting",
    "payment", "subscription", "step", "steps",
    "recurring", "movements", "movement", "before",
    "rest", "event", "entry", "beside", "command", "answer", "notice", "notices",
]
# fmt: on

DEFAULT_SIZE: Final = 20  # postings, movements or steps a page
LARGEST_SIZE: Final = 100

ADDED_UP: Final = frozenset({"balance", "month", "day", "recurring", "movements"})
STEPS: Final = frozenset({"payment", "subscription"})


class ExplanationBroken(LedgerError):
    code = "explanation_broken"
    title = "The parts do not come to what they should explain; the log and the read models have to be verified."


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of an entry: debit positive, credit negative."""

    entry_id: str
    position: int
    leg: int
    account: str
    rule: str
    words: str
    effective_on: date
    original_on: date | None  # the day that it names, where that was closed


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    subscription_id: str
    customer_id: str
    plan_id: str
    kind: str
    level: int  # what the subscription counts for from then on
    takes_effect_at: datetime


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it stands in the log; `hash` is hexadecimal. `event` has marks for what is sealed, and is
    None where only its place is told.
    """

    stream: str
    version: int
    position: int
    topic: str
    occurred_at: datetime
    hash: str
    event: Any = None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Who had it recorded, when and why. `request_id` is that of the HTTP request, empty for work that was
    due.
    """

    command_id: str
    actor: str
    reason: str
    request_id: str
    causation_id: str
    recorded_at: datetime


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway answered: SHA-256 of the raw bytes, and the words that name no person. `body` is the
    raw text; None once it is not kept any more.
    """

    source: str
    digest: str
    said: dict[str, str]
    body: str | None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway sent unasked. `body` is the raw text; None once its key is gone. The digest is the
    SHA-256 of its bytes.
    """

    digest: str
    order_id: str
    said: str
    received_at: datetime
    done_at: datetime | None
    outcome: str
    body: str | None


class Node(msgspec.Struct, kw_only=True):
    """`count`: how many postings, movements or steps it stands for. `further`: what to ask in order to see
    more of it, by name of the parameter; a place in a list under "place".
    """

    kind: Kind
    words: str
    amount: int | None = None
    currency: str = ""
    count: int = 1
    before: str = ""
    after: str = ""
    posting: Posting | None = None
    movement: Movement | None = None
    fact: Fact | None = None
    command: Command | None = None
    answer: Answer | None = None
    notice: Notice | None = None
    further: dict[str, Any] = {}
    parts: list["Node"] = []


def nodes(node: Node) -> Iterator[Node]:
    """It and all below it, each before its parts."""
    yield node
    for part in node.parts:
        yield from nodes(part)


def checked(tree: Node) -> Node:
    """The same tree. Raises ExplanationBroken."""
    for node in nodes(tree):
        if node.kind in ADDED_UP:
            _check_sum(node)
        elif node.kind in STEPS:
            _check_steps(node)
        elif node.kind == "entry":
            _check_entry(node)
    return tree


def _check_sum(node: Node) -> None:
    if node.further and not node.parts:
        return  # its parts are asked for, and checked, when somebody goes on
    added_up = sum(part.amount or 0 for part in node.parts)
    require(added_up == node.amount, node.words, explained=node.amount, parts=added_up)
    currencies = {part.currency for part in node.parts}
    require(currencies <= {node.currency}, node.words, currencies=sorted(currencies))
    if node.kind != "recurring":  # whose parts are counted each in their own list
        counted = sum(part.count for part in node.parts)
        require(counted == node.count, node.words, explained_count=node.count, parts_count=counted)


def _check_steps(node: Node) -> None:
    """Newest first, each from where the next one ends."""
    steps = [part for part in node.parts if part.after]
    require(bool(steps), node.words, explained_state=node.after, steps=0)
    state = node.after
    for step in steps:
        require(step.after == state, node.words, explained_state=state, step_state=step.after)
        state = step.before


def _check_entry(node: Node) -> None:
    sums: Counter[str] = Counter()
    for part in node.parts:
        sums[part.currency] += part.amount or 0
    require(not any(sums.values()), node.words, unbalanced=dict(sums))


def require(holds: bool, words: str, **context: Any) -> None:
    """Raises ExplanationBroken."""
    if not holds:
        raise ExplanationBroken(f"{ExplanationBroken.title} ({words})", **context)

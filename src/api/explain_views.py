"""The shape of an explanation over HTTP: a tree of parts, which come to what they explain."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, Self

from pydantic import ConfigDict, Field

from api.explaining import Explained, Further
from api.views import View
from projections.explaining.tree import Node


class Part(View):
    model_config = ConfigDict(**View.model_config, from_attributes=True)


class PostingPart(Part):
    """One leg of an entry. `originalOn` is the day that it names, where that was closed."""

    entry_id: str
    position: int
    leg: int
    account: str
    rule: str
    words: str
    effective_on: date
    original_on: date | None


class MovementPart(Part):
    """`level` is what the subscription counts for from then on."""

    subscription_id: str
    customer_id: str
    plan_id: str
    kind: str
    level: int
    takes_effect_at: datetime


class FactPart(Part):
    """Where an event stands in the log, and under `event` what it says. What is sealed in it is
    `{"sealed": true}`, and `{"erased": true}` once its key is gone. `hash` is its link of the chain.
    """

    stream: str
    version: int
    position: int
    topic: str
    occurred_at: datetime
    hash: str
    event: Any | None


class CommandPart(Part):
    """Who had it recorded, when and why; `requestId` is that of the HTTP request."""

    command_id: str
    actor: str
    reason: str
    request_id: str
    causation_id: str
    recorded_at: datetime


class AnswerPart(Part):
    """What the gateway answered when it was asked: the SHA-256 of the raw bytes, and its words that name no
    person. `body` is the raw text, the SHA-256 of which is `digest`; it is missing once it is not kept any more.
    """

    source: str
    digest: str
    said: dict[str, str]
    body: str | None = None


class NoticePart(Part):
    """What the gateway sent: `body` is the raw text, the SHA-256 of which is `digest`; it is missing once its
    key is gone.
    """

    digest: str
    order_id: str
    said: str
    received_at: datetime
    done_at: datetime | None
    outcome: str
    body: str | None
    erased: bool = False


class ExplainedPart(View):
    """`kind` says which of the other fields are there.

    A part with an `amount` and with parts that have one is their sum. One that has none, and a `more`, stands
    for `count` postings, movements or steps that are told there. Steps lead from the state `before` to the
    state `after`, the newest first.
    """

    kind: str = Field(
        description="balance, month, day, posting; payment, subscription, step, steps; recurring, movements,"
        " movement, before; rest; event, entry, beside (appended together with it), command, answer, notice,"
        " notices."
    )
    words: str
    amount: int | None = None
    currency: str | None = None
    count: int = 1
    before: str | None = None
    after: str | None = None
    posting: PostingPart | None = None
    movement: MovementPart | None = None
    fact: FactPart | None = None
    command: CommandPart | None = None
    answer: AnswerPart | None = None
    notice: NoticePart | None = None
    more: str | None = None
    parts: list["ExplainedPart"] = []

    @classmethod
    def of(cls, node: Node, further: Callable[[Node], Further | None]) -> Self:
        going_on = further(node)
        return cls(
            kind=node.kind,
            words=node.words,
            amount=node.amount,
            currency=node.currency or None,
            count=node.count,
            before=node.before or None,
            after=node.after or None,
            **{name: _part(name, node) for name in PARTS},
            more=going_on.link if going_on else None,
            parts=[cls.of(part, further) for part in node.parts],
        )


PARTS: Final[dict[str, type[Part]]] = {
    "posting": PostingPart,
    "movement": MovementPart,
    "fact": FactPart,
    "command": CommandPart,
    "answer": AnswerPart,
    "notice": NoticePart,
}


def _part(name: str, node: Node) -> Any:
    found = getattr(node, name)
    if found is None:
        return None
    part = PARTS[name].model_validate(found)
    return (
        part.model_copy(update={"erased": part.body is None})
        if isinstance(part, NoticePart)
        else part
    )


class ExplanationView(View):
    """`position` is what all of it is of. Whoever follows a `more` gets parts of the same position."""

    position: int
    explanation: ExplainedPart

    @classmethod
    def of(cls, explained: Explained) -> Self:
        tree = ExplainedPart.of(explained.tree, explained.further)
        return cls(position=explained.position, explanation=tree)

"""Why a payment or a subscription is in its state: the events of its stream, each with what it made of the
state before.

A short history is shown whole. Of a long one only what moved the state is, newest first and in pages;
what left it as it was is summed up in between.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec
import psycopg

from ledger.decider import Decider
from ledger.events import DomainEvent, Recorded
from ledger.journal.events import EntryPosted
from ledger.payments.deciding import BOOKED_PAYMENT
from ledger.subscriptions.deciding import SUBSCRIPTION
from projections.explaining import story as stories
from projections.explaining.story import Kept, Place, Story, is_behind
from projections.explaining.tree import Node, checked, require

History = Sequence[Recorded[DomainEvent]]


class Subject(NamedTuple):
    kind: Literal["payment", "subscription"]
    decider: Decider[Any, Any]
    state: Callable[[Any], str]  # as callers are told


PAYMENT: Final = Subject("payment", BOOKED_PAYMENT, lambda one: str(one.public_status))
SUBSCRIPTION_STATE: Final = Subject("subscription", SUBSCRIPTION, lambda one: str(one.status.value))


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`told` is the state to be explained, as it is told elsewhere. `after` is the version before which to
    go on.
    """

    subject: Subject
    stream: str
    told: str
    after: int | None = None
    size: int


class Step(NamedTuple):
    """One fact, or several in a row that left the state as it was."""

    facts: Sequence[Recorded[DomainEvent]]
    before: str
    after: str

    @property
    def moved(self) -> bool:
        return self.before != self.after


class Read(msgspec.Struct, frozen=True, kw_only=True):
    page: Sequence[Step]  # newest first
    rest: Sequence[Step]
    story: Story


async def read(conn: psycopg.AsyncConnection[Any], asked: Question, history: History) -> Read:
    """`history` is the whole stream, up to the state that is explained."""
    steps = _steps(asked, history)
    wanted = [step for step in steps if asked.after is None or step.facts[-1].version < asked.after]
    page, rest = wanted[: asked.size], wanted[asked.size :]
    places = [_place(step) for step in page if len(step.facts) == 1]
    return Read(page=page, rest=rest, story=await stories.read(conn, places))


def _steps(asked: Question, history: History) -> list[Step]:
    """Newest first."""
    single = list(_folded(asked.subject, history))
    require(
        bool(single) and single[-1].after == asked.told,
        asked.stream,
        told=asked.told,
        folded=single[-1].after if single else "",
    )
    return [*reversed(single if len(single) <= asked.size else _summed_up(single))]


def _folded(subject: Subject, history: History) -> Iterator[Step]:
    state = subject.decider.initial
    before = subject.state(state)
    for recorded in history:
        state = subject.decider.evolve(state, recorded.event)
        after = subject.state(state)
        if not isinstance(recorded.event, EntryPosted):
            yield Step((recorded,), before, after)
        else:
            require(after == before, recorded.stream, state=before, after_entry=after)
        before = after


def _summed_up(single: Sequence[Step]) -> list[Step]:
    steps: list[Step] = []
    for step in single:
        last = steps[-1] if steps else None
        if last and not step.moved and not last.moved:
            steps[-1] = last._replace(facts=(*last.facts, *step.facts))
        else:
            steps.append(step)
    return steps


def _place(step: Step) -> Place:
    return Place(step.facts[0].stream, step.facts[0].version)


# ── folding ───────────────────────────────────────────────────────────────────────────────────────────────────


def tree(asked: Question, found: Read, history: History, kept: Kept) -> Node:
    """Raises ExplanationBroken."""
    parts = [_step(step, found.story, kept) for step in found.page]
    if found.rest:
        parts.append(_rest(found))
    if asked.after is None:
        parts += _brought_nothing(asked, history, kept)
    return checked(
        Node(
            kind=asked.subject.kind,
            words=asked.stream + (", the rest" if asked.after else ""),
            after=found.page[0].after if found.page else "",
            count=len(found.page) + len(found.rest),
            parts=parts,
        )
    )


def _step(step: Step, story: Story, kept: Kept) -> Node:
    if len(step.facts) == 1:
        event = stories.event(story, _place(step), kept, with_entries=True)
        return Node(
            kind="step", words=event.words, before=step.before, after=step.after, parts=[event]
        )
    first, last = step.facts[0].version, step.facts[-1].version
    topics = Counter(fact.event.TOPIC for fact in step.facts)
    return Node(
        kind="steps",
        words=", ".join(f"{times} {topic}" for topic, times in sorted(topics.items()))
        + f" (versions {first} to {last})",
        before=step.before,
        after=step.after,
        count=len(step.facts),
    )


def _rest(found: Read) -> Node:
    return Node(
        kind="rest",
        words="steps before these",
        before=found.rest[-1].before,
        after=found.rest[0].after,
        count=len(found.rest),
        further={"place": (found.page[-1].facts[0].version,)},
    )


def _brought_nothing(asked: Question, history: History, kept: Kept) -> list[Node]:
    """Notices that nothing was recorded after; the newest."""
    appends: dict[str, list[Recorded[DomainEvent]]] = {}
    for recorded in history:
        appends.setdefault(recorded.metadata.command_id, []).append(recorded)
    others = [
        notice
        for notice in kept.notices.get(asked.stream, ())
        if not any(is_behind(notice, facts) for facts in appends.values())
    ]
    if not others:
        return []
    shown = [stories.notice(one) for one in others[-asked.size :]]
    return [Node(kind="notices", words="nothing new came of", count=len(others), parts=shown)]

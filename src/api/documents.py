"""Writes what is generated under docs: the schema of every event, OpenAPI, the problems, a
payment's life, the views for reports.

The same code always gives the same bytes, so a test can tell when somebody forgot `make docs`.
"""

import importlib
import json
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

import ledger
from api import problem_docs, reporting_docs, subscription_docs
from api.app import create_app
from ledger.events import PAST_TOPICS, TOPICS, DomainEvent
from ledger.payments.life import REFUND_TRANSITIONS, SENT, TRANSITIONS, RefundStatus, Status
from ledger.settings import Settings

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

SENT_WORD: Final = "sent"  # the three states in which the gateway may know the order

Transition = tuple[tuple[StrEnum, ...], type[DomainEvent], StrEnum | None]

PAYMENTS: Final = """\
# The life of a payment

This file is written by `api/documents.py` from the tables in `src/ledger/payments/life.py`. A fact
may be added to a payment only from the states that its row names; an attempt to add it from any
other is refused with the code `payment_state_forbids`.

What callers of the API see is the same word, with two additions: a settled payment of which money
was given back is `partially_refunded` or `refunded`.

## From request to end

In the picture `sent` stands for `requested`, `dispatched` and `unknown` together: in each of them
the gateway may know the order. Facts that leave the state as it is are in the table only.

{payment_picture}
| fact | topic | from | to |
|---|---|---|---|
{payment_rows}
## Refunds

A payment has any number of refunds; each has this life of its own.

{refund_picture}
| fact | topic | from | to |
|---|---|---|---|
{refund_rows}"""


def write(folder: Path) -> list[Path]:
    """Every generated file, rewritten; a schema whose topic is gone is removed. The paths written."""
    texts = contents()
    for stale in (folder / "events").glob("*.json"):
        if stale.relative_to(folder).as_posix() not in texts:
            stale.unlink()
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def contents() -> dict[str, str]:
    """The text of every generated file, by its path below docs."""
    schemas = {f"events/{topic}.json": _json(schema) for topic, schema in event_schemas().items()}
    return {
        **schemas,
        "openapi.json": _json(create_app(Settings()).openapi()),
        "problems.md": problem_docs.render(),
        "payments.md": payments(),
        "subscriptions.md": subscription_docs.render(),
        "reporting.md": reporting_docs.render(),
    }


def event_schemas() -> dict[str, Mapping[str, Any]]:
    """By topic, of the payload alone: what surrounds it in the log is `ledger.events.Metadata`."""
    for module in pkgutil.walk_packages(ledger.__path__, "ledger."):
        importlib.import_module(module.name)  # a topic is known once its module is imported
    # Tests may define events of their own; those are no part of the log's contract.
    known = {**TOPICS, **PAST_TOPICS}
    ours = {topic: fact for topic, fact in known.items() if fact.__module__.startswith("ledger.")}
    return {topic: _schema(topic, ours[topic]) for topic in sorted(ours)}


def payments() -> str:
    return PAYMENTS.format(
        payment_picture=_picture(TRANSITIONS, begins=Status.NEW),
        payment_rows=_rows(TRANSITIONS, Status),
        refund_picture=_picture(REFUND_TRANSITIONS, begins=None),
        refund_rows=_rows(REFUND_TRANSITIONS, RefundStatus),
    )


def _schema(topic: str, fact: type[DomainEvent]) -> dict[str, Any]:
    past = {"deprecated": True} if topic in PAST_TOPICS else {}
    return {"$schema": DIALECT, "$id": topic, **past, **msgspec.json.schema(fact)}


def _picture(transitions: Iterable[Transition], *, begins: StrEnum | None) -> str:
    """A Mermaid diagram. Facts that lead the same way share an arrow, and so do the states of
    `SENT`.
    """
    arrows: dict[tuple[str, str], list[str]] = (
        {} if begins else {("[*]", "requested"): ["refund_requested"]}
    )
    for sources, fact, to in transitions:
        for start in _starts(sources, begins):
            if to is not None and to.value != start:
                arrows.setdefault((start, to.value), []).append(_word(fact))
    inside = [_arrow(*arrow) for arrow in arrows.items() if _is_inside(arrow[0])]
    outside = [_arrow(*arrow) for arrow in arrows.items() if not _is_inside(arrow[0])]
    group = (
        [f"    state {SENT_WORD} {{", *(f"    {line}" for line in inside), "    }"]
        if begins
        else inside
    )
    return "\n".join(["```mermaid", "stateDiagram-v2", *group, *outside, "```", ""])


def _starts(sources: tuple[StrEnum, ...], begins: StrEnum | None) -> list[str]:
    grouped = begins is not None and set(SENT) <= set(sources)
    names = ["[*]" if source is begins else source.value for source in sources]
    return [SENT_WORD, *(name for name in names if name not in SENT)] if grouped else names


def _is_inside(ends: tuple[str, str]) -> bool:
    return all(end in SENT for end in ends)


def _arrow(ends: tuple[str, str], facts: list[str]) -> str:
    return f"    {ends[0]} --> {ends[1]} : {' or '.join(facts)}"


def _rows(transitions: Iterable[Transition], states: type[StrEnum]) -> str:
    return "".join(_row(fact, _among(sources, states), to) for sources, fact, to in transitions)


def _row(fact: type[DomainEvent], sources: str, to: StrEnum | None) -> str:
    target = f"`{to.value}`" if to else "stays"
    return f"| `{fact.__name__}` | [`{fact.TOPIC}`](events/{fact.TOPIC}.json) | {sources} | {target} |\n"


def _among(sources: Sequence[StrEnum], states: type[StrEnum]) -> str:
    """The states in the order of their life, whatever the order in the table."""
    return ", ".join(f"`{state.value}`" for state in _in_order(sources, states))


def _in_order(sources: Sequence[StrEnum], states: type[StrEnum]) -> Iterator[StrEnum]:
    return (state for state in states if state in sources)


def _word(fact: type[DomainEvent]) -> str:
    """`charge_denied` of `payment.charge_denied.v1`."""
    return fact.TOPIC.split(".")[1]


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"

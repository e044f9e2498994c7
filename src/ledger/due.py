"""What has to be done next on a stream, and when: the words for it. Each area has a table of rules,
from its events to work that begins and work that ends.

Pure and total: `changes` turns a fact into work that is due and work that is done; the read model
`due_work` keeps the result and the worker takes its orders from it. Delays are counted from when
the fact occurred.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from ledger.events import DomainEvent


class Due(NamedTuple):
    """Work to do; `subject` is what of the stream it is about, empty for all of it."""

    kind: str  # one area's word, and no other's: who does it is found by it
    subject: str
    due_at: datetime


class Done(NamedTuple):
    """Work that is no longer to be done; without a subject, that about whatever of the stream."""

    kind: str
    subject: str | None


Change = Due | Done


class Delay(NamedTuple):
    after: timedelta | str  # or the field of the event that says when, or that it is not to be
    why: str


class Rule(NamedTuple):
    """One row; an event may have several."""

    event: type[DomainEvent]
    about: str  # the field of the event that names the subject; empty: the whole stream
    ends: tuple[str, ...] = ()
    begins: str | None = None
    delay: Delay | None = None


Rules = Mapping[type[DomainEvent], Sequence[Rule]]


def by_event(rows: Iterable[Rule]) -> Rules:
    found = defaultdict[type[DomainEvent], list[Rule]](list)
    for row in rows:
        found[row.event].append(row)
    return dict(found)


def changes(rules: Rules, event: DomainEvent) -> Sequence[Change]:
    """First what is done, then what is due."""
    rows = rules.get(type(event), ())
    done = [Done(kind, _subject(row, event)) for row in rows for kind in row.ends]
    return [*done, *[due for row in rows if (due := _due(row, event))]]


def _subject(row: Rule, event: DomainEvent) -> str | None:
    return str(getattr(event, row.about)) if row.about else None


def _due(row: Rule, event: DomainEvent) -> Due | None:
    if row.begins is None or row.delay is None:
        return None
    due_at = _due_at(event, row.delay)
    return Due(row.begins, _subject(row, event) or "", due_at) if due_at else None


def _due_at(event: DomainEvent, delay: Delay) -> datetime | None:
    if isinstance(delay.after, str):
        said: datetime | None = getattr(event, delay.after)
        return said
    return event.occurred_at + delay.after

"""Events as the log has them, each with what was appended together with it: the command behind it, what
the gateway had said, and the notices that were waiting.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import psycopg

from ledger.events import DomainEvent, Recorded
from ledger.eventstore.mapping import EventMapper
from ledger.identity import PAYMENT
from ledger.journal.events import EntryPosted
from ledger.payments.events import Evidence
from projections import auditing, history
from projections.engine import sql
from projections.engine.log import StoredRow
from projections.explaining.tree import (
    Answer,
    Command,
    ExplanationBroken,
    Fact,
    Node,
    Notice,
    Posting,
)

SQL: Final = sql.load(__name__)

MOST_TOGETHER: Final = 200  # events before and after one that are looked at for its append

_MAPPER: Final = EventMapper()


class Place(NamedTuple):
    stream: str
    version: int


class Stored(NamedTuple):
    recorded: Recorded[DomainEvent]
    hash: bytes

    @property
    def place(self) -> Place:
        return Place(self.recorded.stream, self.recorded.version)

    @property
    def entry_id(self) -> str:
        return f"{self.recorded.stream}/{self.recorded.version}"


Facts = Sequence[Recorded[DomainEvent]]


class Kept(msgspec.Struct, frozen=True):
    """Beside the log: notices by payment, oldest first, the subjects whose key is gone, and raw answers by
    digest.
    """

    notices: Mapping[str, Sequence[Notice]]
    erased: frozenset[str]
    answers: Mapping[str, str] = {}

    def behind(self, payment_id: str, facts: Facts) -> list[Notice]:
        return [one for one in self.notices.get(payment_id, ()) if is_behind(one, facts)]


def is_behind(notice: Notice, facts: Facts) -> bool:
    """Whether these facts of one append about its payment came of it (it waited while the gateway was asked
    for them), or it says what the gateway answered.
    """
    evidence = [one for one in map(_evidence, facts) if one]
    at = facts[0].metadata.recorded_at
    waited = notice.received_at <= at and (notice.done_at is None or at <= notice.done_at)
    word = notice.said.partition(" ")[0]
    return any(
        (waited and one.source == "inquiry")
        or one.said.get("transaction_status", "").lower() == word
        for one in evidence
    )


def _evidence(recorded: Recorded[DomainEvent]) -> Evidence | None:
    found = getattr(recorded.event, "evidence", None)
    return found if isinstance(found, Evidence) else None


class Story(msgspec.Struct, frozen=True):
    """By place of the event that was asked for: its whole append, in the order of the log."""

    appends: Mapping[Place, Sequence[Stored]]

    def event(self, place: Place) -> Stored:
        """Raises ExplanationBroken when the log has none there."""
        for one in self.appends.get(place, ()):
            if one.place == place:
                return one
        raise ExplanationBroken(
            f"The log has no event {place.stream}/{place.version}.", **place._asdict()
        )

    def entry(self, cause: Place, entry_id: str) -> EntryPosted:
        """One that was appended with its cause. Raises ExplanationBroken when the log has none there."""
        for one in self.appends.get(cause, ()):
            event = one.recorded.event
            if one.entry_id == entry_id and isinstance(event, EntryPosted):
                return event
        raise ExplanationBroken(f"The log has no entry {entry_id}.", entry_id=entry_id)

    @property
    def payments(self) -> list[str]:
        """Every payment that something is told about."""
        streams = (one.recorded.stream for append in self.appends.values() for one in append)
        return sorted({stream for stream in streams if _is_payment(stream)})

    @property
    def digests(self) -> list[str]:
        """Of every answer of the gateway that something rests on."""
        return sorted({one.digest for append in self.appends.values() for one in _answers(append)})

    @property
    def subjects(self) -> list[str]:
        """Whose sealed words are in what will be shown whole."""
        found = (history.subjects_of(self.event(place).recorded.event) for place in self.appends)
        return sorted({subject for each in found for subject in each})


async def read(conn: psycopg.AsyncConnection[Any], places: Sequence[Place]) -> Story:
    """Of up to some hundred places. Raises LogBroken when an event cannot be read."""
    asked = {
        "streams": [place.stream for place in places],
        "versions": [place.version for place in places],
        "most": MOST_TOGETHER,
    }
    windows: dict[Place, list[Stored]] = {}
    for row in await sql.fetch(conn, SQL["with_their_appends"], asked):
        number = row.pop("n")
        stored = StoredRow(**row)
        windows.setdefault(places[number - 1], []).append(
            Stored(auditing.read(_MAPPER, stored), stored.hash)
        )
    return Story({place: _append(place, window) for place, window in windows.items()})


def _append(place: Place, window: Sequence[Stored]) -> list[Stored]:
    command = next(one for one in window if one.place == place).recorded.metadata.command_id
    return [one for one in window if one.recorded.metadata.command_id == command]


# ── nodes ─────────────────────────────────────────────────────────────────────────────────────────────────────


def event(story: Story, place: Place, kept: Kept, *, with_entries: bool = False) -> Node:
    """An event, down to the gateway; with the entries that it brought, where asked for."""
    one, append = story.event(place), story.appends[place]
    entries = [_entry(entry) for entry in _entries(append, place)] if with_entries else []
    return Node(
        kind="event",
        words=one.recorded.event.TOPIC,
        fact=_fact(one, history.shown(one.recorded.event, kept.erased)),
        parts=[*entries, _command(one, append, kept)],
    )


def notice(one: Notice) -> Node:
    return Node(kind="notice", words=one.said, notice=one)


def _command(of: Stored, append: Sequence[Stored], kept: Kept) -> Node:
    metadata = of.recorded.metadata
    return Node(
        kind="command",
        words=metadata.actor,
        command=Command(
            command_id=metadata.command_id,
            actor=metadata.actor,
            reason=metadata.reason,
            request_id=metadata.correlation_id,
            causation_id=metadata.causation_id,
            recorded_at=metadata.recorded_at,
        ),
        parts=[
            *(_answer(evidence, kept) for evidence in _answers(append)),
            *(notice(one) for one in _behind(append, kept)),
            *(_beside(one) for one in append if one is not of),
        ],
    )


def _answers(append: Sequence[Stored]) -> list[Evidence]:
    """Each answer once, however many facts rest on it. Some facts rest on our own conclusion: those name
    no bytes.
    """
    found = [_evidence(one.recorded) for one in append]
    return list({one.digest: one for one in found if one and one.digest}.values())


def _behind(append: Sequence[Stored], kept: Kept) -> list[Notice]:
    by_payment: dict[str, list[Recorded[DomainEvent]]] = {}
    for one in append:
        if _is_payment(one.recorded.stream):
            by_payment.setdefault(one.recorded.stream, []).append(one.recorded)
    return [one for payment, facts in by_payment.items() for one in kept.behind(payment, facts)]


def _answer(evidence: Evidence, kept: Kept) -> Node:
    words = evidence.said.get("transaction_status") or evidence.said.get("status_code") or ""
    answer = Answer(
        source=evidence.source,
        digest=evidence.digest,
        said=evidence.said,
        body=kept.answers.get(evidence.digest),
    )
    return Node(kind="answer", words=words, answer=answer)


def _beside(one: Stored) -> Node:
    return Node(kind="beside", words=one.recorded.event.TOPIC, fact=_fact(one))


def _fact(one: Stored, shown: Any = None) -> Fact:
    recorded = one.recorded
    return Fact(
        stream=recorded.stream,
        version=recorded.version,
        position=recorded.position,
        topic=recorded.event.TOPIC,
        occurred_at=recorded.event.occurred_at,
        hash=one.hash.hex(),
        event=shown,
    )


def _entries(append: Sequence[Stored], place: Place) -> Iterator[Stored]:
    """They stand directly behind the fact that they belong to."""
    version = place.version
    for one in append:
        if one.place == (place.stream, version + 1) and isinstance(one.recorded.event, EntryPosted):
            version += 1
            yield one


def _entry(one: Stored) -> Node:
    entry = one.recorded.event
    assert isinstance(entry, EntryPosted)
    legs = [
        Node(
            kind="posting",
            words=leg.account,
            amount=leg.amount.minor,
            currency=leg.amount.currency,
            posting=Posting(
                entry_id=one.entry_id,
                position=one.recorded.position,
                leg=number,
                account=leg.account,
                rule=entry.rule,
                words=entry.words,
                effective_on=entry.effective_on,
                original_on=None,
            ),
        )
        for number, leg in enumerate(entry.legs, start=1)
    ]
    return Node(
        kind="entry",
        words=f"{entry.rule} {entry.words}",
        count=len(legs),
        fact=_fact(one),
        parts=legs,
    )


def _is_payment(stream: str) -> bool:
    return stream.startswith(f"{PAYMENT}_")

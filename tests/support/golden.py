"""Golden files: for each topic that anything was ever stored under, the bytes of one event, its hashes, and what
it means today. What is stored in a golden file has to be readable for ever.

    PYTHONPATH=src:tests python -m support.golden                    writes those that are missing (make golden)
    PYTHONPATH=src:tests python -m support.golden --again TOPIC…     writes these anew: never of a released topic
"""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect

from api.documents import event_schemas
from ledger.audit.leaf import leaf
from ledger.events import PAST_TOPICS, TOPICS, DomainEvent, Metadata, Recorded
from ledger.eventstore.chain import GENESIS, link
from ledger.eventstore.log_row import LogRow
from ledger.eventstore.mapping import EventMapper

FOLDER: Final = Path(__file__).parents[1] / "audit" / "golden"
COMMAND: Final = "PYTHONPATH=src:tests python -m support.golden"
WHEN: Final = datetime(2026, 11, 26, 10, 0, 0, 123456, tzinfo=UTC)
METADATA: Final = Metadata(
    command_id="cmd_golden",
    actor="key:golden",
    recorded_at=WHEN,
    correlation_id="req_golden",
    causation_id="evt_golden",
    reason="to be read for ever",
)
STREAM: Final = "golden_1"
MAPPER: Final = EventMapper()


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    topic: str
    state: str  # as it is stored
    hash: str  # of the first event of a log
    leaf: str  # in a Merkle tree
    today: str  # the topic that it is read as
    means: Any  # what the event says in the words of that

    @property
    def row(self) -> LogRow:
        state, digest = self.state.encode(), bytes.fromhex(self.hash)
        return LogRow(1, STREAM, 1, self.topic, state, digest, METADATA.command_id, b"golden")


def topics() -> dict[str, type[DomainEvent]]:
    """Every one that we have ever stored under; tests have some of their own."""
    known = {**TOPICS, **PAST_TOPICS}
    return {topic: known[topic] for topic in event_schemas()}


def path_of(topic: str) -> Path:
    return FOLDER / f"{topic}.json"


def read(topic: str) -> Golden:
    return msgspec.json.decode(path_of(topic).read_bytes(), type=Golden)


def missing() -> list[str]:
    return [topic for topic in topics() if not path_of(topic).exists()]


def made(topic: str) -> Golden:
    """From the event's class as it is now."""
    event = sample(topics()[topic])
    record = Recorded(stream=STREAM, version=1, event=event, metadata=METADATA, position=1)
    state = MAPPER.to_stored_event(record).state
    digest = link(GENESIS, 1, STREAM, 1, topic, state)
    row = LogRow(1, STREAM, 1, topic, state, digest, METADATA.command_id, b"golden")
    return Golden(
        topic=topic,
        state=state.decode(),
        hash=digest.hex(),
        leaf=leaf(row).hex(),
        today=understood(topic, state).TOPIC,
        means=meaning(understood(topic, state)),
    )


def understood(topic: str, state: bytes) -> DomainEvent:
    return MAPPER.decode(STREAM, 1, topic, state, 1).event


def stored_again(golden: Golden) -> str:
    """What is read, written as it would be today."""
    record = MAPPER.decode(STREAM, 1, golden.topic, golden.state.encode(), 1)
    return MAPPER.to_stored_event(record).state.decode()


def meaning(event: DomainEvent) -> Any:
    return msgspec.json.decode(msgspec.json.encode(event))


def write(topic: str) -> Path:
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(msgspec.to_builtins(made(topic)), indent=2, ensure_ascii=False)
    path_of(topic).write_text(f"{text}\n", encoding="utf-8")
    return path_of(topic)


# ── samples ───────────────────────────────────────────────────────────────────────────────────────────────────


def sample(fact: type[DomainEvent]) -> DomainEvent:
    """With a value in every field, so that every field is among the stored bytes."""
    values = _struct(inspect.type_info(fact), "")
    if make := BY_TOPIC.get(fact.TOPIC):
        values = make(values)
    return msgspec.convert(values, fact)


def _balanced(entry: dict[str, Any]) -> dict[str, Any]:
    (leg,) = entry["legs"]
    back = {**leg, "amount": {**leg["amount"], "minor": -leg["amount"]["minor"]}}
    return {**entry, "legs": [leg, back]}


BY_TOPIC: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "journal.entry_posted.v1": _balanced,
}


def _value(kind: Any, name: str) -> Any:
    match kind:
        case inspect.StructType():
            return _struct(kind, name)
        case inspect.UnionType():
            return _value(next(t for t in kind.types if not isinstance(t, inspect.NoneType)), name)
        case inspect.LiteralType():
            return max(kind.values)
        case inspect.VarTupleType() | inspect.ListType():
            return [_value(kind.item_type, name)]
        case inspect.DictType():
            return {_value(kind.key_type, f"{name} key"): _value(kind.value_type, name)}
    return _plain(kind, name)


def _plain(kind: Any, name: str) -> Any:
    match kind:
        case inspect.StrType():
            return "IDR" if name == "currency" else f"{name} of gold"
        case inspect.BoolType():
            return True
        case inspect.IntType():
            return 1_000 + len(name)
        case inspect.DateTimeType():
            return WHEN
        case inspect.DateType():
            return WHEN.date()
    raise TypeError(f"support/golden.py has no sample for {kind} ({name})")


def _struct(kind: Any, name: str) -> dict[str, Any]:
    fields = {field.encode_name: _field(field) for field in kind.fields}
    return {**fields, kind.tag_field: kind.tag} if kind.tag_field else fields


def _field(field: inspect.Field) -> Any:
    """Not what the field holds by default: that is not stored."""
    match field.type:
        case inspect.BoolType():
            return field.default is not True
        case inspect.LiteralType(values=values):
            return max(value for value in values if value != field.default)
    return _value(field.type, field.encode_name)


def written(arguments: list[str]) -> Iterator[Path]:
    wanted = arguments[1:] if arguments[:1] == ["--again"] else missing()
    yield from map(write, wanted)


if __name__ == "__main__":
    for path in written(sys.argv[1:]):
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)

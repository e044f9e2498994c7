"""Everything that somebody with the database in their hands may do to the history of tests/audit/conftest.py:
what, where it is found first, and by which check.

Payment k has positions 8(k - 1) + 1 to 8k: requested, attempt started, dispatched, pending, captured, its entry,
settled, its entry. Sealed is what stands up to 40.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from support.intruder import Intruder

CAPTURED, ENTRY, SETTLED, LAST = 21, 22, 23, 24  # of the third payment
YOUNG, YOUNG_ENTRY = 45, 46  # of the sixth, under no seal yet
SEALED, HEAD = 40, 48

Act = Callable[[Intruder], None]


class Case(NamedTuple):
    words: str
    act: Act
    found_at: int
    found_by: frozenset[str]  # every check that finds it by itself


def case(words: str, act: Act, found_at: int, *found_by: str) -> Case:
    return Case(words, act, found_at, frozenset(found_by))


def change(what: str, position: int) -> Act:
    return lambda intruder: intruder.change(what, position)


def replaced(old: str, new: str) -> str:
    """In the stored text."""
    return f"state = convert_to(replace(convert_from(state, 'UTF8'), '{old}', '{new}'), 'UTF8')"


def one_bit(of: str, byte: str = "0") -> str:
    return f"{of} = set_byte({of}, {byte}, get_byte({of}, {byte}) # 1)"


def rechained(what: str, position: int) -> Act:
    """The same, and then every hash made anew."""

    def act(intruder: Intruder) -> None:
        intruder.change(what, position)
        intruder.rechain()

    return act


def swapped_bytes(intruder: Intruder) -> None:
    intruder.execute(
        "update events a set state = b.state, topic = b.topic from events b"
        f" where (a.notification_id, b.notification_id) in (({CAPTURED}, {SETTLED}), ({SETTLED}, {CAPTURED}))"
    )


def swapped_places(intruder: Intruder) -> None:
    intruder.execute(
        "update events set notification_id ="
        f" {CAPTURED + SETTLED} - notification_id where notification_id in ({CAPTURED}, {SETTLED})"
    )


def inserted(intruder: Intruder) -> None:
    """A second refund, say, between two events."""
    intruder.make_room(CAPTURED)
    intruder.execute(
        "insert into events select originator_id, originator_version, topic, state,"
        f" {CAPTURED}, hash, null, null from events where notification_id = {SETTLED + 1}"
    )


def put_twice(intruder: Intruder) -> None:
    intruder.execute(
        "insert into events select 'pay_7', 1, topic, state, notification_id, hash, null, null"
        f" from events where notification_id = {YOUNG}"
    )


def appended(position: int, version: int, state: str = "'{}'") -> Act:
    """One more event after the last, with the right hash."""

    def act(intruder: Intruder) -> None:
        intruder.execute(
            "insert into events values ('pay_6', %s, 'payment.paid.v1',"
            f" {state}::bytea, %s, '', null, null)",
            version,
            position,
        )
        intruder.rechain()

    return act


def removed_stream(intruder: Intruder) -> None:
    intruder.execute("delete from events where originator_id = 'pay_3'")


def delete(where: str) -> Act:
    return lambda intruder: intruder.execute(f"delete from events where {where}")


def closed_up(intruder: Intruder) -> None:
    """One event gone, everything after it moved up, and every hash made anew."""
    intruder.execute(f"delete from events where notification_id = {CAPTURED}")
    intruder.execute(
        f"update events set notification_id = notification_id - 1 where notification_id > {CAPTURED}"
    )
    intruder.execute(
        "update events set originator_version = originator_version - 1"
        f" where originator_id = 'pay_3' and notification_id >= {CAPTURED}"
    )
    intruder.rechain()


ACTOR: Final = replaced('"actor":"test"', '"actor":"tesu"')
RECORDED: Final = replaced('"recorded_at":"2026', '"recorded_at":"2027')
OCCURRED: Final = replaced('"occurred_at":"2026', '"occurred_at":"2027')
POSTING: Final = replaced('"minor":-', '"minor":-1')  # of one leg
BOTH_SIDES: Final = replaced('"minor":', '"minor":1')
ACCOUNT: Final = replaced("Pending", "Available")
NO_LEGS: Final = replaced('"legs":[', '"legs":[],"x":[')
BYTE: Final = one_bit("state", "octet_length(state) - 9")

FOUR: Final = ("Positions", "Chain", "Versions", "Sealed")
THREE: Final = ("Chain", "Versions", "Sealed")
BOTH: Final = ("Chain", "Sealed")
MONEY: Final = ("Chain", "Entries", "Sealed")

CASES: Final = (
    # One byte, or one field, of one row.
    case("payload", change(BYTE, CAPTURED), CAPTURED, *BOTH),
    case("metadata", change(ACTOR, CAPTURED), CAPTURED, *BOTH),
    case("recorded time", change(RECORDED, CAPTURED), CAPTURED, *BOTH),
    case("occurred time", change(OCCURRED, CAPTURED), CAPTURED, *BOTH),
    case("topic", change("topic = 'payment.captured.v2'", CAPTURED), CAPTURED, *BOTH),
    case("key: stream", change("originator_id = 'pay_x'", CAPTURED), CAPTURED, *THREE),
    case("key: version", change("originator_version = 9", CAPTURED), CAPTURED, *THREE),
    case("key: command", change("command_id = command_id || 'x'", LAST), LAST, "Sealed"),
    case("key: fingerprint", change("fingerprint = 'x'", LAST), LAST, "Sealed"),
    case("hash", change(one_bit("hash"), CAPTURED), CAPTURED, *BOTH),
    case("position", change("notification_id = 99", CAPTURED), CAPTURED, *FOUR),
    # Rows.
    case("a row deleted", delete(f"notification_id = {CAPTURED}"), CAPTURED, *FOUR),
    case("a stream deleted", removed_stream, 17, "Positions", "Chain", "Sealed"),
    case("bytes swapped", swapped_bytes, CAPTURED, *BOTH),
    case("places swapped", swapped_places, CAPTURED, *THREE),
    case("a row inserted", inserted, CAPTURED, *THREE),
    case("a position taken twice", put_twice, YOUNG, "Positions", "Chain"),
    case("a row left out", appended(HEAD + 2, 9), HEAD + 1, "Positions"),
    case("a version left out", appended(HEAD + 1, 10), HEAD + 1, "Versions"),
    # Money, in the log.
    case("a posting", change(POSTING, ENTRY), ENTRY, *MONEY),
    case("a posting, to another account", change(ACCOUNT, ENTRY), ENTRY, *BOTH),
    case("a posting on both sides", change(BOTH_SIDES, ENTRY), ENTRY, *MONEY),
    # Younger than the last seal.
    case("a young event", change(BYTE, YOUNG), YOUNG, "Chain"),
    case("a young posting, chained anew", rechained(POSTING, YOUNG_ENTRY), YOUNG_ENTRY, "Entries"),
    case("a young entry emptied", rechained(NO_LEGS, YOUNG_ENTRY), YOUNG_ENTRY, "Entries"),
    # What makes the log sound in itself again: only who holds seals can tell.
    case("chained anew", rechained(ACTOR, CAPTURED), CAPTURED, "Sealed"),
    case("the first event, chained anew", rechained(ACTOR, 1), 1, "Sealed"),
    case("the last sealed, chained anew", rechained(OCCURRED, SEALED), SEALED, "Sealed"),
    case("a posting, chained anew", rechained(ACCOUNT, ENTRY), ENTRY, "Sealed"),
    case("a row taken out, chained anew", closed_up, CAPTURED, "Sealed"),
    case("the tail cut", delete(f"notification_id > {SEALED - 3}"), SEALED - 2, "Sealed"),
    case("the tail cut between seals", delete("notification_id > 30"), 31, "Sealed"),
    case("nothing left", delete("true"), 1, "Sealed"),
)

"""Whatever is done to the log is found, at the first position that is wrong, and by the checks that are there for
it: each is shown to find what no other finds, so that none can be left out unnoticed.
"""

from collections.abc import Callable, Sequence

import pytest

from ledger.audit.seal import Seal, public_key
from ledger.audit.service import Sealer, Terms
from ledger.eventstore import scanning
from ledger.eventstore.log_row import LogRow
from projections.auditing import Finding
from projections.log_checks import Chain, Check, Entries, Positions, Versions
from projections.replaying import verify
from projections.seal_check import Sealed
from projections.verifying import LogReport, held_still, verify_log
from support.intruder import Intruder
from support.log_rows import SCHEMA
from support.payment_lives import SETTLED, lived
from support.read_side import open_read_side
from support.seal_series import OTHER
from support.sealed_log import PUBLIC, SealedLog
from support.tampering import CASES, HEAD, SEALED, Case, one_bit

CHECKS: dict[str, Callable[[Sequence[Seal]], Check]] = {
    "Positions": lambda _: Positions(),
    "Chain": lambda _: Chain(),
    "Versions": lambda _: Versions(),
    "Entries": lambda _: Entries(),
    "Sealed": Sealed,
}


def verified(log: SealedLog, **more: object) -> LogReport:
    given: dict[str, object] = {"seals": log.seals, "keys": [PUBLIC], **more}
    return verify_log(log.conninfo, SCHEMA, **given)  # type: ignore[arg-type]


def found_alone(log: SealedLog, page: int = 7) -> dict[str, Finding | None]:
    """What each check finds by itself, whatever the pages are."""
    with held_still(log.conninfo, SCHEMA) as connection:
        rows = [row for rows in scanning.scan(connection) for row in rows]
    pages = [rows[start : start + page] for start in range(0, len(rows), page)]
    return {name: _of(make(log.seals), pages) for name, make in CHECKS.items()}


def _of(check: Check, pages: Sequence[Sequence[LogRow]]) -> Finding | None:
    for rows in pages:
        if finding := check.page(rows):
            return finding
    return check.end() if isinstance(check, Sealed) else None


def test_a_sound_log_is_sound(sealed_history: SealedLog) -> None:
    report = verified(sealed_history)

    assert report.finding is None
    assert (report.events, report.streams, report.entries) == (HEAD, 6, 12)
    assert (report.seals, report.sealed) == (4, SEALED)
    assert (report.keys, report.keys_trusted, report.seals_kept_outside) == ([PUBLIC], True, True)
    assert found_alone(sealed_history) == dict.fromkeys(CHECKS)


@pytest.mark.parametrize("case", CASES, ids=[case.words for case in CASES])
def test_it_is_found_at_the_first_position_that_is_wrong(
    case: Case, sealed_history: SealedLog, intruder: Intruder
) -> None:
    case.act(intruder)

    found, alone = verified(sealed_history).finding, found_alone(sealed_history)

    assert found is not None
    assert found.position == case.found_at
    assert {name for name, finding in alone.items() if finding} == case.found_by


def test_every_check_finds_what_no_other_does() -> None:
    alone = {next(iter(case.found_by)) for case in CASES if len(case.found_by) == 1}

    assert alone == set(CHECKS)


# ── seals ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_seals_from_outside_whoever_owns_the_database_is_believed(
    sealed_history: SealedLog, intruder: Intruder
) -> None:
    """What seals are for: the same log is sound in itself."""
    intruder.change("originator_id = 'pay_x', originator_version = 1", 17)
    intruder.execute(
        "update events set originator_version = originator_version - 1 where originator_id = 'pay_3'"
    )
    intruder.rechain()
    intruder.execute("truncate seals")

    assert verified(sealed_history, seals=None).finding is None
    found = verified(sealed_history).finding
    assert found is not None and found.position == 17


def test_seals_made_anew_are_by_another_key(sealed_history: SealedLog, intruder: Intruder) -> None:
    intruder.change("originator_id = 'pay_x'", 17)
    intruder.rechain()
    intruder.execute("truncate seals")
    forger = Sealer(sealed_history.conninfo, SCHEMA, OTHER, [], Terms(every_events=10))
    sealed_history.seal(forger)

    found = verified(sealed_history, seals=None).finding

    assert found is not None
    assert found.words == f"seal 1: it is signed with another key, {public_key(OTHER)}"


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("update seals set seal = replace(seal, '10:00:00', '11:00:00') where number = 3", 3),
        ("delete from seals where number = 4", 4),
        ("truncate seals", 1),
    ],
)
def test_a_change_to_the_databases_own_seals_is_found(
    statement: str, number: int, sealed_history: SealedLog, intruder: Intruder
) -> None:
    intruder.execute(statement)

    found = verified(sealed_history).finding

    assert found is not None and (found.table, found.key) == ("seals", (number,))


def test_a_seal_that_was_changed_outside_speaks_for_nothing(sealed_history: SealedLog) -> None:
    changed = sealed_history.file.read_text().replace('"number":2', '"number":9')
    sealed_history.file.write_text(changed)

    found = verified(sealed_history).finding

    assert found is not None and found.words == "seal 9: it follows seal 1"


def test_an_older_copy_of_the_seals_is_continued_by_the_databases(
    sealed_history: SealedLog, intruder: Intruder
) -> None:
    older = sealed_history.seals[:2]

    assert verified(sealed_history, seals=older).sealed == SEALED

    intruder.change(one_bit("hash"), 12)
    intruder.rechain()
    intruder.change("command_id = 'cmd_x'", 32)
    assert verified(sealed_history, seals=older).finding is not None


def test_what_is_younger_than_the_last_seal_can_vanish_unseen(
    sealed_history: SealedLog, intruder: Intruder
) -> None:
    """A limit, and the reason for a seal every minute."""
    intruder.execute("delete from events where notification_id > %s", SEALED)

    assert verified(sealed_history).finding is None


# ── read models ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("statement", "table", "key"),
    [
        (
            "update balances set balance_minor = balance_minor + 1 where account = 'Assets:Gateway:Midtrans:Available'",
            "balances",
            ("Assets:Gateway:Midtrans:Available", "IDR"),
        ),
        ("update legs set minor = minor + 1 where (position, leg) = (22, 1)", "legs", (22, 1)),
        (
            "update entries set effective_on = effective_on - 1 where position = 22",
            "entries",
            ("pay_3/6",),
        ),
        ("delete from legs where position = 22 and leg > 1", "legs", (22, 2)),
    ],
    ids=["a balance", "a posting", "a day", "postings deleted"],
)
def test_a_change_to_what_is_shown_is_found_in_its_row(
    statement: str, table: str, key: tuple[object, ...], ledger_database: str
) -> None:
    """Read models are not sealed: they are compared with what follows from the log."""
    with open_read_side(ledger_database) as read_side:
        for n in (1, 2, 3):
            read_side.log.append(f"pay_{n}", lived(f"pay_{n}", *SETTLED))
        read_side.catch_up()
        read_side.connection.execute(statement.encode())

        found = verify(read_side.conninfo, SCHEMA).finding

    assert found is not None
    assert (found.rule, found.table, found.key[: len(key)]) == ("read model", table, key)

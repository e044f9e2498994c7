"""What the ledger was at a point of the log, and what changed between two: told from the log alone, and the
same as what the read models say that were followed to there. From a database and from an exported file.
"""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from api.seal_sinks import kept_in
from benchmarks import selling
from ledger.eventstore import scanning
from projections.changes import PointsReversed, what_changed
from projections.engine.log import LogHasGap
from projections.exporting import export
from projections.folding import KINDS
from projections.log_sources import (
    DatabaseLog,
    FileLog,
    LogFileUnreadable,
    LogSource,
    position_or_time,
)
from projections.past_states import AsOf, as_of
from projections.replay_words import of
from projections.stream_reading import StreamUnknown
from projections.verifying import held_still, verify_file, verify_log
from support.log_rows import SCHEMA
from support.payment_lives import PAID, SECRET, SETTLED, START, interleaved, lived
from support.read_side import ReadSide, open_read_side
from support.sealed_log import PUBLIC, SealedLog


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


@pytest.fixture
def followed(read_side: ReadSide) -> ReadSide:
    """Payments in the middle of their lives, and subscriptions with bills."""
    read_side.log.copy_all([*interleaved(payments=25, steps=8, seed=77), *selling.lives(4)])
    return read_side


@contextmanager
def reading(read_side: ReadSide) -> Iterator[DatabaseLog]:
    with held_still(read_side.conninfo, SCHEMA) as connection:
        yield DatabaseLog(connection)


@contextmanager
def exported(read_side: ReadSide, folder: Path) -> Iterator[FileLog]:
    path = folder / "log.jsonl"
    with path.open("wb") as file:
        export(read_side.conninfo, SCHEMA, file.write)
    yield FileLog(path)


def statuses(read_side: ReadSide) -> dict[str, dict[str, int]]:
    """As the live read models count them."""
    found = {}
    for kind in ("bill", "payment", "subscription"):
        query = f"select status, count(*) as n from {kind}s group by status order by status"  # noqa: S608
        if rows := read_side.rows(query):
            found[kind] = {row["status"]: row["n"] for row in rows}
    return found


def balances(read_side: ReadSide) -> list[tuple[str, str, int, int]]:
    query = "select account, currency, balance_minor, postings from balances order by 1, 2"
    return [tuple(row.values()) for row in read_side.rows(query)]  # type: ignore[misc]


def told(report: AsOf) -> list[tuple[str, str, int, int]]:
    return [(row.account, row.currency, row.balance_minor, row.postings) for row in report.balances]


@pytest.mark.parametrize("cut", [0.0, 0.31, 0.77, 1.0])
def test_read_models_followed_to_a_point_say_what_the_log_says_of_it(
    followed: ReadSide, cut: float
) -> None:
    until = int(followed.log.position * cut)
    with reading(followed) as log:
        report = as_of(log, until)
    followed.log.tamper(f"delete from events where notification_id > {until}")  # noqa: S608
    followed.catch_up()

    assert report.finding is None
    assert report.statuses == statuses(followed)
    assert told(report) == balances(followed)
    assert set(report.totals.values()) <= {0}
    assert len(report.statuses) == (0 if cut == 0 else 3)


def test_a_moment_stands_for_the_last_event_recorded_by_then(
    read_side: ReadSide, tmp_path: Path
) -> None:
    for n in range(4):
        facts = lived(f"pay_{n}", *PAID, seed=n)
        read_side.log.append(f"pay_{n}", facts, recorded_at=START + timedelta(hours=n))
    between = START + timedelta(hours=1, minutes=30)

    with reading(read_side) as log, exported(read_side, tmp_path) as file:
        for source in (log, file):
            by_time, by_position = as_of(source, between), as_of(source, 12)
            before, after = as_of(source, START - timedelta(hours=1)), as_of(source, 1_000)

            assert told(by_time) == told(by_position)
            assert by_time.recorded_at == START + timedelta(hours=1)
            assert {row.postings for row in by_time.balances} == {2}
            assert (before.until, before.balances, after.until) == (0, [], 24)


def test_between_two_points_lies_what_one_has_more_than_the_other(
    followed: ReadSide, tmp_path: Path
) -> None:
    chance = random.Random(5)
    head = followed.log.position
    with reading(followed) as log, exported(followed, tmp_path) as file:
        for _ in range(6):
            a, b = sorted(chance.choices(range(head + 1), k=2))
            changes = what_changed(log, a, b, limit=0)
            before, after = as_of(log, a), as_of(log, b)

            assert changes == _timed(what_changed(file, a, b, limit=0), changes.seconds)
            assert changes.finding is None
            assert _after(before, changes.moves) == _flat(after)
            deltas = {row.account: row.delta_minor for row in changes.balances}
            now = {row.account: row.balance_minor for row in after.balances}
            was = {row.account: row.balance_minor for row in before.balances}
            assert {k: now[k] - was.get(k, 0) for k in now if k in deltas} == deltas
            assert {k: v for k, v in now.items() if k not in deltas} == {
                k: v for k, v in was.items() if k not in deltas
            }
            assert sum(changes.topics.values()) == changes.events == b - a
            assert sum(change.events for change in changes.changed) == b - a
            assert len(changes.changed) == changes.streams
            assert set(changes.totals.values()) <= {0}


def _timed(report: object, seconds: float) -> object:
    report.seconds = seconds  # type: ignore[attr-defined]
    return report


def _flat(report: AsOf) -> Counter[tuple[str, str]]:
    return Counter({(k, s): n for k, by in report.statuses.items() for s, n in by.items()})


def _after(before: AsOf, moves: list) -> Counter[tuple[str, str]]:  # type: ignore[type-arg]
    found = _flat(before)
    for move in moves:
        found[move.kind, move.after] += move.streams
        if move.before:
            found[move.kind, move.before] -= move.streams
    return +found


def test_what_changed_is_said_stream_by_stream_with_statuses_and_balances(
    read_side: ReadSide,
) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID), recorded_at=START)
    facts = lived("pay_1", *SETTLED)[len(lived("pay_1", *PAID)) :]
    read_side.log.append("pay_1", facts, recorded_at=START + timedelta(days=1))

    with reading(read_side) as log:
        changes = what_changed(log, START, START + timedelta(days=2))

    (change,) = changes.changed
    assert (change.stream, change.before, change.after) == ("pay_1", "captured", "settled")
    lines = of(changes)
    assert lines[0] == "events          2, behind 6 up to 8"
    assert "           1  payment: captured → settled" in lines
    assert any(line.startswith("  Assets:Gateway:Midtrans:Available") for line in lines)


def test_points_the_wrong_way_round_are_refused(followed: ReadSide) -> None:
    with reading(followed) as log, pytest.raises(PointsReversed):
        what_changed(log, 20, 10)


def test_of_many_streams_the_first_are_told_and_all_are_counted(followed: ReadSide) -> None:
    with reading(followed) as log:
        changes = what_changed(log, 0, 10**9, limit=3)

    assert (len(changes.changed), changes.streams > 30) == (3, True)
    assert f"and {changes.streams - 3:,} more (--limit 0 tells all)" in "\n".join(of(changes))


@pytest.mark.parametrize(
    ("change", "rule", "position"),
    [
        ("update events set state = state || ' ' where notification_id = 20", "chain", 20),
        ("delete from events where notification_id = 20", "positions", 20),
        (
            "update events set originator_version = 99 where notification_id = 20;",
            "chain",
            20,
        ),
    ],
)
def test_a_log_that_was_changed_is_not_told_from(
    followed: ReadSide, tmp_path: Path, change: str, rule: str, position: int
) -> None:
    followed.log.tamper(change)

    with reading(followed) as log, exported(followed, tmp_path) as file:
        for source in (log, file):
            for report in (as_of(source, 100), what_changed(source, 5, 100)):
                assert report.finding is not None
                assert (report.finding.rule, report.finding.position) == (rule, position)
            assert as_of(source, 100).balances == []
            assert as_of(source, 19).ok and what_changed(source, 5, 19).ok


def test_the_state_of_one_stream_is_shown_without_anything_personal(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED))

    with reading(read_side) as log:
        report = as_of(log, 5, stream="pay_1")
        with pytest.raises(StreamUnknown):
            as_of(log, 0, stream="pay_1")

    assert report.stream is not None
    assert (report.stream.kind, report.stream.version, report.stream.status) == (
        "payment",
        5,
        "captured",
    )
    assert "status          captured" in of(report)
    assert SECRET.ciphertext not in "\n".join(of(report))


def test_every_kind_of_stream_has_a_name_of_its_own() -> None:
    begins = [kind.begins for kind in KINDS]

    assert not any(a != b and a.startswith(b) for a in begins for b in begins)


# ── a file ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_exported_log_is_verified_against_seals_without_a_database(
    ledger_database: str, tmp_path: Path
) -> None:
    sealed = SealedLog(ledger_database, tmp_path)
    for n in range(4):
        sealed.log.append(f"pay_{n}", lived(f"pay_{n}", *SETTLED, seed=n))
    sealed.seal()
    path = tmp_path / "log.jsonl"
    with path.open("wb") as file:
        export(ledger_database, SCHEMA, file.write)
    seals = kept_in(sealed.file)
    report = verify_file(path, seals=seals, keys=[PUBLIC])
    by_database = verify_log(ledger_database, SCHEMA, seals=seals, keys=[PUBLIC])
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-5]))
    cut = verify_file(path, seals=seals, keys=[PUBLIC])
    path.write_text("".join(lines).replace("payment.captured.v1", "payment.captured.v2"))
    changed = verify_file(path)

    report.seconds = by_database.seconds
    assert report == by_database and report.ok and report.sealed == 32
    assert cut.finding is not None and cut.finding.rule == "seals"
    assert changed.finding is not None and changed.finding.rule == "chain"


@pytest.mark.parametrize("text", ["no log\n", '{"position": 1}\n', "[]\n"])
def test_what_is_no_log_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(text)

    with pytest.raises(LogFileUnreadable, match="Line 1 of"):
        as_of(FileLog(path), 10)


def test_a_file_that_begins_later_than_the_log_is_not_added_up(
    followed: ReadSide, tmp_path: Path
) -> None:
    path = tmp_path / "log.jsonl"
    with path.open("wb") as file:
        export(followed.conninfo, SCHEMA, file.write, after=10)

    report = as_of(FileLog(path), 50)

    assert report.finding is not None
    assert (report.finding.rule, report.finding.position) == ("positions", 1)


def test_pages_of_a_file_are_those_of_the_database(
    followed: ReadSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "ROWS_AT_ONCE", 7)

    def paged(source: LogSource) -> list[int]:
        return [row.position for rows in source.rows(3, 40) for row in rows]

    with reading(followed) as log, exported(followed, tmp_path) as file:
        assert paged(log) == paged(file) == list(range(4, 41))
        assert log.streams_in(3, 40) == file.streams_in(3, 40)
        assert log.head() == file.head() == followed.log.position


def test_points_are_positions_or_times() -> None:
    assert position_or_time("120000") == 120_000
    assert position_or_time("2026-11-01") == START
    assert position_or_time("2026-11-01T07:00:00+07:00") == START
    with pytest.raises(ValueError, match="yesterday"):
        position_or_time("yesterday")


def test_a_moment_in_a_log_with_a_gap_is_not_guessed_at(followed: ReadSide) -> None:
    middle = (followed.log.position + 1) // 2 + 1
    followed.log.tamper(
        f"delete from events where abs(notification_id - {middle}) < 3"  # noqa: S608
    )

    with reading(followed) as log, pytest.raises(LogHasGap):
        as_of(log, START)

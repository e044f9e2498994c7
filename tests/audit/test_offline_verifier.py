"""`bukubesar-verify`, as an auditor has it: one file, no database, nothing of ours; and what it lets nobody get away
with.
"""

import ast
import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

import bukubesar_verify
from ledger.audit import proof, proving
from ledger.audit import seal as sealing
from projections.exporting import export
from support.intruder import Intruder
from support.log_rows import SCHEMA
from support.seal_series import OTHER
from support.sealed_log import PUBLIC, SealedLog
from support.tampering import CASES, HEAD, SEALED, Case

SOURCE = Path(bukubesar_verify.__file__)
ANOTHER = sealing.public_key(OTHER)


class Auditor:
    """With a folder of files, and the key that was given to them."""

    def __init__(self, log: SealedLog, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.log, self.folder, self._capsys = log, folder, capsys
        self.seals = log.file

    def export(self) -> Path:
        path = self.folder / "log.jsonl"
        with path.open("wb") as file:
            export(self.log.conninfo, SCHEMA, file.write)
        return path

    def event_proof(self, position: int) -> dict[str, Any]:
        with self.log.connected("auditor") as connection:
            found = proving.prove(connection, position, self.log.seals)
        return dict(msgspec.to_builtins(found))

    def written(self, what: Any, name: str = "proof.json") -> Path:
        path = self.folder / name
        path.write_text(json.dumps(what, indent=2))
        return path

    def verify(self, *files: Path, key: str = PUBLIC) -> tuple[int, list[dict[str, Any]]]:
        """The exit code, and what is said of each file."""
        self._capsys.readouterr()
        code = bukubesar_verify.main([*map(str, files), "--key", key, "--json"])
        told = self._capsys.readouterr().out
        return code, json.loads(told)["checks"] if told else []


@pytest.fixture
def auditor(
    sealed_history: SealedLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Auditor:
    return Auditor(sealed_history, tmp_path, capsys)


# ── alone ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_imports_the_standard_library_and_cryptography_only() -> None:
    found = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(SOURCE.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }

    assert found - set(sys.stdlib_module_names) == {"cryptography"}


def test_it_works_where_nothing_of_ours_is(auditor: Auditor) -> None:
    log, alone = auditor.export(), auditor.folder / "alone"
    alone.mkdir()
    shutil.copy(SOURCE, alone / "verify.py")
    command = [sys.executable, "-I", "verify.py", "--key", PUBLIC, str(log), str(auditor.seals)]

    done = subprocess.run(command, cwd=alone, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    seals, events = done.stdout.splitlines()
    assert seals.startswith(f"ok     {auditor.seals}: 4 seals over 40 events")
    assert events.startswith(f"ok     {log}: 48 events that follow from each other to ")
    assert events.endswith("; as sealed up to 40, 8 since")


# ── logs ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", CASES, ids=[case.words for case in CASES])
def test_whatever_was_done_to_the_log_is_found_at_its_position(
    case: Case, auditor: Auditor, intruder: Intruder
) -> None:
    case.act(intruder)

    code, told = auditor.verify(auditor.export(), auditor.seals)

    assert code == 1
    assert [(one["ok"], one["position"]) for one in told] == [(True, 0), (False, case.found_at)]


def test_without_seals_a_log_is_only_held_to_itself(auditor: Auditor, intruder: Intruder) -> None:
    intruder.change("command_id = 'cmd_x'", 24)
    log = auditor.export()

    assert auditor.verify(log)[0] == 0
    assert auditor.verify(log, auditor.seals)[0] == 1


def test_an_empty_log_is_sound_until_there_is_a_seal(auditor: Auditor) -> None:
    empty = auditor.folder / "empty.jsonl"
    empty.write_text("")

    assert auditor.verify(empty)[0] == 0
    assert auditor.verify(empty, auditor.seals)[1][1]["position"] == 1


# ── seals ─────────────────────────────────────────────────────────────────────────────────────────────────────


def lines(auditor: Auditor) -> list[dict[str, Any]]:
    return [json.loads(line) for line in auditor.seals.read_text().splitlines()]


def series(auditor: Auditor, seals: Sequence[dict[str, Any]], name: str = "other.jsonl") -> Path:
    path = auditor.folder / name
    path.write_text("".join(json.dumps(seal) + "\n" for seal in seals))
    return path


@pytest.mark.parametrize("field", [*bukubesar_verify.SIGNED, "signature"])
@pytest.mark.parametrize("at", [0, 1, 3])
def test_a_seal_that_was_changed_in_one_field_is_wrong(
    field: str, at: int, auditor: Auditor
) -> None:
    changed = lines(auditor)
    changed[at][field] = other(changed[at][field])

    assert auditor.verify(series(auditor, changed))[0] == 1


@pytest.mark.parametrize(
    "kept", [(0, 2, 3), (1, 2, 3), (0, 2, 1, 3)], ids=["one missing", "no first", "swapped"]
)
def test_a_series_has_all_seals_in_order(kept: tuple[int, ...], auditor: Auditor) -> None:
    all_ = lines(auditor)

    assert auditor.verify(series(auditor, [all_[n] for n in kept]))[0] == 1


def test_a_seal_that_is_there_twice_or_torn_does_no_harm(auditor: Auditor) -> None:
    *before, last = auditor.seals.read_text().splitlines()
    auditor.seals.write_text("\n".join([*before, before[-1], last[:90], last, ""]))

    assert auditor.verify(auditor.seals)[0] == 0


def test_todays_seals_continue_those_that_an_auditor_has_kept(auditor: Auditor) -> None:
    kept = series(auditor, lines(auditor)[:2], "kept.jsonl")

    assert auditor.verify(kept, auditor.seals)[0] == 0


def test_another_history_does_not_continue_them(
    auditor: Auditor, intruder: Intruder, tmp_path: Path
) -> None:
    """By somebody who has the key, too."""
    kept = series(auditor, lines(auditor)[:2], "kept.jsonl")
    intruder.change("topic = 'payment.captured.v2'", 5)
    intruder.rechain()
    intruder.execute("truncate seals")
    auditor.seals.unlink()
    auditor.log.seal()

    assert auditor.verify(auditor.seals)[0] == 0
    code, told = auditor.verify(kept, auditor.seals)
    assert code == 1 and "two seals of number 1" in told[0]["words"]


def test_a_seal_by_another_key_is_wrong_unless_any_will_do(auditor: Auditor) -> None:
    assert auditor.verify(auditor.seals, key=ANOTHER)[0] == 1
    assert auditor.verify(auditor.seals, key="any")[0] == 0


# ── proofs ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("position", range(1, SEALED + 1))
def test_every_sealed_event_is_proved(position: int, auditor: Auditor) -> None:
    path = auditor.written(auditor.event_proof(position))

    code, told = auditor.verify(path, auditor.seals)

    assert code == 0
    assert told[1]["words"].startswith(f"event {position}, ")


def test_a_proof_that_was_changed_anywhere_proves_nothing(auditor: Auditor) -> None:
    sound = auditor.event_proof(21)
    places = list(scalars(sound))
    assert len(places) > 40

    for place in places:
        assert auditor.verify(auditor.written(changed_at(sound, place)))[0] != 0, place


def test_a_consistency_proof_that_was_changed_anywhere_proves_nothing(auditor: Auditor) -> None:
    sound = dict(msgspec.to_builtins(proof.of_consistency(auditor.log.seals, 3)))
    assert auditor.verify(auditor.written(sound))[0] == 0

    for place in scalars(sound):
        assert auditor.verify(auditor.written(changed_at(sound, place)))[0] != 0, place


@pytest.mark.parametrize("older", range(1, 5))
@pytest.mark.parametrize("newer", range(1, 5))
def test_each_seal_continues_each_earlier_one(older: int, newer: int, auditor: Auditor) -> None:
    seals = auditor.log.seals[:newer]
    if older > newer:
        with pytest.raises(proof.SealUnknown):
            proof.of_consistency(seals, older)
        return

    found = msgspec.to_builtins(proof.of_consistency(seals, older))

    assert auditor.verify(auditor.written(found), auditor.seals)[0] == 0
    turned = {**found, "older": found["newer"], "newer": found["older"]}
    assert (auditor.verify(auditor.written(turned))[0] == 0) == (older == newer)


def test_a_proof_under_seals_that_are_not_the_auditors_is_wrong(
    auditor: Auditor, intruder: Intruder
) -> None:
    """Two histories with the same key: each is sound, and they contradict each other."""
    old = series(auditor, lines(auditor), "kept.jsonl")
    intruder.change("topic = 'payment.captured.v2'", 5)
    intruder.rechain()
    intruder.execute("truncate seals")
    auditor.seals.unlink()
    auditor.log.seal()
    path = auditor.written(auditor.event_proof(5))

    assert auditor.verify(path)[0] == 0
    assert auditor.verify(path, old)[0] == 1


def test_what_is_not_what_was_sealed_is_not_proved(auditor: Auditor, intruder: Intruder) -> None:
    intruder.change("topic = 'payment.captured.v2'", 5)

    with pytest.raises(proving.RangeChanged):
        auditor.event_proof(7)
    with pytest.raises(proof.NotSealedYet):
        auditor.event_proof(SEALED + 1)


# ── what it says ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_is_none_of_ours_cannot_be_read(
    auditor: Auditor, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("hello", "[1, 2]", "{}", '{"format": "x"}', '{"topic": "t"}', '{"signature": 1}'):
        path = auditor.folder / "odd"
        path.write_text(text)
        assert bukubesar_verify.main(["--key", PUBLIC, str(path)]) != 0, text
    assert bukubesar_verify.main(["--key", PUBLIC, "gone.jsonl"]) == 2
    assert "gone.jsonl" in capsys.readouterr().err


def test_a_key_has_to_be_given(auditor: Auditor) -> None:
    with pytest.raises(SystemExit) as ended:
        bukubesar_verify.main([str(auditor.seals)])

    assert ended.value.code == 2


def test_what_is_wrong_is_said_in_a_line(
    auditor: Auditor, intruder: Intruder, capsys: pytest.CaptureFixture[str]
) -> None:
    intruder.change("topic = 'payment.captured.v2'", HEAD - 3)
    log = auditor.export()

    code = bukubesar_verify.main(["--key", PUBLIC, str(log)])

    assert (code, capsys.readouterr().out) == (
        1,
        f"WRONG  {log}: at position 45: the hash does not follow from the event and the hash before it\n",
    )


# ── changing one thing ────────────────────────────────────────────────────────────────────────────────────────


Place = tuple[str | int, ...]


def scalars(value: Any, at: Place = ()) -> Iterator[Place]:
    match value:
        case dict():
            for name, inner in value.items():
                yield from scalars(inner, (*at, name))
        case list():
            for number, inner in enumerate(value):
                yield from scalars(inner, (*at, number))
        case _:
            yield at


def changed_at(value: Any, place: Place) -> Any:
    changed = copy.deepcopy(value)
    inside = changed
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = other(inside[place[-1]])
    return changed


def other(value: Any) -> Any:
    """Another one that looks like it."""
    match value:
        case int():
            return value + 1
        case str() if value.startswith("ed25519:"):
            return ANOTHER
        case str() if value:
            return ("1" if value[0] != "1" else "2") + value[1:]
    return "00" if value is None else "AA=="

"""Seals: what is signed, what follows on what, and that every change to one is noticed."""

import base64
import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ledger.audit import merkle
from ledger.audit import seal as sealing
from ledger.audit.leaf import MARK_BYTES, entry, leaf
from ledger.audit.seal import Made, Seal
from ledger.clock import WIB
from support.seal_series import AT, KEY, OTHER, PUBLIC, row, series

SERIES = series(3, 1, 7, 2)


# ── what is signed ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_entry_is_the_row_as_binary_copy_writes_it() -> None:
    text = entry(row(5, stream="s", version=2, topic="t", state=b"xy", hash=b"h", command_id="c"))

    assert text.hex() == (
        "0008"
        "000000080000000000000005"
        "0000000173"
        "000000080000000000000002"
        "0000000174"
        "000000027879"
        "0000000168"
        "0000000163"
        "ffffffff"
    )


def test_the_statement_is_read_by_people_and_names_everything() -> None:
    seal = SERIES[0]

    lines = sealing.statement(seal).decode().splitlines()

    assert lines[:5] == ["bukubesar seal v1", "log books", "number 1", "position 3", "count 3"]
    assert lines[5] == f"chain {'03' * 32}"
    assert lines[8] == f"marks {hashlib.sha256(base64.b64decode(seal.marks)).hexdigest()}"
    assert lines[9:] == [
        f"previous {'00' * 32}",
        "at 2026-11-26T10:30:00.000123Z",
        f"key {PUBLIC}",
    ]


def test_the_signature_is_checked_without_a_program_of_ours(tmp_path: Path) -> None:
    """By openssl, from the statement, the signature and the public key alone."""
    seal, header = SERIES[1], bytes.fromhex("302a300506032b6570032100")
    public = base64.b64decode(seal.key.removeprefix("ed25519:"))
    (tmp_path / "key.der").write_bytes(header + public)
    (tmp_path / "said").write_bytes(sealing.statement(seal))
    (tmp_path / "signature").write_bytes(base64.b64decode(seal.signature))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin"]
    command += ["-inkey", "key.der", "-in", "said", "-sigfile", "signature"]
    try:
        told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no openssl here")

    assert "Signature Verified Successfully" in told.stdout


def test_roots_chain_and_marks_are_those_of_the_rows() -> None:
    rows = [row(n) for n in (1, 2, 3)]
    leaves = [leaf(one) for one in rows]

    assert SERIES[0].root == merkle.root(leaves).hex()
    assert SERIES[0].chain == rows[-1].hash.hex()
    assert base64.b64decode(SERIES[0].marks) == b"".join(one[:MARK_BYTES] for one in leaves)


def test_the_tree_is_that_of_all_ranges() -> None:
    ranges = [sealing.range_leaf(seal) for seal in SERIES]

    assert [seal.tree for seal in SERIES] == [
        merkle.root(ranges[:n]).hex() for n in range(1, len(SERIES) + 1)
    ]


def test_a_seal_survives_its_text() -> None:
    assert [sealing.read(sealing.text(seal)) for seal in SERIES] == SERIES


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("log", "books\nnumber 7"),
        ("root", "00" * 31),
        ("root", "AA" * 32),
        ("at", "2026-11-26T10:30:00Z"),
        ("at", "2026-11-26T10:30:00.000123Z\n"),
        ("number", 0),
        ("count", -1),
        ("key", "rsa:xyz"),
        ("marks", "not base64!"),
    ],
)
def test_what_could_be_read_in_two_ways_is_no_seal(field: str, value: object) -> None:
    fields = {**msgspec.structs.asdict(SERIES[0]), field: value}

    with pytest.raises(msgspec.ValidationError):
        sealing.read(msgspec.json.encode(fields))


# ── a series ──────────────────────────────────────────────────────────────────────────────────────────────────


def resigned(seal: Seal, **change: Any) -> Seal:
    """By somebody who has the key."""
    seal = replace(seal, **change)
    return replace(seal, signature=base64.b64encode(KEY.sign(sealing.statement(seal))).decode())


def test_a_sound_series_has_no_fault() -> None:
    assert sealing.first_fault(SERIES, [PUBLIC]) is None
    assert sealing.first_fault([]) is None


CHANGES: list[tuple[str, Callable[[Seal], Seal], str]] = [
    (
        "count",
        lambda s: resigned(s, count=6, marks=base64.b64encode(bytes(24)).decode()),
        "do not follow",
    ),
    ("position", lambda s: replace(s, position=12), "do not follow"),
    ("chain", lambda s: replace(s, chain="11" * 32), "signature"),
    ("root", lambda s: replace(s, root="11" * 32), "signature"),
    ("tree", lambda s: replace(s, tree="11" * 32), "signature"),
    ("at", lambda s: replace(s, at="2026-11-26T10:30:00.000124Z"), "signature"),
    ("marks", lambda s: replace(s, marks=base64.b64encode(bytes(28)).decode()), "signature"),
    ("too few marks", lambda s: resigned(s, marks=""), "mark"),
    ("previous", lambda s: replace(s, previous="11" * 32), "before it"),
    ("log", lambda s: replace(s, log="others"), "is of the log others"),
    ("signature", lambda s: replace(s, signature=""), "signature"),
    ("tree, signed again", lambda s: resigned(s, tree="11" * 32), "tree"),
    ("root, signed again", lambda s: resigned(s, root="11" * 32), "tree"),
]


@pytest.mark.parametrize(("change", "words"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_changed_seal_is_the_first_fault(change: Callable[[Seal], Seal], words: str) -> None:
    changed = [*SERIES[:2], change(SERIES[2]), SERIES[3]]

    fault = sealing.first_fault(changed, [PUBLIC])

    assert fault is not None
    assert fault.number == 3 and words in fault.words


@pytest.mark.parametrize(
    ("kept", "number"),
    [((0, 2, 3), 3), ((1, 2, 3), 2), ((0, 2, 1, 3), 3), ((0, 1, 1, 2), 2)],
    ids=["one missing", "the first missing", "two swapped", "one twice"],
)
def test_a_series_has_all_seals_in_order(kept: tuple[int, ...], number: int) -> None:
    fault = sealing.first_fault([SERIES[n] for n in kept], [PUBLIC])

    assert fault is not None and fault.number == number


def test_a_seal_by_another_key_is_a_fault_unless_that_key_is_trusted_too() -> None:
    turned = [*SERIES[:2]]
    made = Made(turned[-1], _edge(turned))
    turned.append(sealing.make("books", made, [leaf(row(5))], row(5).hash, AT, OTHER).seal)

    assert sealing.first_fault(turned, [PUBLIC]) is not None
    assert sealing.first_fault(turned, [PUBLIC, sealing.public_key(OTHER)]) is None
    assert sealing.first_fault(turned) is None


def test_a_time_of_another_zone_is_said_in_utc() -> None:
    made = sealing.make("books", None, [leaf(row(1))], row(1).hash, AT.astimezone(WIB), KEY)

    assert made.seal.at == "2026-11-26T10:30:00.000123Z"


def _edge(seals: list[Seal]) -> merkle.Edge:
    edge = merkle.Edge()
    for seal in seals:
        edge = edge.grown(sealing.range_leaf(seal))
    return edge

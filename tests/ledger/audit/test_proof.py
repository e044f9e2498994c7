"""Proofs: every event of every range, and every later seal against every earlier one."""

import base64

import pytest

from ledger.audit import merkle, proof
from ledger.audit.leaf import leaf
from ledger.audit.proof import ExportedEvent, NotSealedYet
from ledger.audit.seal import range_leaf
from support.seal_series import row, series

SERIES = series(3, 1, 7, 2, 5)
LAST = SERIES[-1].position


def raw(path: list[str]) -> list[bytes]:
    return [bytes.fromhex(node) for node in path]


@pytest.mark.parametrize("position", range(1, LAST + 1))
def test_every_event_is_proved_up_to_the_newest_tree(position: int) -> None:
    seal = proof.covering(SERIES, position)
    rows = [row(n) for n in range(seal.first, seal.position + 1)]

    found = proof.of_event(rows, position, SERIES)

    assert found.event.position == position
    assert found.leaf == leaf(row(position)).hex()
    its_root, its_leaf = bytes.fromhex(seal.root), bytes.fromhex(found.leaf)
    assert merkle.includes(its_root, seal.count, its_leaf, found.index, raw(found.path))
    newest, size = bytes.fromhex(SERIES[-1].tree), len(SERIES)
    among = raw(found.tree_path)
    assert merkle.includes(newest, size, range_leaf(seal), seal.number - 1, among)
    old = bytes.fromhex(seal.tree)
    assert merkle.extends(newest, size, old, seal.number, raw(found.consistency))


@pytest.mark.parametrize("older", range(1, len(SERIES) + 1))
def test_every_seal_is_shown_to_continue_every_one_before(older: int) -> None:
    for newer in range(older, len(SERIES) + 1):
        found = proof.of_consistency(SERIES[:newer], older)

        trees = (bytes.fromhex(SERIES[newer - 1].tree), newer)
        assert (found.older, found.newer) == (SERIES[older - 1], SERIES[newer - 1])
        before = bytes.fromhex(SERIES[older - 1].tree)
        assert merkle.extends(*trees, before, older, raw(found.path))


@pytest.mark.parametrize("position", [0, LAST + 1])
def test_what_is_not_sealed_is_under_no_seal(position: int) -> None:
    with pytest.raises(NotSealedYet):
        proof.covering(SERIES, position)


def test_stored_bytes_are_kept_exactly_also_when_they_are_no_text() -> None:
    text = ExportedEvent.of(row(1, state=b'{"a":"\\u0000 \xc3\xa9"}'))
    bytes_ = ExportedEvent.of(row(1, state=b"\xff{"))

    assert (text.state or "").encode() == b'{"a":"\\u0000 \xc3\xa9"}'
    assert bytes_.state is None
    assert base64.b64decode(str(bytes_.state_base64)) == b"\xff{"

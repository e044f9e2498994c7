"""Merkle trees against the test vectors of RFC 6962's reference implementation, and against its definition."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit import merkle
from ledger.audit.merkle import EMPTY, Edge

# The leaves and roots of the reference implementation of Certificate Transparency.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSIONS = {  # (index, size): path
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCIES = {  # (older, newer): path
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
SIZES = range(1, 34)


def leaves_of(size: int) -> list[bytes]:
    return [merkle.leaf_hash(str(n).encode()) for n in range(size)]


def defined(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + defined(leaves[:k]) + defined(leaves[k:])).digest()


# ── the vectors ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert merkle.root([]) == Edge().root == EMPTY == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference(size: int) -> None:
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize("place", INCLUSIONS)
def test_inclusion_paths_are_those_of_the_reference(place: tuple[int, int]) -> None:
    index, size = place

    assert [node.hex() for node in merkle.inclusion_path(LEAVES[:size], index)] == INCLUSIONS[place]


@pytest.mark.parametrize("sizes", CONSISTENCIES)
def test_consistency_paths_are_those_of_the_reference(sizes: tuple[int, int]) -> None:
    older, newer = sizes

    path = merkle.consistency_path(LEAVES[:newer], older)

    assert [node.hex() for node in path] == CONSISTENCIES[sizes]


# ── the definition ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", SIZES)
def test_a_root_is_what_the_definition_says_whole_or_grown(size: int) -> None:
    edge = Edge()
    for leaf in leaves_of(size):
        edge = edge.grown(leaf)

    assert merkle.root(leaves_of(size)) == edge.root == defined(leaves_of(size))
    assert len(edge.parts) == size.bit_count()


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_is_proved_where_it_is_and_nowhere_else(size: int) -> None:
    leaves = leaves_of(size)
    tree = merkle.root(leaves)

    for index, leaf in enumerate(leaves):
        path = merkle.inclusion_path(leaves, index)
        proved = [n for n in range(-1, size + 2) if merkle.includes(tree, size, leaf, n, path)]
        assert proved == [index]
        assert not merkle.includes(tree, size, merkle.leaf_hash(b"other"), index, path)
        assert not merkle.includes(tree, size, leaf, index, [*path, tree])
        assert not any(merkle.includes(tree, size, leaf, index, path[:n]) for n in range(len(path)))


@pytest.mark.parametrize("newer", SIZES)
def test_every_beginning_is_proved_and_no_other_tree(newer: int) -> None:
    leaves = leaves_of(newer)
    tree, other = merkle.root(leaves), merkle.leaf_hash(b"other")

    for older in range(1, newer + 1):
        begun, path = merkle.root(leaves[:older]), merkle.consistency_path(leaves, older)
        assert merkle.extends(tree, newer, begun, older, path)
        assert not merkle.extends(tree, newer, other, older, path)
        assert not merkle.extends(other, newer, begun, older, path)
        assert not merkle.extends(tree, newer, begun, older, [*path, other])


def test_nothing_extends_what_is_longer_or_empty() -> None:
    two, three = leaves_of(2), leaves_of(3)
    path = merkle.consistency_path(three, 2)

    assert not merkle.extends(merkle.root(two), 2, merkle.root(three), 3, path)
    assert not merkle.extends(merkle.root(three), 3, EMPTY, 0, path)


@given(st.integers(1, 300), st.data())
def test_a_path_with_one_bit_changed_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_path(leaves, index)
    if not path:
        return
    at, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
    path[at] = (int.from_bytes(path[at]) ^ 1 << bit).to_bytes(merkle.HASH_BYTES)

    assert not merkle.includes(merkle.root(leaves), size, leaves[index], index, path)

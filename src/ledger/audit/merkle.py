"""Merkle trees as RFC 6962 (section 2.1) has them: roots, inclusion and consistency, and a tree that
grows by one leaf at a time.

Everything is said in hashes: leaves are leaf hashes, a path is what is needed beside a leaf, from the
bottom up. Checking follows RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Final, Self

HASH_BYTES: Final = 32
EMPTY: Final = hashlib.sha256().digest()

Path = list[bytes]


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    level = list(leaves) or [EMPTY]
    while len(level) > 1:
        level = _above(level)
    return level[0]


def _above(level: Sequence[bytes]) -> list[bytes]:
    """Nodes of two; one that is left over at the end stays as it is."""
    pairs = zip(level[::2], level[1::2], strict=False)
    return [*starmap(node_hash, pairs), *level[len(level) - len(level) % 2 :]]


def inclusion_path(leaves: Sequence[bytes], index: int) -> Path:
    """What proves that the leaf at `index`, from 0, is one of these."""
    level, path = list(leaves), Path()
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside])
        level, index = _above(level), index >> 1
    return path


def consistency_path(leaves: Sequence[bytes], older: int) -> Path:
    """What proves that the first `older` leaves (one at least) are what these began with."""
    return _subproof(leaves, older, complete=True)


def _subproof(leaves: Sequence[bytes], older: int, *, complete: bool) -> Path:
    if older == len(leaves):
        return [] if complete else [root(leaves)]
    split = _largest_power_below(len(leaves))
    if older <= split:
        return [*_subproof(leaves[:split], older, complete=complete), root(leaves[split:])]
    return [*_subproof(leaves[split:], older - split, complete=False), root(leaves[:split])]


def _largest_power_below(size: int) -> int:
    return int(1 << (size - 1).bit_length() - 1)


def includes(tree: bytes, size: int, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
    """Whether the leaf stands at `index` of the tree of `size` leaves whose root is `tree`."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for beside in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(beside, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and found == tree


def extends(
    newer: bytes, newer_size: int, older: bytes, older_size: int, path: Sequence[bytes]
) -> bool:
    """Whether the newer tree begins with all leaves of the older one."""
    if older_size == newer_size:
        return not path and older == newer
    if not 0 < older_size < newer_size or not path:
        return False
    nodes = list(path)
    if older_size & (older_size - 1) == 0:
        nodes.insert(0, older)
    place, last = older_size - 1, newer_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    of_older = of_newer = nodes[0]
    for beside in nodes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            of_older, of_newer = node_hash(beside, of_older), node_hash(beside, of_newer)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            of_newer = node_hash(of_newer, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and (of_older, of_newer) == (older, newer)


@dataclass(frozen=True, slots=True)
class Edge:
    """A tree as its right edge: the roots of its perfect parts, the largest first. One for each bit
    of `size`, so a tree of a million leaves is twenty hashes, and grows without a look at the rest.
    """

    size: int = 0
    parts: tuple[bytes, ...] = ()

    def grown(self, leaf: bytes) -> Self:
        parts, size = [*self.parts, leaf], self.size
        while size & 1:
            right = parts.pop()
            parts[-1] = node_hash(parts[-1], right)
            size >>= 1
        return type(self)(self.size + 1, tuple(parts))

    @property
    def root(self) -> bytes:
        if not self.parts:
            return EMPTY
        *others, found = self.parts
        for part in reversed(others):
            found = node_hash(part, found)
        return found

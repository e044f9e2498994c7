"""bukubesar-verify: checks what Bukubesar gives out, offline, without Bukubesar and without its database.

    bukubesar-verify --key ed25519:… log.jsonl seals.jsonl     an exported log, and that it is what was sealed
    bukubesar-verify --key ed25519:… old.jsonl new.jsonl       seals, and that the new ones continue the old ones
    bukubesar-verify --key ed25519:… proof.json                one event under a seal, or one seal after another

What a file is, is seen from what is in it. Exit code 0 when everything holds; 1 when something does not, with
the first place that is wrong; 2 when a file cannot be read. The key is the public one, got from somewhere else
than the files; `--key any` believes whatever key a seal names. This file stands alone: it needs Python 3.11 and
the package `cryptography`, and shares no code with the rest, so that no mistake there is repeated here.
"""

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Fields = dict[str, Any]
Texts = Sequence[str]

NOTHING, MARK_BYTES = "00" * 32, 4

# The fields of a seal in the order in which they are signed, and what each has to look like: else a hash.
NUMBERS = ("number", "position", "count")
SIGNED = ("log", *NUMBERS, "chain", "root", "tree", "marks", "previous", "at", "key")
LOOKS = dict.fromkeys(NUMBERS, r"[1-9]\d{0,18}") | {
    "log": r"[a-z][a-z0-9_]*",
    "marks": r"[A-Za-z0-9+/]*={0,2}",
    "at": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "key": r"ed25519:[A-Za-z0-9+/]{43}=",
}


class Wrong(Exception):
    """Something does not hold: what, and at which position of the log."""


class Unreadable(Exception):
    """A file is not what it should be."""


class Result(NamedTuple):
    file: str
    ok: bool
    words: str
    position: int = 0  # the first that is wrong


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two below `size`."""
    return int(2 ** ((size - 1).bit_length() - 1))


def root_of(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    left = split(len(leaves))
    return node_hash(root_of(leaves[:left]), root_of(leaves[left:]))


def root_by_path(leaf: bytes, index: int, size: int, path: Texts) -> bytes:
    """The root of the tree of `size` leaves in which `leaf` stands at `index`, if the path is right."""
    if size == 1 and not path and index == 0:
        return leaf
    if size == 1 or not path:
        raise Wrong("the path is of another length")
    left, beside = split(size), bytes.fromhex(path[-1])
    if index < left:
        return node_hash(root_by_path(leaf, index, left, path[:-1]), beside)
    return node_hash(beside, root_by_path(leaf, index - left, size - left, path[:-1]))


def roots_by_path(
    older: bytes, older_size: int, size: int, path: Texts, whole: bool = True
) -> tuple[bytes, bytes]:
    """The roots of the older and the newer tree, if the path shows that one continues the other."""
    if older_size == size and len(path) == (0 if whole else 1):
        root = older if whole else bytes.fromhex(path[0])
        return root, root
    if older_size == size or not path:
        raise Wrong("the path is of another length")
    left, beside = split(size), bytes.fromhex(path[-1])
    if older_size <= left:
        before, after = roots_by_path(older, older_size, left, path[:-1], whole)
        return before, node_hash(after, beside)
    before, after = roots_by_path(older, older_size - left, size - left, path[:-1], False)
    return node_hash(beside, before), node_hash(beside, after)


class Growing:
    """A tree to which leaves are added, as the roots of its perfect parts."""

    def __init__(self) -> None:
        self.parts: list[tuple[int, bytes]] = []  # how many leaves, and their root

    def add(self, leaf: bytes) -> None:
        self.parts.append((1, leaf))
        while len(self.parts) > 1 and self.parts[-1][0] == self.parts[-2][0]:
            (size, right), (_, left) = self.parts.pop(), self.parts.pop()
            self.parts.append((size * 2, node_hash(left, right)))

    def root(self) -> str:
        parts = [part for _, part in reversed(self.parts)]
        return reduce(lambda right, left: node_hash(left, right), parts).hex()


def stored_bytes(event: Fields) -> bytes:
    if event.get("state") is None:
        return base64.b64decode(event["stateBase64"], validate=True)
    return str(event["state"]).encode()


def entry_of(event: Fields) -> bytes:
    """The row as PostgreSQL's binary COPY writes it."""
    command, fingerprint = event["commandId"], event["fingerprint"]
    columns = (
        struct.pack(">q", event["position"]),
        event["stream"].encode(),
        struct.pack(">q", event["version"]),
        event["topic"].encode(),
        stored_bytes(event),
        bytes.fromhex(event["hash"]),
        None if command is None else command.encode(),
        None if fingerprint is None else bytes.fromhex(fingerprint),
    )
    sizes = (struct.pack(">i", -1 if column is None else len(column)) for column in columns)
    parts = (size + (column or b"") for size, column in zip(sizes, columns, strict=True))
    return struct.pack(">h", len(columns)) + b"".join(parts)


def chained(previous: bytes, event: Fields) -> bytes:
    stream, topic = event["stream"].encode(), event["topic"].encode()
    text = previous + struct.pack(">qi", event["position"], len(stream)) + stream
    text += struct.pack(">qi", event["version"], len(topic)) + topic + stored_bytes(event)
    return hashlib.sha256(text).digest()


def unbalanced(event: Fields) -> str:
    sums: Counter[str] = Counter()
    try:
        for leg in json.loads(stored_bytes(event))["d"]["legs"]:
            sums[leg["amount"]["currency"]] += leg["amount"]["minor"]
    except (ValueError, LookupError, TypeError):
        return "the entry cannot be read"
    found = ", ".join(f"{currency} {minor}" for currency, minor in sums.items() if minor)
    return "" if sums and not found else f"the entry does not balance: {found or 'it has no legs'}"


class Log:
    """Goes through an exported log, event by event."""

    def __init__(self, seals: Sequence[Fields]) -> None:
        self.position, self.hash, self.sealed = 0, bytes(32), 0
        self._versions: Counter[str] = Counter()
        self._seals = iter(seals)
        self._seal = next(self._seals, None)
        self._leaves: list[bytes] = []
        self._marks = b""

    def read(self, event: Fields) -> None:
        position = self.position + 1
        if event["position"] != position:
            first = min(event["position"], position)
            raise Wrong(f"after {self.position} comes {event['position']}", first)
        self._against_seal(event)
        self.hash = chained(self.hash, event)
        if self.hash.hex() != event["hash"]:
            raise Wrong("the hash does not follow from the event and the hash before it", position)
        self._versions[event["stream"]] += 1
        if self._versions[event["stream"]] != event["version"]:
            raise Wrong(f"it is not version {event['version']} of {event['stream']}", position)
        if event["topic"].startswith("journal.entry_posted.") and (words := unbalanced(event)):
            raise Wrong(words, position)
        self.position = position

    def _against_seal(self, event: Fields) -> None:
        if (seal := self._seal) is None:
            return
        self._marks = self._marks or base64.b64decode(seal["marks"])
        self._leaves.append(leaf_hash(entry_of(event)))
        mark, self._marks = self._marks[:MARK_BYTES], self._marks[MARK_BYTES:]
        if self._leaves[-1][:MARK_BYTES] != mark:
            words = f"it is not the event that seal {seal['number']} of {seal['at']} covers"
            raise Wrong(words, event["position"])
        if len(self._leaves) == seal["count"]:
            if (root_of(self._leaves).hex(), event["hash"]) != (seal["root"], seal["chain"]):
                words = f"an event up to {seal['position']} is not what was sealed"
                raise Wrong(words, seal["position"] - seal["count"] + 1)
            self.sealed, self._leaves = seal["position"], []
            self._seal = next(self._seals, None)

    def end(self) -> None:
        if seal := self._seal:
            raise Wrong(f"the log ends before what seal {seal['number']} covers", self.position + 1)


def statement(seal: Fields) -> bytes:
    """What is signed."""
    for name in SIGNED:
        if not re.fullmatch(LOOKS.get(name, "[0-9a-f]{64}"), str(seal.get(name, "")), re.ASCII):
            raise Wrong(f"a seal has no {name}, or one that could be read in two ways")
    marks = hashlib.sha256(base64.b64decode(seal["marks"])).hexdigest()
    lines = [f"{name} {marks if name == 'marks' else seal[name]}" for name in SIGNED]
    return ("bukubesar seal v1\n" + "\n".join(lines) + "\n").encode()


def range_leaf(seal: Fields) -> bytes:
    numbers = struct.pack(">qq", seal["position"], seal["count"])
    return leaf_hash(numbers + bytes.fromhex(seal["chain"]) + bytes.fromhex(seal["root"]))


def check_signature(seal: Fields, keys: Texts) -> None:
    said, name = statement(seal), f"seal {seal['number']}"
    if keys and seal["key"] not in keys:
        raise Wrong(f"{name} is signed with another key, {seal['key']}")
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(seal["key"].split(":")[1]))
        key.verify(base64.b64decode(seal["signature"]), said)
    except (InvalidSignature, ValueError, LookupError):
        raise Wrong(f"the signature of {name} is not by its key") from None


def check_series(seals: Iterable[Fields], keys: Texts) -> None:
    """All seals from the first on."""
    number, position, log, previous, tree = 0, 0, None, NOTHING, Growing()
    for seal in seals:
        check_signature(seal, keys)
        name, number, position = f"seal {seal['number']}", number + 1, position + seal["count"]
        if seal["number"] != number:
            raise Wrong(f"{name} stands where seal {number} should")
        if seal["position"] != position or log not in (None, seal["log"]):
            raise Wrong(f"{name} does not follow on seal {number - 1}")
        if seal["previous"] != previous:
            raise Wrong(f"{name} does not name the seal before it")
        if len(base64.b64decode(seal["marks"])) != MARK_BYTES * seal["count"]:
            raise Wrong(f"{name} has not one mark for each event")
        tree.add(range_leaf(seal))
        if seal["tree"] != tree.root():
            raise Wrong(f"the tree of {name} is not that of the ranges up to it")
        log, previous = seal["log"], hashlib.sha256(statement(seal)).hexdigest()


def check_continues(newer: Fields, older: Fields, path: Texts, keys: Texts) -> None:
    check_signature(older, keys)
    check_signature(newer, keys)
    old, new = bytes.fromhex(older["tree"]), bytes.fromhex(newer["tree"])
    if not 0 < older["number"] <= newer["number"] or older["log"] != newer["log"]:
        raise Wrong(f"seal {newer['number']} is not later than seal {older['number']}")
    if roots_by_path(old, older["number"], newer["number"], path) != (old, new):
        raise Wrong(f"seal {newer['number']} does not continue seal {older['number']}")


def check_seals(seals: Sequence[Fields], series: Sequence[Fields], keys: Texts) -> str:
    check_series(seals, keys)
    check_same(seals, series)
    last, found = seals[-1], ", ".join(sorted({seal["key"] for seal in seals}))
    words = f"{len(seals)} seals over {last['position']} events, the last of {last['at']}, signed"
    return f"{words} with {found}"


def check_same(one: Sequence[Fields], other: Sequence[Fields]) -> None:
    known = {seal["number"]: statement(seal) for seal in other}
    for seal in one:
        if known.get(seal["number"], statement(seal)) != statement(seal):
            raise Wrong(f"there are two seals of number {seal['number']}")


def check_event(proof: Fields, keys: Texts) -> str:
    event, seal, newest = proof["event"], proof["seal"], proof["newest"]
    check_continues(newest, seal, proof["consistency"], keys)
    leaf = leaf_hash(entry_of(event))
    index = event["position"] - seal["position"] + seal["count"] - 1
    root = root_by_path(leaf, index, seal["count"], proof["path"])
    found = (leaf.hex(), index, root.hex())
    if found != (proof["leaf"], proof["index"], seal["root"]):
        raise Wrong(f"the event is not under seal {seal['number']}", event["position"])
    at, size = seal["number"] - 1, newest["number"]
    if root_by_path(range_leaf(seal), at, size, proof["treePath"]).hex() != newest["tree"]:
        raise Wrong(f"the range of seal {seal['number']} is not under seal {size}")
    what = f"event {event['position']}, {event['topic']}, version {event['version']} of"
    return f"{what} {event['stream']}, is under seal {seal['number']} of {seal['at']}"


def check_consistency(proof: Fields, keys: Texts) -> str:
    older, newer = proof["older"], proof["newer"]
    check_continues(newer, older, proof["path"], keys)
    return f"seal {newer['number']} of {newer['at']} continues seal {older['number']}"


def check_log(events: Iterable[Fields], seals: Sequence[Fields]) -> str:
    log = Log(seals)
    for event in events:
        log.read(event)
    log.end()
    sealed = f"; as sealed up to {log.sealed}, {log.position - log.sealed} since" if seals else ""
    return f"{log.position} events that follow from each other to {log.hash.hex()}{sealed}"


def kind_of(path: Path) -> str:
    """`seals`, `log`, or the format of a proof."""
    try:
        with path.open(encoding="utf-8") as file:
            first = file.readline() or '{"topic": "an empty log"}'
        what = json.loads(first if first.rstrip().endswith("}") else path.read_text("utf-8"))
        found = [kind for kind, field in KINDS.items() if field in what]
        return found[0] if found else str(what.get("format"))
    except (ValueError, TypeError, AttributeError):
        raise Unreadable(f"{path}: this is no JSON of ours") from None


def seals_of(path: Path) -> list[Fields]:
    """Once each. A line that was torn when a process died is followed by the whole seal."""
    found: dict[str, Fields] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError):
            found.setdefault(line, json.loads(line))
    return list(found.values())


def checked(files: Sequence[Path], keys: Texts) -> Iterator[Result]:
    kinds = {path: kind_of(path) for path in files}
    seals = {path: seals_of(path) for path, kind in kinds.items() if kind == "seals"}
    # The longest series speaks for all: each is shown not to contradict it.
    series = max(seals.values(), key=len, default=[])
    for path, kind in sorted(kinds.items(), key=lambda item: item[1] != "seals"):
        try:
            if kind == "seals":
                words = check_seals(seals[path], series, keys)
            elif kind == "log":
                with path.open(encoding="utf-8") as file:
                    words = check_log(map(json.loads, file), series)
            elif kind in PROOFS:
                proof = json.loads(path.read_text(encoding="utf-8"))
                words = PROOFS[kind](proof, keys)
                check_same([proof[name] for name in proof if name in SEALS_OF_PROOFS], series)
            else:
                raise Unreadable(f"{path}: this is neither a log nor seals nor a proof")
            yield Result(str(path), True, words)
        except Wrong as wrong:
            yield Result(str(path), False, *wrong.args)
        except (LookupError, TypeError, ValueError, AttributeError, struct.error) as error:
            raise Unreadable(f"{path}: a part is missing or malformed, {error!r}") from None


KINDS = {"seals": "signature", "log": "topic"}
PROOFS = {
    "bukubesar event proof v1": check_event,
    "bukubesar consistency proof v1": check_consistency,
}
SEALS_OF_PROOFS = ("seal", "newest", "older", "newer")


def told(results: Sequence[Result], as_json: bool) -> str:
    if as_json:
        ok = all(result.ok for result in results)
        return json.dumps({"ok": ok, "checks": [result._asdict() for result in results]}, indent=2)
    return "\n".join(
        f"{'ok' if ok else 'WRONG':<6} {file}: {f'at position {at}: ' if at else ''}{words}"
        for file, ok, words, at in results
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("bukubesar-verify", description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="logs, seals, proofs")
    parser.add_argument("--key", action="append", required=True, help="public key, or `any`")
    parser.add_argument("--json", action="store_true", help="for programs")
    asked = parser.parse_args(arguments)
    try:
        results = list(checked(asked.files, () if asked.key == ["any"] else asked.key))
    except (Unreadable, OSError) as error:
        print(f"bukubesar-verify: {error}", file=sys.stderr)
        return 2
    print(told(results, asked.json))
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())

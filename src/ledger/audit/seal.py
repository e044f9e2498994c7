"""A seal: what the log was up to a position, signed, so that whoever keeps it can tell later whether
history was changed.

What is signed is a text of one line a field (`statement`), so that a seal can be read, and its
signature checked, without a program of ours. Hashes are in hexadecimal.
"""

import base64
import binascii
import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.audit import merkle
from ledger.audit.leaf import MARK_BYTES
from ledger.audit.merkle import Edge

NOTHING: Final = "00" * 32  # what stands for the seal before the first
TITLE: Final = "bukubesar seal v1"
KEY_PREFIX: Final = "ed25519:"
# In the order in which they are signed; `marks` as the hash of what the seal carries.
SIGNED: Final = (
    *("log", "number", "position", "count", "chain", "root"),
    *("tree", "marks", "previous", "at", "key"),
)


# Whatever reads seals holds them to these, so that a statement has one reading only.
Number = Annotated[int, msgspec.Meta(ge=1, le=2**62)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*\Z")]
Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Moment = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")]
Base64 = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]*={0,2}\Z")]
PublicKey = Annotated[str, msgspec.Meta(pattern=r"^ed25519:[A-Za-z0-9+/]{43}=\Z")]


class Seal(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    log: Name  # the schema: one key may seal several logs
    number: Number  # without gaps
    position: Number  # of the last event in the range
    count: Number  # of events in the range
    chain: Hash  # the hash of the event at `position`
    root: Hash  # of the Merkle tree over the rows of the range
    tree: Hash  # of the Merkle tree over all ranges from the first to this one
    previous: Hash  # of the statement before
    at: Moment  # when it was made, in UTC
    key: PublicKey  # that `signature` is to be checked with
    marks: Base64  # the first bytes of each leaf hash: which event of the range it is
    signature: Base64 = ""

    @property
    def first(self) -> int:
        return self.position - self.count + 1


class Made(NamedTuple):
    seal: Seal
    edge: Edge  # of the tree over ranges, from which the next one grows


class Fault(NamedTuple):
    """The first thing that is wrong with a series of seals."""

    number: int
    words: str


def statement(seal: Seal) -> bytes:
    marks = hashlib.sha256(_decoded(seal.marks)).hexdigest()
    values = {**msgspec.structs.asdict(seal), "marks": marks}
    lines = [TITLE, *(f"{name} {values[name]}" for name in SIGNED)]
    return ("\n".join(lines) + "\n").encode()


def text(seal: Seal) -> str:
    """As it is kept everywhere: one line of JSON."""
    return msgspec.json.encode(seal).decode()


def read(line: str | bytes) -> Seal:
    """Raises msgspec.DecodeError when it is no seal."""
    return msgspec.json.decode(line, type=Seal)


def digest(seal: Seal | None) -> str:
    """What the next seal names as the one before it."""
    return hashlib.sha256(statement(seal)).hexdigest() if seal else NOTHING


def range_leaf(seal: Seal) -> bytes:
    """The range of a seal as a leaf of the tree over ranges."""
    numbers = seal.position.to_bytes(8) + seal.count.to_bytes(8)
    return merkle.leaf_hash(numbers + bytes.fromhex(seal.chain) + bytes.fromhex(seal.root))


def make(
    log: str,
    previous: Made | None,
    leaves: Sequence[bytes],
    chain: bytes,
    now: datetime,
    key: Ed25519PrivateKey,
) -> Made:
    """The seal over the rows after the previous one: their leaf hashes, and the hash that the last of
    them has in the chain.
    """
    before = previous.seal if previous else None
    seal = Seal(
        log=log,
        number=(before.number if before else 0) + 1,
        position=(before.position if before else 0) + len(leaves),
        count=len(leaves),
        chain=chain.hex(),
        root=merkle.root(leaves).hex(),
        tree="",
        previous=digest(before),
        at=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        key=public_key(key),
        marks=base64.b64encode(b"".join(leaf[:MARK_BYTES] for leaf in leaves)).decode(),
    )
    edge = (previous.edge if previous else Edge()).grown(range_leaf(seal))
    seal = msgspec.structs.replace(seal, tree=edge.root.hex())
    signature = base64.b64encode(key.sign(statement(seal))).decode()
    return Made(msgspec.structs.replace(seal, signature=signature), edge)


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────────


def signing_key(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key(key: Ed25519PrivateKey) -> str:
    """As it is published: `ed25519:` and base64."""
    return KEY_PREFIX + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def is_signed(seal: Seal) -> bool:
    """By the key that it names; whose key that is, only its reader can know."""
    try:
        key = Ed25519PublicKey.from_public_bytes(_decoded(seal.key.removeprefix(KEY_PREFIX)))
        key.verify(_decoded(seal.signature), statement(seal))
    except (InvalidSignature, ValueError):
        return False
    return True


# ── a series ──────────────────────────────────────────────────────────────────────────────────────────────────


def first_fault(seals: Iterable[Seal], keys: Collection[str] = ()) -> Fault | None:
    """Of seals from the first one on. `keys` are those that are trusted; without any, each seal is
    held to the key that it names.
    """
    previous, edge = None, Edge()
    for seal in seals:
        if words := _fault_beside(previous, seal) or _fault_of_its_own(seal, keys):
            return Fault(seal.number, words)
        edge = edge.grown(range_leaf(seal))
        if seal.tree != edge.root.hex():
            return Fault(seal.number, "its tree is not that of the ranges up to it")
        previous = seal
    return None


def _fault_beside(previous: Seal | None, seal: Seal) -> str:
    number, position = (previous.number, previous.position) if previous else (0, 0)
    if seal.number != number + 1:
        return f"it follows seal {number}"
    if previous and seal.log != previous.log:
        return f"it is of the log {seal.log}, those before it are of {previous.log}"
    if seal.count < 1 or seal.position != position + seal.count:
        return f"its {seal.count} events to {seal.position} do not follow those to {position}"
    return "" if seal.previous == digest(previous) else "it does not name the seal before it"


def _fault_of_its_own(seal: Seal, keys: Collection[str]) -> str:
    if len(_decoded(seal.marks)) != MARK_BYTES * seal.count:
        return "it has not one mark for each event"
    if keys and seal.key not in keys:
        return f"it is signed with another key, {seal.key}"
    return "" if is_signed(seal) else "its signature is not by the key that it names"


def _decoded(text: str) -> bytes:
    """Nothing, when it is no base64: then it is not what was signed either."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""

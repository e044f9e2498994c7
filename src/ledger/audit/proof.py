"""Proofs that can be checked by somebody who has nothing else of the log: that an event is in the range
of a seal, and that a later seal continues an earlier one.
"""

import base64
from collections.abc import Sequence
from typing import Final

import msgspec

from ledger.audit import merkle
from ledger.audit.leaf import leaf
from ledger.audit.seal import Seal, range_leaf
from ledger.errors import Conflict, NotFound
from ledger.eventstore.log_row import LogRow

EVENT: Final = "bukubesar event proof v1"
CONSISTENCY: Final = "bukubesar consistency proof v1"


class NotSealedYet(Conflict):
    code = "not_sealed_yet"
    title = "No seal covers this position yet; one is made every minute."


class SealUnknown(NotFound):
    code = "seal_unknown"
    title = "There is no seal of this number."


class ExportedEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A row of the log as exports and proofs have it: `state` is the stored text, exactly; bytes that
    are none stand in base64 instead.
    """

    position: int
    stream: str
    version: int
    topic: str
    state: str | None
    state_base64: str | msgspec.UnsetType = msgspec.UNSET
    hash: str
    command_id: str | None
    fingerprint: str | None

    @classmethod
    def of(cls, row: LogRow) -> "ExportedEvent":
        state: str | None = None
        encoded: str | msgspec.UnsetType = msgspec.UNSET
        try:
            state = row.state.decode()
        except UnicodeDecodeError:
            encoded = base64.b64encode(row.state).decode()
        return cls(
            position=row.position,
            stream=row.stream,
            version=row.version,
            topic=row.topic,
            state=state,
            state_base64=encoded,
            hash=row.hash.hex(),
            command_id=row.command_id,
            fingerprint=None if row.fingerprint is None else row.fingerprint.hex(),
        )


class EventProof(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    format: str = EVENT
    event: ExportedEvent
    leaf: str
    index: int  # in the range, from 0
    path: list[str]  # from the leaf to the root of the range
    seal: Seal  # of the range
    tree_path: list[str]  # from the range to the tree of `newest`
    newest: Seal
    consistency: list[str]  # that the tree of `newest` continues that of `seal`


class ConsistencyProof(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    format: str = CONSISTENCY
    older: Seal
    newer: Seal
    path: list[str]


def of_event(rows: Sequence[LogRow], position: int, seals: Sequence[Seal]) -> EventProof:
    """`rows` are those of the range that the event at `position` is in, `seals` all from the first."""
    seal = covering(seals, position)
    leaves, index = [leaf(row) for row in rows], position - seal.first
    ranges = [range_leaf(one) for one in seals]
    return EventProof(
        event=ExportedEvent.of(rows[index]),
        leaf=leaves[index].hex(),
        index=index,
        path=_hex(merkle.inclusion_path(leaves, index)),
        seal=seal,
        tree_path=_hex(merkle.inclusion_path(ranges, seal.number - 1)),
        newest=seals[-1],
        consistency=_hex(merkle.consistency_path(ranges, seal.number)),
    )


def of_consistency(seals: Sequence[Seal], older: int) -> ConsistencyProof:
    """That the last of the seals, which are all from the first, continues seal number `older`. Raises
    SealUnknown.
    """
    if older > len(seals):
        raise SealUnknown(f"There is no seal {older} among {len(seals)}.")
    ranges = [range_leaf(one) for one in seals]
    path = merkle.consistency_path(ranges, older)
    return ConsistencyProof(older=seals[older - 1], newer=seals[-1], path=_hex(path))


def covering(seals: Sequence[Seal], position: int) -> Seal:
    """The seal whose range an event is in; raises NotSealedYet."""
    for seal in seals:
        if seal.first <= position <= seal.position:
            return seal
    raise NotSealedYet(position=position, sealed=seals[-1].position if seals else 0)


def _hex(path: merkle.Path) -> list[str]:
    return [node.hex() for node in path]

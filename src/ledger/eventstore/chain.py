"""The hash chain: each event's hash covers the one before, so that no event can be changed, moved or
removed unnoticed.

    hash = SHA-256(previous hash ‖ position ‖ length ‖ stream ‖ version ‖ length ‖ topic ‖ bytes)

Numbers are big-endian: positions and versions of 8 bytes, the lengths of stream and topic of 4. The
same formula stands in schema.sql, which computes it under the append lock; a test compares the two.
"""

import hashlib
import struct
from typing import Final

GENESIS: Final = bytes(32)
_NUMBER_AND_LENGTH: Final = struct.Struct(">qi")


def link(
    previous: bytes, position: int, stream: str, version: int, topic: str, state: bytes
) -> bytes:
    name, kind = stream.encode(), topic.encode()
    return hashlib.sha256(
        previous
        + _NUMBER_AND_LENGTH.pack(position, len(name))
        + name
        + _NUMBER_AND_LENGTH.pack(version, len(kind))
        + kind
        + state
    ).digest()

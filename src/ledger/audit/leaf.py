"""What a Merkle leaf covers: a whole row of the table of events, every column of it.

A leaf's entry is the row as PostgreSQL's `COPY … (format binary)` writes it: the number of columns in
2 bytes, then each column with its length in 4 bytes before it (-1 for null); numbers are big-endian.
So an entry can be had from the database without any program of ours.
"""

import struct
from typing import Final

from ledger.audit.merkle import leaf_hash
from ledger.eventstore.log_row import COLUMNS, LogRow

MARK_BYTES: Final = 4  # of a leaf hash: enough to tell which leaf of a range is another

# What stands before the stream, the version and the topic: how many columns there are, and lengths.
_BEGIN: Final = struct.Struct(">hiqi")
_VERSION: Final = struct.Struct(">iqi")
_LENGTH: Final = struct.Struct(">i")
_NULL: Final = _LENGTH.pack(-1)


def entry(row: LogRow) -> bytes:
    position, stream, version, topic, state, digest, command, fingerprint = row
    name, kind = stream.encode(), topic.encode()
    size = _LENGTH.pack
    return b"".join(
        (
            _BEGIN.pack(len(COLUMNS), 8, position, len(name)),
            name,
            _VERSION.pack(8, version, len(kind)),
            kind,
            size(len(state)),
            state,
            size(len(digest)),
            digest,
            _NULL if command is None else _with_length(command.encode()),
            _NULL if fingerprint is None else _with_length(fingerprint),
        )
    )


def leaf(row: LogRow) -> bytes:
    return leaf_hash(entry(row))


def _with_length(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value

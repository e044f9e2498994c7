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

_BEGIN: Final = struct.Struct(">hiqi")  # how many columns; position; length of the stream's name
_VERSION: Final = struct.Struct(">iqi")  # and the length of the topic
_LENGTH: Final = struct.Struct(">i")
_NULL: Final = _LENGTH.pack(-1)


def entry(row: LogRow) -> bytes:
    stream, topic = row.stream.encode(), row.topic.encode()
    return b"".join(
        (
            _BEGIN.pack(len(COLUMNS), 8, row.position, len(stream)),
            stream,
            _VERSION.pack(8, row.version, len(topic)),
            topic,
            _LENGTH.pack(len(row.state)),
            row.state,
            _LENGTH.pack(len(row.hash)),
            row.hash,
            _nullable(None if row.command_id is None else row.command_id.encode()),
            _nullable(row.fingerprint),
        )
    )


def leaf(row: LogRow) -> bytes:
    return leaf_hash(entry(row))


def _nullable(value: bytes | None) -> bytes:
    return _NULL if value is None else _LENGTH.pack(len(value)) + value

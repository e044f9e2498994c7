"""PostgreSQL's binary form of arrays and numbers; arrays are made by hand because psycopg's list parameters cost five
times the CPU (parts.md 3).
"""

import struct
from collections.abc import Sequence
from typing import Final

TEXT, BYTEA, INT8 = 25, 17, 20
TEXTS, BYTEAS, INT8S = 1009, 1001, 1016

_LENGTH: Final = struct.Struct(">i")
_INT8_ITEM: Final = struct.Struct(">iq")
_NULL: Final = _LENGTH.pack(-1)


def texts(items: Sequence[bytes | None]) -> bytes:
    """`text[]` of strings in UTF-8."""
    return _array(TEXT, items)


def byteas(items: Sequence[bytes | None]) -> bytes:
    return _array(BYTEA, items)


def int8s(items: Sequence[int]) -> bytes:
    pack = _INT8_ITEM.pack
    return _header(INT8, len(items)) + b"".join([pack(8, item) for item in items])


def number(binary: bytes) -> int:
    """An integer of any width."""
    return int.from_bytes(binary, signed=True)


def _array(element: int, items: Sequence[bytes | None]) -> bytes:
    pack = _LENGTH.pack
    parts = [_NULL if item is None else pack(len(item)) + item for item in items]
    return _header(element, len(items)) + b"".join(parts)


def _header(element: int, length: int) -> bytes:
    return struct.pack(">iiiii", 1, 1, element, length, 1)

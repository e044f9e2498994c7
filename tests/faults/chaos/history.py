"""What the merchant's program knows: each command it meant, each answer it got, each time it got none.

One JSON line each, flushed at once; the checker believes this file and the gateway's book, and nobody else.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from support.customer import Fields


class History:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)

    def note(self, what: str, **facts: Any) -> None:
        line = msgspec.json.encode({"at": round(time.time(), 3), "what": what, **facts})
        self._file.write(line + b"\n")

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> Iterator[Fields]:
    for line in path.read_bytes().splitlines():
        yield msgspec.json.decode(line)

"""A file that is written and never read back: what was written is taken away piece by piece."""

import io
from typing import Any


class Pieces(io.RawIOBase):
    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._written.append(bytes(piece))
        self._length += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._length

    def taken(self) -> bytes:
        """What was written since this was last called."""
        written, self._written = self._written, []
        return b"".join(written)

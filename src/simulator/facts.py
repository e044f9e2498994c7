"""Charges, refunds and what became of them, as JSON lines in a file that survives the simulator.

Each line is written when the fact happens and before anybody is answered, by one system call: a
killed process leaves everything it did. A line cut short by the death of the machine is ended when
the next process begins, so that facts never run into each other.

Lines: `start` (a process began; its request serials count from 1 again), `charge`, `status` (what a
transaction became), `refund` (its `status`: accepted, confirmed or denied).
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from simulator.request_log import iso


class FactFile:
    def __init__(self, path: Path, now: datetime) -> None:
        self._file: BinaryIO = path.open("a+b", buffering=0)
        if self._is_cut_short():
            self._file.write(b"\n")
        self.write("start", now)

    def write(self, fact: str, at: datetime, **more: Any) -> None:
        self._file.write(msgspec.json.encode({"at": iso(at), "fact": fact} | more) + b"\n")

    def close(self) -> None:
        self._file.close()

    def _is_cut_short(self) -> bool:
        if self._file.seek(0, os.SEEK_END) == 0:
            return False
        self._file.seek(-1, os.SEEK_END)
        return self._file.read(1) != b"\n"

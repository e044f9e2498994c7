"""The list of erasures, outside the database: after a restore it says whom to erase again.

One JSON line each, of ids, times and who decided; nothing that names a person.
"""

import fcntl
import os
from pathlib import Path
from typing import NamedTuple

import msgspec

from api.durability import keep_on_disk
from ledger.privacy.service import Listed


def enter(path: Path, listed: Listed) -> None:
    """Durable when it returns. Whom a line names already is not written again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another process may be here; closing gives it back
        file.seek(0)
        content = file.read()
        if any(_same(line, listed) for line in content.splitlines()):
            return
        torn = b"\n" if content and not content.endswith(b"\n") else b""
        file.write(torn + msgspec.json.encode(listed) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if not content:
        keep_on_disk(path.parent)


class Read(NamedTuple):
    """`torn`: lines that say nothing. A write that was cut short leaves one, and the line follows whole."""

    listed: list[Listed]
    torn: int


def read(path: Path) -> Read:
    """In the order in which they were approved, each once."""
    lines = [_read(line) for line in path.read_bytes().splitlines() if line]
    found = {(one.customer_id, one.subjects): one for one in lines if one}
    return Read(list(found.values()), lines.count(None))


def _same(line: bytes, listed: Listed) -> bool:
    known = _read(line)
    return known is not None and (known.customer_id, known.subjects) == (
        listed.customer_id,
        listed.subjects,
    )


def _read(line: bytes) -> Listed | None:
    try:
        return msgspec.json.decode(line, type=Listed)
    except msgspec.DecodeError:
        return None

"""Places for seals: a file that only grows, and a folder with a file for each seal."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from api.durability import keep_on_disk
from ledger.audit import seal as sealing
from ledger.audit.seal import Seal
from ledger.audit.sink import Sink
from ledger.settings import SealSettings

TAIL_BYTES: Final = 64 * 1024


def sinks(settings: SealSettings) -> list[Sink]:
    found: list[Sink] = []
    if settings.file:
        found.append(FileSink(settings.file))
    if settings.folder:
        found.append(FolderSink(settings.folder))
    return found


class FileSink:
    """One JSON line a seal. Opened for appending only, so that it may be one that the system lets
    nobody shorten. A line that was torn in the middle stays, and the seal follows whole.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"file {path}"
        self._path = path

    def newest(self) -> Seal | None:
        if not self._path.exists():
            return None
        return next((seal for line in _lines_backwards(self._path) if (seal := _read(line))), None)

    def write(self, seals: Sequence[Seal]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self._path.exists()
        with self._path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # another worker may be here; closing gives it back
            last = self.newest()
            if _is_torn(self._path):
                file.write(b"\n")
            for seal in seals:
                if last is None or seal.number > last.number:
                    file.write(f"{sealing.text(seal)}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            keep_on_disk(self._path.parent)


class FolderSink:
    """A file a seal, named by its number, which is never written twice: as for a store of objects with
    retention, or a repository.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"folder {path}"
        self._path = path
        self._last: Seal | None = None  # that we know of: a folder of years is long to look through

    def newest(self) -> Seal | None:
        if self._last is None:
            names = sorted(self._path.glob("*.json"), reverse=True)
            self._last = next((s for name in names if (s := _read(name.read_bytes()))), None)
        return self._last

    def write(self, seals: Sequence[Seal]) -> None:
        self._path.mkdir(parents=True, exist_ok=True)
        for seal in seals:
            name = f"{seal.number:012}"
            part = self._path / f".{name}.{os.getpid()}"
            with part.open("w") as file:
                file.write(f"{sealing.text(seal)}\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path / f"{name}.json")
            self._last = seal
        keep_on_disk(self._path)


def kept_in(path: Path) -> list[Seal]:
    """The seals of such a file or folder, in order; what is torn or there twice is left out."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    found: dict[Seal, None] = {}
    for file in files:
        with file.open("rb") as lines:
            found.update({seal: None for line in lines if (seal := _read(line))})
    return list(found)


def _read(line: bytes) -> Seal | None:
    try:
        return sealing.read(line)
    except msgspec.DecodeError:
        return None


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """Whole lines, the last one first."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        rest = b""
        while end:
            start = max(0, end - TAIL_BYTES)
            file.seek(start)
            first, *lines = (file.read(end - start) + rest).split(b"\n")
            yield from reversed(lines)
            rest, end = first, start
        yield rest


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        return file.read(1) not in (b"", b"\n")

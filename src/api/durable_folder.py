"""A folder's list of names on disk: without it, a file that was just made may be gone after a loss of power."""

import os
from pathlib import Path


def sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

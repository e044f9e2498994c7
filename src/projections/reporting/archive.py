"""Several reports in one ZIP archive, written while their rows come."""

import zipfile
from contextlib import ExitStack

from projections.pieces import Pieces
from projections.reporting.sheets import Rows, Sheet


class Archive:
    """Each call gives the bytes to send; `close` the last of them."""

    def __init__(self) -> None:
        self._pieces = Pieces()
        self._zip = zipfile.ZipFile(self._pieces, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._member = ExitStack()

    def add(self, name: str, content: bytes) -> bytes:
        self._zip.writestr(zipfile.ZipInfo(name), content)
        return self._pieces.taken()

    def begin(self, name: str, sheet: Sheet) -> bytes:
        """A file that is to have the rows of this sheet."""
        # Of no date: the same rows make the same bytes. Its size is not known yet, and may be large.
        about = zipfile.ZipInfo(name)
        about.compress_type = zipfile.ZIP_DEFLATED
        self._file = self._member.enter_context(self._zip.open(about, "w", force_zip64=True))
        self._sheet = sheet
        return self._written(sheet.begin())

    def rows(self, rows: Rows) -> bytes:
        return self._written(self._sheet.rows(rows))

    def end(self) -> bytes:
        """Of the file."""
        self._file.write(self._sheet.end())
        self._member.close()
        return self._pieces.taken()

    def close(self) -> bytes:
        self._zip.close()
        return self._pieces.taken()

    def _written(self, content: bytes) -> bytes:
        self._file.write(content)
        return self._pieces.taken()

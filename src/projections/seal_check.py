"""Whether the rows of a log are those that seals were made over, and where they begin not to be."""

import base64
from collections.abc import Sequence

from ledger.audit import merkle
from ledger.audit.leaf import MARK_BYTES, leaf
from ledger.audit.seal import Seal
from ledger.eventstore.log_row import LogRow
from projections.auditing import Finding
from projections.log_checks import wrong


class Sealed:
    """`seals` are sound in themselves, from the first one on."""

    def __init__(self, seals: Sequence[Seal]) -> None:
        self.position = 0  # up to which the rows are what was sealed
        self._coming = iter(seals)
        self._seal = next(self._coming, None)
        self._rows: list[LogRow] = []  # of the range that has begun

    def page(self, rows: Sequence[LogRow]) -> Finding | None:
        """The first row that is another than the sealed one."""
        start = 0
        while self._seal and start < len(rows):
            end = start + self._seal.count - len(self._rows)
            self._rows += rows[start:end]
            start = end
            if len(self._rows) == self._seal.count:
                if finding := _of_range(self._rows, self._seal):
                    return finding
                self.position = self._seal.position
                self._seal, self._rows = next(self._coming, None), []
        return None

    def end(self) -> Finding | None:
        """After the last page: a seal that is left tells of events that are gone."""
        if self._seal is None:
            return None
        if finding := _of_marks(self._rows, self._seal):
            return finding
        missing = self.position + len(self._rows) + 1
        words = (
            f"the log ends before it; seal {self._seal.number} was made at {self._seal.position}"
        )
        return Finding(rule="seals", words=f"{words}, {self._seal.at}", position=missing)


def _of_range(rows: Sequence[LogRow], seal: Seal) -> Finding | None:
    leaves = [leaf(row) for row in rows]
    if merkle.root(leaves).hex() == seal.root and rows[-1].hash.hex() == seal.chain:
        return None
    return _of_marks(rows, seal) or wrong(
        "seals",
        f"an event from here to {seal.position} is not the one that seal {seal.number} covers",
        rows[0],
    )


def _of_marks(rows: Sequence[LogRow], seal: Seal) -> Finding | None:
    """Which it is: a mark tells it but for one case in four billion."""
    marks = base64.b64decode(seal.marks)
    for index, row in enumerate(rows):
        start = index * MARK_BYTES
        if leaf(row)[:MARK_BYTES] != marks[start : start + MARK_BYTES]:
            words = f"the event is not the one that seal {seal.number} of {seal.at} covers"
            finding = wrong("seals", words, row)
            return finding if row.position == seal.first + index else _at(seal.first + index)
    return None


def _at(position: int) -> Finding:
    words = f"the event that was sealed at position {position} is not there"
    return Finding(rule="seals", words=words, position=position)

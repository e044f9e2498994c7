"""Which event of a failing batch it is: batches are halved until one event stands alone, and how
often that one has failed is counted.
"""

from collections.abc import Sequence

from projections.engine.log import StoredRow


class Suspicion:
    def __init__(self) -> None:
        self._until = 0  # the one that fails is not behind this position
        self._alone = 0
        self._tries = 0

    def size(self, position: int, otherwise: int) -> int:
        """How many events to take after a position; `otherwise` where nothing is suspected."""
        left = self._until - position
        return max(min(left // 2, otherwise), 1) if left > 0 else otherwise

    def blame(self, rows: Sequence[StoredRow]) -> int:
        """These failed together. How often the one that is left has failed; 0 while there are more."""
        self._until = rows[-1].position
        if len(rows) > 1:
            return 0
        if self._alone != self._until:
            self._alone, self._tries = self._until, 0
        self._tries += 1
        return self._tries

"""Where seals go: places that whoever can change the database cannot."""

from collections.abc import Sequence
from typing import Protocol

from ledger.audit.seal import Seal
from ledger.errors import Conflict


class SealsDiffer(Conflict):
    code = "seals_differ"
    title = "A seal that was published is not the one in the database."


class SealsMissing(Conflict):
    code = "seals_missing"
    title = "Seals that were published are not in the database; was it restored?"


class Sink(Protocol):
    """Several processes may write to one; a seal that is there twice does no harm."""

    @property
    def name(self) -> str: ...

    def newest(self) -> Seal | None:
        """The last one it holds."""

    def write(self, seals: Sequence[Seal]) -> None:
        """They last once this returns. Raises OSError when they do not."""

"""What a read model is: a module with a `.sql` file of the same name.

Its rows are a function of the log alone: no clock, no chance, and no dependence on where batches
begin or end. So a replay gives the same bytes as years of following.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import psycopg

from ledger.events import DomainEvent, Recorded

Batch = Sequence[Recorded[DomainEvent]]
Cursor = psycopg.Cursor[tuple[Any, ...]]


class ReadModel(Protocol):
    @property
    def NAME(self) -> str: ...  # noqa: N802  a module's constant

    @property
    def TABLES(self) -> tuple[str, ...]:  # noqa: N802  a module's constant
        """Each with a primary key that follows from the log."""

    @property
    def FOLLOWS(self) -> tuple[type[DomainEvent], ...]: ...  # noqa: N802  a module's constant

    @property
    def SQL(self) -> Mapping[str, bytes]:  # noqa: N802  a module's constant
        """`create` makes the tables; `index`, where there is one, adds what only queries need."""

    def apply(self, batch: Batch, cursor: Cursor) -> None:
        """Write what the batch changes; events that it does not follow may be among them."""


def turn_lock(read_schema: str, group: str) -> str:
    """What is hashed into the advisory lock of whoever changes the read models of a group."""
    return f"{read_schema} {group}"

"""A log of payments, sealed, as an auditor finds it; and what somebody does who has the database in their hands."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from api.seal_sinks import FileSink, kept_in
from ledger.audit import seal as sealing
from ledger.audit.seal import Seal
from ledger.audit.service import Sealer, Terms
from ledger.audit.sink import Sink
from ledger.eventstore.connections import connect
from support.log_rows import SCHEMA, LogRows
from support.payment_lives import interleaved

KEY = sealing.signing_key(bytes(range(32)))
PUBLIC = sealing.public_key(KEY)
AT = datetime(2026, 11, 26, 10, tzinfo=UTC)
EVERY = 10  # events a seal


class SealedLog:
    def __init__(self, conninfo: str, folder: Path) -> None:
        self.conninfo = conninfo
        self.log = LogRows(conninfo)
        self.file = folder / "seals.jsonl"

    def sealer(self, sinks: Sequence[Sink] | None = None, **terms: Any) -> Sealer:
        chosen = [FileSink(self.file)] if sinks is None else sinks
        said = Terms(**{"every_events": EVERY, "every_seconds": 3_600.0, **terms})
        return Sealer(self.conninfo, SCHEMA, KEY, chosen, said, now=lambda: AT)

    def seal(self, sealer: Sealer | None = None, *, at_once: bool = True) -> int:
        """Everything, unless said otherwise; how many seals were made."""
        sealer, made = sealer or self.sealer(), 0
        with self.connected() as connection:
            while now := sealer.step(connection, at_once=at_once):
                made += now
        return made

    @contextmanager
    def connected(self, role: Any = "app") -> Iterator[psycopg.Connection[Any]]:
        with connect(self.conninfo, SCHEMA, role) as connection:
            yield connection

    @property
    def seals(self) -> list[Seal]:
        return kept_in(self.file) if self.file.exists() else []

    def tamper(self, *statements: str) -> None:
        for statement in statements:
            self.log.tamper(statement)


def payments(seed: int = 7, payments: int = 6, steps: int = 8) -> Any:
    return interleaved(payments=payments, steps=steps, seed=seed)

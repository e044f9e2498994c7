"""Due work and its claims as rows in memory: the real read model decides what is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.claims import LEASE, Claimed
from ledger.clock import Clock
from projections import due_work
from support.memory_store import Log

Key = tuple[str, str, str]  # payment, kind, subject


class DueWork:
    """Follows the log when it is told to; between two times it lags."""

    def __init__(self, log: Log) -> None:
        self.rows: dict[Key, datetime] = {}
        self._log = log
        self._reached = 0

    def follow(self) -> None:
        if batch := self._log.rows[self._reached :]:
            due_work.apply(batch, self)  # type: ignore[arg-type]
            self._reached += len(batch)

    def execute(self, query: bytes, parameters: Sequence[Any]) -> None:
        """The two statements of due_work.sql that `apply` knows."""
        rows = parameters[0].obj
        if query == due_work.SQL["upsert"]:
            self.rows |= {(row.stream, row.kind, row.subject): row.due_at for row in rows}
            return
        assert query == due_work.SQL["delete"]
        for end in rows:
            for key in list(self.rows):
                if key[:2] == (end.stream, end.kind) and end.subject in (None, key[2]):
                    del self.rows[key]


@dataclass
class _Claim:
    due_at: datetime
    not_before: datetime
    tries: int


class Claims:
    """The rows of work_claims.sql; what claims.py takes up again and anew."""

    def __init__(self, due: DueWork, now: Clock) -> None:
        self._due = due
        self._now = now
        self._claims: dict[Key, _Claim] = {}

    def claim(self, limit: int) -> Sequence[Claimed]:
        moment = self._now()
        ripe = [key for key, at in self._due.rows.items() if self._ripe_at(key, at) <= moment]
        return [self._take(key, moment) for key in ripe[:limit]]

    def next_moment(self) -> datetime | None:
        return min((self._ripe_at(key, at) for key, at in self._due.rows.items()), default=None)

    def _ripe_at(self, key: Key, due_at: datetime) -> datetime:
        claim = self._claims.get(key)
        return claim.not_before if claim and claim.due_at == due_at else due_at

    def _take(self, key: Key, moment: datetime) -> Claimed:
        claim, due_at = self._claims.get(key), self._due.rows[key]
        tries = claim.tries + 1 if claim and claim.due_at == due_at else 1
        self._claims[key] = _Claim(due_at, moment + LEASE, tries)
        return Claimed(*key, tries)

    def later(self, work: Claimed, moment: datetime) -> None:
        self._claims[work.stream, work.kind, work.subject].not_before = moment

"""How each group of read models fares: how far behind it is, and what it has put aside."""

from datetime import datetime
from typing import Any, Final

import msgspec
import psycopg
from psycopg.rows import tuple_row

from ledger import clock
from projections import AT_POISON
from projections.engine import quarantine, sql
from projections.engine.quarantine import Quarantined
from projections.freshness import freshness

SQL: Final = sql.load(__name__)


class Condition(msgspec.Struct, kw_only=True):
    group: str
    position: int
    lag: int  # events
    lag_seconds: float = 0.0  # since the first event that it lacks was recorded
    aside: list[Quarantined] = []

    @property
    def halted(self) -> Quarantined | None:
        return next((event for event in self.aside if event.outcome == "halted"), None)

    @property
    def parked(self) -> list[Quarantined]:
        return [event for event in self.aside if event.outcome == "parked"]

    @property
    def must_be_right(self) -> bool:
        """Whether nobody should work with it while it stands still."""
        return AT_POISON[self.group] == "halt"


async def conditions(conn: psycopg.AsyncConnection[Any]) -> list[Condition]:
    """One a group, in the order of GROUPS."""
    fresh = await freshness(conn)
    head = fresh.pop("head")
    cursor = conn.cursor(row_factory=tuple_row)
    await cursor.execute(quarantine.SQL["listed"])
    aside = quarantine.listed(await cursor.fetchall())
    found = []
    for group, position in fresh.items():
        mine = [event for event in aside if event.group == group]
        condition = Condition(group=group, position=position, lag=head - position, aside=mine)
        if condition.lag > 0:
            await cursor.execute(SQL["next"], (position + 1,))
            condition.lag_seconds = _seconds_since(await cursor.fetchone())
        found.append(condition)
    return found


class _When(msgspec.Struct):
    recorded_at: datetime


class _Dated(msgspec.Struct):
    m: _When


_DECODE: Final = msgspec.json.Decoder(_Dated).decode


def _seconds_since(row: tuple[bytes] | None) -> float:
    """Of an event that cannot be read at all, nothing is known; it is about to be put aside."""
    try:
        recorded_at = _DECODE(row[0]).m.recorded_at if row else clock.now()
        return max((clock.now() - recorded_at).total_seconds(), 0.0)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
        return 0.0

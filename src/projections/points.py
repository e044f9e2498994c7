"""Points of the log that somebody names, and waiting for read models to show them."""

import asyncio
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from ledger import clock
from ledger.errors import Conflict
from projections import standings
from projections.engine import sql
from projections.freshness import freshness

SQL: Final = sql.load(__name__)

MAY_LAG_SECONDS: Final = 2.0
LOOK_EVERY_SECONDS: Final = 0.02


class PositionNotReached(Conflict):
    code = "position_not_reached"
    title = "The log has not come to this position yet."


class ReadModelsBehind(Conflict):
    code = "read_models_behind"
    title = "The read models have not come to this point yet; ask again."


async def end_of_append(conn: psycopg.AsyncConnection[Any], position: int) -> int:
    """What was appended together was known together: a position among it stands for the last of it.
    Raises PositionNotReached.
    """
    cursor = conn.cursor(row_factory=tuple_row)
    row = await (await cursor.execute(SQL["end_of_append"], {"position": position})).fetchone()
    if not row or not row[0]:
        raise PositionNotReached(position=position)
    return int(row[0])


async def known_by(
    conn: psycopg.AsyncConnection[Any],
    point: int | datetime | None,
    may_lag_seconds: float = MAY_LAG_SECONDS,
) -> int:
    """The position up to which entries were known by a point, once the read models of money are there;
    without a point, where they stand. Raises PositionNotReached, ReadModelsBehind.
    """
    if point is None:
        return (await freshness(conn))["money"]
    if isinstance(point, int):
        position = await end_of_append(conn, point)
        await _wait_for_money(conn, position, may_lag_seconds)
        return position
    known = await standings.last_known(conn, point)
    if known is None:  # perhaps only because what was recorded later does not show yet
        head = (await freshness(conn))["head"]
        await _wait_for_money(conn, head, may_lag_seconds)
        known = await standings.last_known(conn, point)
    return head if known is None else known


async def _wait_for_money(
    conn: psycopg.AsyncConnection[Any], position: int, may_lag_seconds: float
) -> None:
    give_up_at = clock.monotonic_seconds() + may_lag_seconds
    while (stands := (await freshness(conn))["money"]) < position:
        if clock.monotonic_seconds() >= give_up_at:
            raise ReadModelsBehind(position=position, reached=stands)
        await asyncio.sleep(LOOK_EVERY_SECONDS)

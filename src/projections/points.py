"""Points of the log that somebody names."""

from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from ledger.errors import Conflict
from projections.engine import sql

SQL: Final = sql.load(__name__)


class PositionNotReached(Conflict):
    code = "position_not_reached"
    title = "The log has not come to this position yet."


async def end_of_append(conn: psycopg.AsyncConnection[Any], position: int) -> int:
    """What was appended together was known together: a position among it stands for the last of it.
    Raises PositionNotReached.
    """
    cursor = conn.cursor(row_factory=tuple_row)
    row = await (await cursor.execute(SQL["end_of_append"], {"position": position})).fetchone()
    if not row or not row[0]:
        raise PositionNotReached(position=position)
    return int(row[0])

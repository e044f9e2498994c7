"""How fresh an answer is: where each group of read models stands, and where the log does."""

from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from projections import GROUPS
from projections.engine import sql

SQL: Final = sql.load(__name__)


async def freshness(conn: psycopg.AsyncConnection[Any]) -> dict[str, int]:
    """`{"money": 41, "views": 42, "head": 42}`. Read on one's own connection, before the answer
    that it describes.
    """
    cursor = conn.cursor(row_factory=tuple_row)
    await cursor.execute(SQL["positions"], (list(GROUPS),))
    positions = dict.fromkeys(GROUPS, 0) | dict(await cursor.fetchall())
    await cursor.execute(SQL["head"])
    row = await cursor.fetchone()
    return {**positions, "head": int(row[0]) if row else 0}

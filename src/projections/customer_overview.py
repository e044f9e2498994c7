"""All that is known of a customer at a glance, asked of several read models at once: no read model itself."""

from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from projections.engine import sql

SQL: Final = sql.load(__name__)


async def of(
    conn: psycopg.AsyncConnection[Any], customer_id: str, now: datetime, newest: int
) -> dict[str, Any]:
    """`subscriptions`, `bills` and `payments` are so many of the newest rows; counts and sums are of all
    of them.
    """
    wanted = {"customer_id": customer_id, "now": now, "limit": newest}
    cursor = conn.cursor(row_factory=dict_row)
    row = await (await cursor.execute(SQL["of"], wanted, prepare=False)).fetchone()
    assert row is not None, "sums always make a row"
    return row

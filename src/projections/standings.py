"""What accounts held for a business day, as known at a point of the log.

A balance has two times: an entry counts from the day it is effective on, and is known from the moment
it was recorded. Entries that came later, for whatever day, do not change what was known.
"""

from datetime import date, datetime
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from projections.engine import sql

SQL: Final = sql.load(__name__)

FOR_EVER: Final = date.max


async def last_known(conn: psycopg.AsyncConnection[Any], moment: datetime) -> int | None:
    """The position before the first entry recorded after a moment; None: there is none yet."""
    cursor = conn.cursor(row_factory=tuple_row)
    row = await (await cursor.execute(SQL["first_recorded_after"], {"moment": moment})).fetchone()
    return int(row[0]) - 1 if row else None


async def account(
    conn: psycopg.AsyncConnection[Any], name: str, effective_on: date | None, position: int
) -> list[dict[str, Any]]:
    """One row a currency, of entries effective by that day and recorded up to the position, which the
    read models must have reached; empty when there were none.
    """
    wanted = {"account": name, **_until(effective_on), "position": position}
    return await sql.fetch(conn, SQL["of_account"], wanted)


async def trial_balance(
    conn: psycopg.AsyncConnection[Any], effective_on: date | None, position: int
) -> list[dict[str, Any]]:
    """The same of every account; the balances of a currency sum to zero."""
    wanted = {**_until(effective_on), "position": position}
    return await sql.fetch(conn, SQL["of_all"], wanted)


def _until(effective_on: date | None) -> dict[str, date]:
    """Whole months, and the days of the last one."""
    last = effective_on or FOR_EVER
    return {"effective_on": last, "month": last.replace(day=1)}

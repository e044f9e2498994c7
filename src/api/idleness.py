"""Whether anything is left to be done at a moment, and when there will be something again."""

from datetime import datetime
from typing import Any, Final

import msgspec
import psycopg
from psycopg.rows import dict_row

from ledger.bills.due import RECOGNISE
from projections import GROUPS

# Work and notices that somebody is at count as much as those that nobody has taken up.
STANDING: Final = """
select
    (select count(*) from inbox
        where done_at is null and (not_before <= %(now)s or outcome = '')) as notices,
    (select count(*) from due_work d left join work_claims c using (stream, kind, subject)
        where d.due_at <= %(now)s and (
            c.stream is null or c.not_before <= %(now)s or c.at_work or c.due_at <> d.due_at
        )) as work,
    (select coalesce(max(notification_id), 0) from events)
        - (select coalesce(min(notification_id), 0) from tracking where application_name = any(%(groups)s))
        as behind
"""
# Each part is the first row of an index. A claim whose work is gone wakes nobody. No time has to stop
# for each day's revenue: whoever comes next recognises every day on its own.
NEXT: Final = """
select least(
    (select due_at from due_work where due_at > %(now)s and kind <> %(caught_up)s order by due_at limit 1),
    (select c.not_before from work_claims c join due_work d using (stream, kind, subject)
        where c.not_before > %(now)s and d.due_at <= %(now)s order by c.not_before limit 1),
    (select not_before from inbox where done_at is null and not_before > %(now)s order by not_before limit 1)
) as next
"""

Connection = psycopg.AsyncConnection[Any]


class Standing(msgspec.Struct, frozen=True):
    notices: int = 0  # to be asked after
    work: int = 0  # pieces that are due
    behind: int = 0  # events that read models lack

    @property
    def idle(self) -> bool:
        return not (self.notices or self.work or self.behind)

    @property
    def words(self) -> str:
        return f"{self.work} due, {self.notices} notices, read models {self.behind} events behind"


async def standing(conn: Connection, now: datetime) -> Standing:
    asked = {"now": now, "groups": list(GROUPS)}
    row = await (await conn.cursor(row_factory=dict_row).execute(STANDING, asked)).fetchone()
    return Standing(**(row or {}))


async def next_moment(conn: Connection, now: datetime) -> datetime | None:
    """When something falls due next that is not due now, and will not be caught up later as well."""
    asked = {"now": now, "caught_up": RECOGNISE}
    cursor = await conn.cursor(row_factory=dict_row).execute(NEXT, asked)
    row = await cursor.fetchone()
    return row["next"] if row else None

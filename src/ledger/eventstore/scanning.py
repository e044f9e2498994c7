"""Reading whole rows of the log in order, from one position to another: at once, or while the rows
before are worked on.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import psycopg

from ledger.eventstore.log_row import COLUMNS, LogRow

ROWS_AT_ONCE: Final = 5_000  # eventstore.md 3.8: beyond it nothing is gained

_ROWS: Final = f"select {', '.join(COLUMNS)} from events"  # noqa: S608  names of ours
ROWS: Final = (
    f"{_ROWS} where notification_id > %s and notification_id <= %s order by notification_id"
).encode()
LAST: Final = 2**63 - 1

Connection = psycopg.Connection[Any]


def page(connection: Connection, after: int, until: int) -> list[LogRow]:
    """Those that are there. Bounded by positions rather than by a limit: of that, a planner without
    statistics reads and sorts the whole log.
    """
    return list(map(LogRow._make, connection.execute(ROWS, (after, until), binary=True)))


def scan(connection: Connection, after: int = 0, until: int = LAST) -> Iterator[list[LogRow]]:
    """All rows as one statement sees them, by the thousand. Needs a transaction, and the connection to
    itself.
    """
    thread = ThreadPoolExecutor(1, "read ahead")
    with connection.cursor("scan") as cursor:

        def read() -> list[LogRow]:
            return list(map(LogRow._make, cursor.fetchmany(ROWS_AT_ONCE)))

        cursor.execute(ROWS, (after, until), binary=True)
        try:
            coming = thread.submit(read)
            while rows := coming.result():
                coming = thread.submit(read)
                yield rows
        finally:
            thread.shutdown(cancel_futures=True)

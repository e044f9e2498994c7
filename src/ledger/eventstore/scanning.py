"""Reading whole rows of the log in order: a page, or all from one position to another while the rows
before are worked on.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import psycopg

from ledger.eventstore.log_row import COLUMNS, LogRow

ROWS_AT_ONCE: Final = 5_000  # eventstore.md 3.8: beyond it nothing is gained

_ROWS: Final = f"select {', '.join(COLUMNS)} from events"  # noqa: S608  names of ours
PAGE: Final = (
    f"{_ROWS} where notification_id > %s and notification_id <= %s"
    " order by notification_id limit %s"
).encode()
SCAN: Final = (
    f"{_ROWS} where notification_id > %s and notification_id <= %s order by notification_id"
).encode()
LAST: Final = 2**63 - 1

Connection = psycopg.Connection[Any]


def page(connection: Connection, after: int, limit: int, until: int = LAST) -> list[LogRow]:
    """The next rows after a position, whatever positions they have."""
    return list(map(LogRow._make, connection.execute(PAGE, (after, until, limit), binary=True)))


def scan(connection: Connection, after: int = 0, until: int = LAST) -> Iterator[list[LogRow]]:
    """All rows as one statement sees them, by the thousand. Needs a transaction, and the connection to
    itself.
    """
    thread = ThreadPoolExecutor(1, "read ahead")
    with connection.cursor("scan") as cursor:

        def read() -> list[LogRow]:
            return list(map(LogRow._make, cursor.fetchmany(ROWS_AT_ONCE)))

        cursor.execute(SCAN, (after, until), binary=True)
        try:
            coming = thread.submit(read)
            while rows := coming.result():
                coming = thread.submit(read)
                yield rows
        finally:
            thread.shutdown(cancel_futures=True)

"""All that is kept of one person beside their own stream, asked of several read models: no read model itself."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from ledger.bills.life import Status as BillStatus
from ledger.payments.life import LIVE
from ledger.subscriptions.life import ENDED
from projections.engine import sql

SQL: Final = sql.load(__name__)

MOST_NAMED: Final = 20  # ids of each kind, of what is not over

Connection = psycopg.AsyncConnection[Any]
Rows = list[dict[str, Any]]


async def owing(
    conn: Connection, customer_id: str, payments: Sequence[str]
) -> dict[str, Sequence[str]]:
    """Ids of `subscriptions`, `bills` and `payments` that are not over, the oldest first."""
    wanted = {
        "customer_id": customer_id,
        "payments": list(payments),
        "ended": [status.value for status in ENDED],
        "open": BillStatus.OPEN.value,
        "live": [status.value for status in LIVE],
        "most": MOST_NAMED,
    }
    (row,) = await _rows(conn, "owing", wanted)
    return row


async def standing(conn: Connection) -> dict[str, int]:
    """`log_position`, `seal` and `seal_position`; zeros where there is none."""
    (row,) = await _rows(conn, "standing", {})
    return row


async def of(conn: Connection, customer_id: str, payments: Sequence[str]) -> dict[str, Rows]:
    """Rows of `payments`, `subscriptions` and `bills`, the oldest first; `payments` are more of theirs."""
    wanted = {"customer_id": customer_id, "payments": list(payments)}
    return {
        name: await _rows(conn, name, wanted) for name in ("payments", "subscriptions", "bills")
    }


async def happened(conn: Connection, streams: Sequence[str]) -> Mapping[str, Rows]:
    """By stream: topic, version, position and both times of each event."""
    found: defaultdict[str, Rows] = defaultdict(list)
    for row in await _rows(conn, "happened", {"streams": list(streams)}):
        found[row.pop("stream")].append(row)
    return found


async def _rows(conn: Connection, name: str, wanted: Mapping[str, Any]) -> Rows:
    cursor = conn.cursor(row_factory=dict_row)
    return await (await cursor.execute(SQL[name], wanted, prepare=False)).fetchall()

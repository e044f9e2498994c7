"""What every account holds, in each currency: the sum of its postings."""

from typing import Any, Final

import msgspec
import psycopg

from ledger.journal.events import EntryPosted
from projections.engine import sql
from projections.engine.read_model import Batch, Cursor

NAME: Final = "balances"
TABLES: Final = ("balances",)
FOLLOWS: Final = (EntryPosted,)
SQL: Final = sql.load(__name__)


class _Balance(msgspec.Struct, gc=False):
    """A row's change by one batch."""

    account: str
    currency: str
    balance_minor: int = 0
    debit_minor: int = 0
    credit_minor: int = 0
    postings: int = 0
    position: int = 0

    def post(self, minor: int, position: int) -> None:
        self.balance_minor += minor
        if minor > 0:
            self.debit_minor += minor
        else:
            self.credit_minor -= minor
        self.postings += 1
        self.position = position


def apply(batch: Batch, cursor: Cursor) -> None:
    touched: dict[tuple[str, str], _Balance] = {}
    for recorded in batch:
        if isinstance(recorded.event, EntryPosted):
            for leg in recorded.event.legs:
                key = (leg.account, leg.amount.currency)
                balance = touched.get(key) or touched.setdefault(key, _Balance(*key))
                balance.post(leg.amount.minor, recorded.position)
    _write(list(touched.values()), cursor)


def fold(source: Cursor, after: int, until: int, target: Cursor) -> None:
    """What `apply` makes of these events, summed by PostgreSQL from the stored bytes: four times as
    fast, because no event comes here. It knows entries as they are stored today, not upcasts.
    """
    span = {"after": after, "until": until, "topic": EntryPosted.TOPIC}
    source.execute(SQL["fold"], span)
    _write([_Balance(*row) for row in source], target)


def _write(changes: list[_Balance], cursor: Cursor) -> None:
    if changes:
        cursor.execute(SQL["upsert"], (sql.rows(changes),))


async def trial_balance(conn: psycopg.AsyncConnection[Any]) -> list[dict[str, Any]]:
    """Every account; the balances of a currency sum to zero."""
    return await sql.fetch(conn, SQL["trial_balance"])


async def account(conn: psycopg.AsyncConnection[Any], name: str) -> list[dict[str, Any]]:
    """One row a currency; empty when nothing was ever posted there."""
    return await sql.fetch(conn, SQL["account"], (name,))

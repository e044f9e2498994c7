"""The live read models on a test's own database, followed by hand, and queried as the API does."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ledger.eventstore.connections import conninfo_for
from projections import GROUPS
from projections.engine import connections
from projections.engine.follower import Follower
from support.log_rows import SCHEMA, LogRows

READ_SCHEMA = f"{SCHEMA}_read"


class ReadSide:
    def __init__(self, conninfo: str, connection: psycopg.Connection[Any]) -> None:
        self.conninfo = conninfo
        self.connection = connection
        self.log = LogRows(conninfo)
        self.followers = {g: Follower(conninfo, SCHEMA, g, models) for g, models in GROUPS.items()}

    def catch_up(self, batch: int = 5_000) -> None:
        for follower in self.followers.values():
            follower._size = batch
            while follower.step(self.connection):
                pass

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        cursor = self.connection.cursor(row_factory=dict_row)
        return cursor.execute(query.encode(), values).fetchall()

    def one(self, query: str, *values: object) -> dict[str, Any]:
        (row,) = self.rows(query, *values)
        return row

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """As the API asks: in its role, with dict rows."""
        conninfo = conninfo_for(self.conninfo, SCHEMA, "app")
        conn = await psycopg.AsyncConnection.connect(
            conninfo, autocommit=True, row_factory=dict_row
        )
        async with conn:
            yield conn  # type: ignore[misc]


@contextmanager
def open_read_side(conninfo: str) -> Iterator[ReadSide]:
    with connections.connect(conninfo, SCHEMA) as connection:
        yield ReadSide(conninfo, connection)

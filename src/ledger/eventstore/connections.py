"""How processes connect: as which role, to which schema, with which deadlines set in the server."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from ledger.eventstore.group_call import StoreUnavailable
from ledger.eventstore.migrate import LogNames

Role = Literal["app", "projector", "auditor"]

POOL_WAIT_SECONDS = 2.0  # long enough for a burst, short enough for 503 within five seconds
READ_SECONDS = 4.0
CONNECT_SECONDS = 3


def conninfo_for(conninfo: str, schema: str, role: Role) -> str:
    """The same server as `conninfo`, in the role's rights and seeing the log and its read models
    unqualified.
    """
    names = LogNames(schema)
    path = sql.SQL(", ").join(map(sql.Identifier, (names.schema, names.read_schema)))
    options = {
        "role": names.roles[role],
        "search_path": path.as_string().replace(" ", ""),
        "statement_timeout": "3s" if role == "app" else "0",
        "lock_timeout": "1500ms",
        "idle_in_transaction_session_timeout": "5s" if role == "app" else "60s",
    }
    return make_conninfo(
        conninfo,
        options=" ".join(f"-c {name}={value}" for name, value in options.items()),
        connect_timeout=CONNECT_SECONDS,
        application_name=f"bukubesar {role}",
    )


def connect(conninfo: str, schema: str, role: Role) -> psycopg.Connection[Any]:
    return psycopg.connect(conninfo_for(conninfo, schema, role), autocommit=True)


async def connect_for_calls(
    conninfo: str, schema: str, role: Role = "app"
) -> psycopg.AsyncConnection[Any]:
    """For group calls: one statement, planned once for any number of items, by key at any size."""
    conn = await psycopg.AsyncConnection.connect(
        conninfo_for(conninfo, schema, role), autocommit=True
    )
    await conn.execute("set plan_cache_mode = force_generic_plan")
    await conn.execute("set enable_seqscan = off")
    return conn


class Readers:
    """A bounded pool of connections for reading, and for the small tables beside the log."""

    def __init__(self, conninfo: str, schema: str, size: int) -> None:
        self.pool: AsyncConnectionPool[psycopg.AsyncConnection[DictRow]] = AsyncConnectionPool(
            conninfo_for(conninfo, schema, "app"),
            min_size=1,
            max_size=size,
            timeout=POOL_WAIT_SECONDS,
            max_waiting=5_000,
            open=False,
            reconnect_timeout=30,
            kwargs={"autocommit": True, "row_factory": dict_row},
        )

    async def open(self) -> None:
        await self.pool.open()

    async def close(self) -> None:
        await self.pool.close(timeout=2)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[DictRow]]:
        """Raises StoreUnavailable when PostgreSQL does not serve us in time."""
        try:
            async with self.pool.connection() as conn:
                loop = asyncio.get_running_loop()
                # Not asyncio.timeout: a cancelled psycopg first asks the server to cancel, and a
                # frozen one never answers.
                deadline = loop.call_later(READ_SECONDS, _hang_up, conn)
                try:
                    yield conn
                finally:
                    deadline.cancel()
        except (
            psycopg.OperationalError,
            psycopg.InterfaceError,
            PoolTimeout,
            TooManyRequests,
        ) as error:
            raise StoreUnavailable() from error


def _hang_up(conn: psycopg.AsyncConnection[DictRow]) -> None:
    """Close our end of the line: whoever waits on it sees it closed, whatever the server does."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(conn.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)

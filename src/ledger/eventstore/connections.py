"""How processes connect: as which role, to which schema, with which deadlines set in the server."""

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import Any, Final, Literal, Self

import psycopg
from psycopg import errors, pq, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, Row, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from ledger import clock, deadline
from ledger.eventstore.group_call import StoreUnavailable
from ledger.eventstore.migrate import LogNames

Role = Literal["app", "projector", "auditor", "reporting"]

POOL_WAIT_SECONDS: Final = 2.0  # for a burst; part of the next
READ_SECONDS: Final = 4.0  # from asking for a connection to giving it back
CONNECT_SECONDS: Final = 3
# The pool pauses twice as long after each try; giving up, it tries afresh for the next who asks.
RECONNECT_SECONDS: Final = 1.0

# What PostgreSQL says when it cannot serve us now; 25006 is how a failover or a full disk shows in
# some places.
AWAY: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
    PoolTimeout,
    TooManyRequests,
)

# Sent with each connection, for the server to keep: a role's own settings apply only where it logs
# in, and these never do.
SERVER_LIMITS: Final[Mapping[Role, Mapping[str, str]]] = {
    "app": {
        "statement_timeout": "3s",
        "lock_timeout": "1500ms",
        "idle_in_transaction_session_timeout": "5s",
    },
    "projector": {  # batches and replays are long; who waits for a lock gets it or comes again
        "statement_timeout": "0",
        "lock_timeout": "1500ms",
        "idle_in_transaction_session_timeout": "60s",
    },
    "auditor": {
        "statement_timeout": "0",
        "lock_timeout": "1500ms",
        "idle_in_transaction_session_timeout": "60s",
    },
    "reporting": {  # a report is one long statement, read as fast as whoever asked for it reads
        "statement_timeout": "600s",
        "lock_timeout": "1500ms",
        "idle_in_transaction_session_timeout": "60s",
        "default_transaction_read_only": "on",
        "timezone": "UTC",
        "cursor_tuple_fraction": "1",  # it is read to its end
    },
}

# A server whose machine is gone says nothing, so the kernel has to notice; over TCP only.
TCP: Final = {
    "tcp_user_timeout": 3_000,  # ms
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}

# One statement, planned once for any number of items, by key at any size.
CALLS: Final = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}


def conninfo_for(
    conninfo: str, schema: str, role: Role, more: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The same server as `conninfo`, in the role's rights and seeing the log and its read models
    unqualified, or the views for reports; `more` are settings of the session.
    """
    names = LogNames(schema)
    seen = (names.schema, names.read_schema)
    path = sql.SQL(", ").join(
        map(sql.Identifier, (names.reporting_schema,) if role == "reporting" else seen)
    )
    options = {
        "role": names.roles[role],
        "search_path": path.as_string().replace(" ", ""),
        **SERVER_LIMITS[role],
        **more,
    }
    return make_conninfo(
        conninfo,
        options=" ".join(f"-c {name}={value}" for name, value in options.items()),
        connect_timeout=CONNECT_SECONDS,
        application_name=f"bukubesar {role}",
        **TCP,
    )


def connect(conninfo: str, schema: str, role: Role) -> psycopg.Connection[Any]:
    return psycopg.connect(conninfo_for(conninfo, schema, role), autocommit=True)


async def connect_for_calls(
    conninfo: str, schema: str, role: Role = "app"
) -> psycopg.AsyncConnection[Any]:
    """For group calls, and without a statement of its own: nothing would end the wait for that."""
    return await psycopg.AsyncConnection.connect(
        conninfo_for(conninfo, schema, role, CALLS), autocommit=True
    )


class Loan:
    """A connection until a moment of the loop's time; then our end is closed, and whoever reads fails."""

    def __init__(self, conn: psycopg.AsyncConnection[DictRow], over_at: float) -> None:
        self.conn = conn
        # Not asyncio.timeout: a cancelled psycopg first asks the server to cancel, and a frozen one
        # never answers.
        self.over = asyncio.get_running_loop().call_at(over_at, _hang_up, conn)

    def extend(self, seconds: float) -> None:
        """From now on."""
        self.over.cancel()
        self.over = asyncio.get_running_loop().call_later(seconds, _hang_up, self.conn)


class RereadingCursor(psycopg.AsyncCursor[Row]):
    """Reads once more when a table has been put in the place of one that had other columns: what was
    prepared before, on this connection, knows those, and PostgreSQL refuses to give others.
    """

    async def execute(self, *query: Any, **how: Any) -> Self:
        try:
            return await super().execute(*query, **how)
        except errors.FeatureNotSupported:
            if self.connection.info.transaction_status != pq.TransactionStatus.IDLE:
                raise
            await self.connection.execute("deallocate all")
            return await super().execute(*query, **how)


class Readers:
    """A bounded pool of connections for reading, and for the small tables beside the log."""

    def __init__(
        self, conninfo: str, schema: str, size: int, *, role: Role = "app", idle: int = 1
    ) -> None:
        """`idle` connections are kept open though nobody reads."""
        self.pool: AsyncConnectionPool[psycopg.AsyncConnection[DictRow]] = AsyncConnectionPool(
            conninfo_for(conninfo, schema, role),
            min_size=idle,
            max_size=size,
            timeout=POOL_WAIT_SECONDS,
            max_waiting=5_000,
            open=False,
            reconnect_timeout=RECONNECT_SECONDS,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "cursor_factory": RereadingCursor,
            },
        )

    async def open(self) -> None:
        await self.pool.open()

    async def close(self) -> None:
        await self.pool.close(timeout=2)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[DictRow]]:
        """Raises StoreUnavailable when PostgreSQL does not serve us in time."""
        async with self.loan() as loan:
            yield loan.conn

    @asynccontextmanager
    async def loan(self) -> AsyncIterator["Loan"]:
        """The same, for who may ask for more time once it is served."""
        loop = asyncio.get_running_loop()
        seconds = deadline.left(READ_SECONDS)
        over_at = loop.time() + seconds
        try:
            async with self._taken(min(POOL_WAIT_SECONDS, seconds)) as conn:
                loan = Loan(conn, over_at)
                try:
                    yield loan
                finally:
                    loan.over.cancel()
        except AWAY as error:
            raise StoreUnavailable() from error

    @asynccontextmanager
    async def _taken(self, seconds: float) -> AsyncIterator[psycopg.AsyncConnection[DictRow]]:
        """Of those that lie idle, many may be from before the server was away; whoever got one would
        be told that it still is.
        """
        give_up_at = clock.monotonic_seconds() + seconds
        conn = await self.pool.getconn(seconds)
        while _was_hung_up(conn):
            await conn.close()
            await self.pool.putconn(conn)  # which replaces it
            conn = await self.pool.getconn(give_up_at - clock.monotonic_seconds())
        try:
            yield conn
        finally:
            await self.pool.putconn(conn)


def _was_hung_up(conn: psycopg.AsyncConnection[DictRow]) -> bool:
    """The server has sent something unasked: its farewell, or only the end."""
    if conn.closed:
        return True
    line = select.poll()
    line.register(conn.fileno(), select.POLLIN)
    return bool(line.poll(0))


def _hang_up(conn: psycopg.AsyncConnection[DictRow]) -> None:
    """Close our end of the line: whoever waits on it sees it closed, whatever the server does."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(conn.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)

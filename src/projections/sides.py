"""The two sides of a replay: the live read models, held still, and tables of the replay's own.

Both are had in the auditor's role: those tables are temporary, in a session for each read model, so
nothing of them is left however the replay ends.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, Final

import psycopg
from psycopg import sql as psql

from ledger import clock
from ledger.errors import NotFound
from ledger.eventstore.migrate import LogNames
from projections import GROUPS
from projections.engine import connections, log, quarantine, rebuild, sql
from projections.engine.digests import Side
from projections.engine.positions import Positions
from projections.engine.quarantine import Quarantined
from projections.engine.read_model import ReadModel
from projections.engine.replay import Connect
from projections.steps import Progress

SQL: Final = sql.load(__name__)

LIVE_MAY_LAG_SECONDS: Final = 10.0
LOOK_EVERY_SECONDS: Final = 0.05
TEMPORARY_BUFFERS: Final = "16MB"  # of each read model's session

Connection = psycopg.Connection[Any]


class ReadModelsMissing(NotFound):
    code = "read_models_missing"
    title = "This log has no read models yet; start the server once."


@contextmanager
def snapshot(conninfo: str, schema: str) -> Iterator[Connection]:
    """The log and the live read models at one instant, while work goes on.

    The tables are held first: one that took the place of another later would look empty from an
    earlier instant.
    """
    with connections.connect(conninfo, schema, role="auditor") as live:
        live.execute("set idle_in_transaction_session_timeout = 0")  # it waits for the replay
        live.isolation_level, live.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
        read_schema = LogNames(schema).read_schema
        names = [name for (name,) in live.execute(SQL["standing"], (read_schema,))]
        with live.transaction():
            if names:
                tables = psql.SQL(", ").join(psql.Identifier(read_schema, name) for name in names)
                live.execute(psql.SQL("lock table {} in access share mode").format(tables))
            live.execute("select 1")  # the instant
            yield live


def standing(live: Connection, conninfo: str, schema: str) -> tuple[int, dict[str, int]]:
    """The head of the log and the position of each group, at the same instant inside a snapshot."""
    positions = Positions(conninfo, schema, LogNames(schema).read_schema)
    with live.cursor() as cursor:
        return log.head(cursor), {group: positions.read(cursor, group) for group in GROUPS}


def put_aside(live: Connection) -> list[Quarantined]:
    """What the groups are halted at, and what they have parked."""
    return quarantine.listed(live.execute(quarantine.SQL["listed"]))


def wait_for_live(conninfo: str, schema: str, progress: Progress) -> None:
    """So that as much as possible is compared: let live models, if they run, reach the head as it
    is now. Raises ReadModelsMissing.
    """
    give_up_at = clock.monotonic_seconds() + LIVE_MAY_LAG_SECONDS
    try:
        with connections.connect(conninfo, schema, role="auditor") as live:
            head, positions = standing(live, conninfo, schema)
            halted = {event.group for event in put_aside(live) if event.outcome == "halted"}
            coming = positions.keys() - halted
            while (
                any(positions[group] < head for group in coming)
                and clock.monotonic_seconds() < give_up_at
            ):
                progress("waiting for live", min(positions.values()), head)
                time.sleep(LOOK_EVERY_SECONDS)
                _, positions = standing(live, conninfo, schema)
    except psycopg.errors.UndefinedTable:
        raise ReadModelsMissing() from None


Sides = Mapping[str, Side]  # by name of the read model


@contextmanager
def scratch(conninfo: str, schema: str, models: Sequence[ReadModel]) -> Iterator[Sides]:
    with ExitStack() as opened:
        sides = {}
        for model in models:
            connection = connections.connect(conninfo, schema, role="auditor")
            opened.enter_context(connection)
            connection.execute(f"set temp_buffers = '{TEMPORARY_BUFFERS}'".encode())
            sides[model.NAME] = Side(
                connection, rebuild.create_temporary(connection, schema, model)
            )
        yield sides


def into(sides: Sides) -> Connect:
    """Where a replay writes."""
    return lambda model: nullcontext(sides[model.NAME].connection)


@contextmanager
def schema_of_ones_own(conninfo: str, schema: str, purpose: str) -> Iterator[Side]:
    """A name that nobody else uses; what is there at the end is dropped, and so is what a process
    that was killed left behind.
    """
    prefix = f"{schema}_{purpose}_"
    with connections.connect(conninfo, schema) as connection:
        for (abandoned,) in connection.execute(SQL["abandoned"], {"prefix": prefix}).fetchall():
            rebuild.drop(connection, abandoned)
        name = f"{prefix}{connection.info.backend_pid}"
        try:
            rebuild.drop(connection, name)
            yield Side(connection, name)
        finally:
            # The connection itself may have been cut off in the middle of something.
            with connections.connect(conninfo, schema) as fresh:
                connection.close()
                rebuild.drop(fresh, name)

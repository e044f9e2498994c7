"""Read models that have put events aside, followed again once what was wrong is repaired.

A group that halted goes on from there. One that parked streams has to see them from their first
events, so it is rebuilt beside the live one, which is read and followed meanwhile, and then takes
its place: afterwards live is what a replay gives.
"""

import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import psycopg

from ledger.errors import NotFound
from ledger.eventstore.migrate import LogNames
from projections import GROUPS, reporting
from projections.engine import connections, rebuild
from projections.engine.follower import Follower
from projections.sides import put_aside, schema_of_ones_own
from projections.steps import Progress, silent

SWAP_TRIES: Final = 10  # each waits at most the connection's lock_timeout
BETWEEN_TRIES_SECONDS: Final = 0.5

Connection = psycopg.Connection[Any]


class GroupUnknown(NotFound):
    code = "read_models_unknown"
    title = "There is no such group of read models."


class Resumed(NamedTuple):
    group: str
    position: int
    rebuilt: bool
    streams: Sequence[str]  # that had been parked


def resume(conninfo: str, schema: str, group: str, progress: Progress = silent) -> Resumed | None:
    """None when nothing had been put aside. Raises GroupUnknown, and EventNotApplied when it is not
    repaired; then everything is as it was.
    """
    _check(group)
    with connections.connect(conninfo, schema) as live:
        aside = [event for event in put_aside(live) if event.group == group]
        if any(event.outcome == "parked" for event in aside):
            return rebuild_live(conninfo, schema, group, progress)
        if not aside:
            return None
        follower = _follower(conninfo, schema, group, progress)
        follower.catch_up(live)
        return Resumed(group, follower.position, False, ())


def rebuild_live(conninfo: str, schema: str, group: str, progress: Progress = silent) -> Resumed:
    """The group's read models from the first event on; raises as `resume` does."""
    _check(group)
    with schema_of_ones_own(conninfo, schema, "rebuild") as (connection, name):
        rebuild.create(connection, conninfo, schema, name, {group: GROUPS[group]})
        follower = _follower(conninfo, schema, group, progress, name)
        follower.catch_up(connection)
        rebuild.analyze(connection, GROUPS[group])
        streams = _take_its_place(connection, follower, LogNames(schema), name)
        return Resumed(group, follower.position, True, streams)


def _take_its_place(
    connection: Connection, follower: Follower, names: LogNames, fresh: str
) -> list[str]:
    """The streams that the live group had parked until then. Whoever reads it is waited for."""
    tries = 0
    while True:
        try:
            with connection.transaction(), connection.cursor() as cursor:
                rebuild.take_turn(cursor, names.read_schema, follower.group)
                follower.catch_up(connection)
                models = GROUPS[follower.group]
                reporting.install(cursor, names, fresh)
                return rebuild.swap(cursor, names, fresh, follower.group, models)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            tries += 1
            if tries == SWAP_TRIES:
                raise
        time.sleep(BETWEEN_TRIES_SECONDS)


def _follower(
    conninfo: str, schema: str, group: str, progress: Progress, read_schema: str | None = None
) -> Follower:
    def report(_: str, position: int, lag: int) -> None:
        progress("following", position, position + lag)

    return Follower(conninfo, schema, group, GROUPS[group], read_schema=read_schema, report=report)


def _check(group: str) -> None:
    if group not in GROUPS:
        raise GroupUnknown(f"There is no group {group}, only {', '.join(GROUPS)}.", group=group)

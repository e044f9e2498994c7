"""Tables that were filled beside the live ones are put in their place in one transaction.

Who reads a table holds a lock on it to the end of its transaction, and who comes while a swap waits
for that lock waits behind it. So a swap asks for all tables at once, gives up soon, and comes again;
what takes time is done before it asks. A statement that was prepared before finds the new tables by
their names: PostgreSQL plans it anew.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql as psql

from ledger.eventstore.migrate import LogNames
from projections.engine import sql
from projections.engine.read_model import Cursor, ReadModel, turn_lock

SQL = sql.load(__name__)

ASK_MILLISECONDS: Final = 100  # for all tables together; a reader's patience is 1,500
TURN_SECONDS: Final = 10  # the longest that a batch of a follower may take
DROP_TRIES: Final = 20
BETWEEN_DROPS_SECONDS: Final = 0.05
GAVE_UP: Final = (  # and may come again
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
)

AT_REST: Final = "set local statement_timeout = 0;"
MOVE: Final = "alter table {fresh}.{table} set schema {live};"
SET_ASIDE: Final = "alter table {live}.{table} set schema {old};"
REACHED: Final = """
update {live}.tracking set notification_id =
    (select notification_id from {fresh}.tracking where application_name = {group})
where application_name = {group}
"""
FORGET: Final = "delete from {live}.quarantine where read_group = {group} returning stream, outcome"

Connection = psycopg.Connection[Any]
# Views stand on tables and not on their names: puts those of these names on the tables of a read schema.
Bind = Callable[[Cursor, LogNames, str, Sequence[str]], None]


class BuiltUpon(Exception):
    """Views that nobody puts on the new tables."""

    def __init__(self, views: Sequence[str]) -> None:
        super().__init__(views)
        self.views = views


class Place(NamedTuple):
    """Where tables of a group are put, and from where."""

    names: LogNames
    fresh: str  # a read schema
    group: str
    models: Sequence[ReadModel]

    @property
    def old(self) -> str:
        """A schema for what is replaced."""
        return f"{self.fresh}_old"

    @property
    def tables(self) -> list[str]:
        return [table for model in self.models for table in model.TABLES]


def take_turn(cursor: Cursor, read_schema: str, group: str) -> None:
    """Until the transaction ends, no follower changes the group's read models."""
    cursor.execute(f"set local lock_timeout = '{TURN_SECONDS}s'".encode())
    cursor.execute(SQL["take_turn"], (turn_lock(read_schema, group),))
    cursor.execute(b"set local lock_timeout = '1500ms'")


def grant(connection: Connection, place: Place) -> None:
    """Who may read the live tables may read those that take their place."""
    ours = {place.names.roles["app"], place.names.roles["auditor"]}
    for table in place.tables:
        wanted = (place.names.read_schema, table)
        theirs = {name for (name,) in connection.execute(SQL["readers"], wanted)}
        statement = psql.SQL("grant select on {} to {}").format(
            psql.Identifier(place.fresh, table),
            psql.SQL(", ").join(psql.Identifier(role) for role in sorted(ours | theirs)),
        )
        connection.execute(statement)


class Prepared(NamedTuple):
    replaced: Sequence[str]  # tables; one that is new with this version replaces none
    views: Sequence[str]  # ours on them
    streams: Sequence[str]  # that are parked no more


def prepare(cursor: Cursor, place: Place) -> Prepared:
    """All that can be done while everybody reads on; the turn must have been taken."""
    words, read_schema = _words(place), place.names.read_schema
    found = cursor.execute(SQL["standing"], (read_schema, place.tables)).fetchall()
    replaced = [table for (table,) in found]
    # Vacuum would hold a table for longer than the swap asks; one at work is ended after a second.
    _lock(cursor, read_schema, replaced, "share update exclusive")
    _lock(cursor, place.fresh, place.tables, "access exclusive")
    views = _views_on(cursor, read_schema, replaced)
    cursor.execute(psql.SQL("create schema {old}").format(**words))
    cursor.execute(psql.SQL(REACHED).format(**words))
    gone = cursor.execute(psql.SQL(FORGET).format(**words)).fetchall()
    cursor.execute(f"set local statement_timeout = '{ASK_MILLISECONDS}ms'".encode())
    return Prepared(
        replaced,
        [view for schema, view in views if schema == place.names.reporting_schema],
        [stream for stream, outcome in gone if outcome == "parked"],
    )


def swap(cursor: Cursor, place: Place, prepared: Prepared, bind: Bind) -> None:
    """Put the tables of `place.fresh` in the place of the live ones, which are set aside; who reads
    waits from here to the end of the transaction. Raises one of GAVE_UP, and BuiltUpon.
    """
    replaced, words = prepared.replaced, _words(place)
    # Views first: who reads one holds it when it comes to the table.
    bind(cursor, place.names, place.fresh, prepared.views)
    _lock(cursor, place.names.read_schema, replaced, "access exclusive")
    move = [psql.SQL(AT_REST), *_each(SET_ASIDE, replaced, words)]
    cursor.execute(psql.SQL("").join([*move, *_each(MOVE, place.tables, words)]))
    if left := _views_on(cursor, place.old, replaced):
        raise BuiltUpon([f"{schema}.{view}" for schema, view in left])


def drop_replaced(connection: Connection, place: Place) -> None:
    """Table by table: whoever came to them by a prepared statement before they were replaced holds one
    while it asks for the next, and somebody who held the next and asked for that one would be in a
    deadlock with them. What is still held after some tries is left to the next rebuild.
    """
    connection.execute(f"set lock_timeout = '{ASK_MILLISECONDS}ms'".encode())
    wanted = (place.old, place.tables)
    for (table,) in connection.execute(SQL["standing"], wanted).fetchall():
        name = psql.Identifier(place.old, table)
        if not _dropped(connection, psql.SQL("drop table {}").format(name)):
            return
    _dropped(connection, psql.SQL("drop schema {}").format(psql.Identifier(place.old)))


def _dropped(connection: Connection, statement: psql.Composed) -> bool:
    for _ in range(DROP_TRIES):
        try:
            connection.execute(statement)
        except GAVE_UP:
            time.sleep(BETWEEN_DROPS_SECONDS)
        else:
            return True
    return False


def _views_on(cursor: Cursor, schema: str, tables: Sequence[str]) -> list[tuple[str, str]]:
    """Schema and name of each."""
    return cursor.execute(SQL["views"], (schema, list(tables))).fetchall()


def who_holds(connection: Connection, place: Place) -> list[str]:
    """Applications and their sessions that hold tables which the swap waits for."""
    wanted = (place.names.read_schema, place.tables)
    return [who for (who,) in connection.execute(SQL["who_holds"], wanted)]


def _lock(cursor: Cursor, read_schema: str, tables: Sequence[str], mode: str) -> None:
    if tables:
        names = [psql.Identifier(read_schema, table) for table in tables]
        statement = psql.SQL("lock table {} in {} mode")
        cursor.execute(statement.format(psql.SQL(", ").join(names), psql.SQL(mode)))


def _words(place: Place) -> dict[str, psql.Composable]:
    return {
        "live": psql.Identifier(place.names.read_schema),
        "fresh": psql.Identifier(place.fresh),
        "old": psql.Identifier(place.old),
        "group": psql.Literal(place.group),
    }


def _each(
    statement: str, tables: Sequence[str], words: dict[str, psql.Composable]
) -> list[psql.Composed]:
    return [psql.SQL(statement).format(table=psql.Identifier(t), **words) for t in tables]

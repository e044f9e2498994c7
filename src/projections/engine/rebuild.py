"""A read schema: the live one, created where it is not there yet, scratch ones to replay into, and
those whose tables take the place of the live ones.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql as psql

from ledger.eventstore.migrate import LogNames
from projections.engine import connections, quarantine, sql
from projections.engine.positions import Positions
from projections.engine.read_model import ReadModel, turn_lock

SQL = sql.load(__name__)

SWAP: Final = (
    "drop table if exists {live}.{table}",
    "alter table {fresh}.{table} set schema {live}",
    "grant select on {live}.{table} to {app}, {auditor}",
)
FORGET: Final = "delete from {live}.quarantine where read_group = {group} returning stream, outcome"
MOVE: Final = """
update {live}.tracking set notification_id =
    (select notification_id from {fresh}.tracking where application_name = {group})
where application_name = {group}
"""

Connection = psycopg.Connection[Any]
Groups = Mapping[str, Sequence[ReadModel]]


def create(
    connection: Connection, conninfo: str, schema: str, read_schema: str, groups: Groups
) -> None:
    """Everything a read schema needs, where it is not there yet; safe at every start and from
    several processes.
    """
    models = [model for group in groups.values() for model in group]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(SQL["one_at_a_time"], (read_schema,))
        if not cursor.execute(SQL["has_schema"], (read_schema,)).fetchone():
            cursor.execute(psql.SQL("create schema {}").format(psql.Identifier(read_schema)))
        connections.look_in(cursor, read_schema, schema)
        for model in models:
            if not cursor.execute(SQL["has_table"], (read_schema, model.TABLES[0])).fetchone():
                create_tables(cursor, model)
                create_indexes(cursor, model)
        if not cursor.execute(SQL["has_table"], (read_schema, "quarantine")).fetchone():
            cursor.execute(quarantine.SQL["create"])
        Positions(conninfo, schema, read_schema).lay_out(cursor, groups)


def create_tables(cursor: psycopg.Cursor[Any], model: ReadModel) -> None:
    cursor.execute(model.SQL["create"])


def create_indexes(cursor: psycopg.Cursor[Any], model: ReadModel) -> None:
    if "index" in model.SQL:
        cursor.execute(model.SQL["index"])


def create_scratch(
    connection: Connection, schema: str, read_schema: str, models: Sequence[ReadModel]
) -> None:
    """Tables to compare and then drop: no WAL, no indexes for queries, no positions."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(psql.SQL("create schema {}").format(psql.Identifier(read_schema)))
        connections.look_in(cursor, read_schema, schema)
        for model in models:
            create_tables(cursor, model)
            for table in model.TABLES:
                name = psql.Identifier(read_schema, table)
                cursor.execute(psql.SQL("alter table {} set unlogged").format(name))


def analyze(connection: Connection, models: Sequence[ReadModel]) -> None:
    """Before anybody queries tables that were just filled."""
    for table in (table for model in models for table in model.TABLES):
        connection.execute(psql.SQL("analyze {}").format(psql.Identifier(table)))


def take_turn(cursor: psycopg.Cursor[Any], read_schema: str, group: str) -> None:
    """Until the transaction ends, no follower changes the group's read models."""
    cursor.execute(SQL["take_turn"], (turn_lock(read_schema, group),))


def swap(
    cursor: psycopg.Cursor[Any],
    names: LogNames,
    fresh: str,
    group: str,
    models: Sequence[ReadModel],
) -> list[str]:
    """Put the tables of the read schema `fresh`, and how far it is, in the place of the live ones.
    The group's turn must have been taken. Gives the streams that are parked no more.
    """
    places = {
        "live": psql.Identifier(names.read_schema),
        "fresh": psql.Identifier(fresh),
        "app": psql.Identifier(names.roles["app"]),
        "auditor": psql.Identifier(names.roles["auditor"]),
    }
    for table in (table for model in models for table in model.TABLES):
        for statement in SWAP:
            cursor.execute(psql.SQL(statement).format(table=psql.Identifier(table), **places))
    cursor.execute(psql.SQL(MOVE).format(group=psql.Literal(group), **places))
    gone = cursor.execute(psql.SQL(FORGET).format(group=psql.Literal(group), **places)).fetchall()
    return [stream for stream, outcome in gone if outcome == "parked"]


def drop(connection: Connection, read_schema: str) -> None:
    name = psql.Identifier(read_schema)
    connection.execute(psql.SQL("drop schema if exists {} cascade").format(name))

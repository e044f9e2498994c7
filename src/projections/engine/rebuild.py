"""A read schema: the live one, created where it is not there yet, and scratch ones to replay into."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql as psql

from projections.engine import connections, sql
from projections.engine.positions import Positions
from projections.engine.read_model import ReadModel

SQL = sql.load(__name__)

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


def drop(connection: Connection, read_schema: str) -> None:
    name = psql.Identifier(read_schema)
    connection.execute(psql.SQL("drop schema if exists {} cascade").format(name))

"""A read schema: the live one, created where it is not there yet, those that are filled beside it
(swap.py), and temporary tables to replay into.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql as psql

from projections.engine import connections, quarantine, sql
from projections.engine.positions import Positions
from projections.engine.read_model import ReadModel

SQL = sql.load(__name__)

TEMPORARY: Final = "pg_temp"  # PostgreSQL's alias for a session's own

Connection = psycopg.Connection[Any]
Groups = Mapping[str, Sequence[ReadModel]]


def create(
    connection: Connection,
    conninfo: str,
    schema: str,
    read_schema: str,
    groups: Groups,
    *,
    indexes: bool = True,
) -> None:
    """Everything a read schema needs, where it is not there yet; safe at every start and from
    several processes. Without `indexes` those that only queries need are left for later.
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
                if indexes:
                    create_indexes(cursor, model)
        if not cursor.execute(SQL["has_table"], (read_schema, "quarantine")).fetchone():
            cursor.execute(quarantine.SQL["create"])
        Positions(conninfo, schema, read_schema).lay_out(cursor, groups)


def create_tables(cursor: psycopg.Cursor[Any], model: ReadModel) -> None:
    cursor.execute(model.SQL["create"])


def create_indexes(cursor: psycopg.Cursor[Any], model: ReadModel) -> None:
    if "index" in model.SQL:
        cursor.execute(model.SQL["index"])


def create_temporary(connection: Connection, schema: str, model: ReadModel) -> str:
    """Tables that only this session sees and that end with it: no WAL, no indexes for queries. Gives
    the name of the schema that they are in.
    """
    connections.look_in(connection.cursor(), TEMPORARY, schema)
    create_tables(connection.cursor(), model)
    row = connection.execute(SQL["temporary_schema"]).fetchone()
    return str(row[0]) if row else TEMPORARY


def analyze(connection: Connection, models: Sequence[ReadModel]) -> None:
    """Before anybody queries tables that were just filled."""
    for table in (table for model in models for table in model.TABLES):
        connection.execute(psql.SQL("analyze {}").format(psql.Identifier(table)))


def drop(connection: Connection, read_schema: str) -> None:
    name = psql.Identifier(read_schema)
    connection.execute(psql.SQL("drop schema if exists {} cascade").format(name))

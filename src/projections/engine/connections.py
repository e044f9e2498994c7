"""How read models are written and replayed: in the projector's role or the auditor's, the read schema
before the log, and plans made for look-ups by key.
"""

from typing import Any, Final

import psycopg
from psycopg import sql

from ledger.eventstore.connections import Role, conninfo_for
from ledger.eventstore.migrate import LogNames
from projections.engine.read_model import Cursor

# Every statement of a batch finds its rows by key. A fresh table has no statistics yet, and the
# planner would
# read all of it for each batch. Row texts must not depend on the server's zone.
SESSION: Final = {
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "jit": "off",
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "10s",
}


def connect(
    conninfo: str, schema: str, read_schema: str | None = None, role: Role = "projector"
) -> psycopg.Connection[Any]:
    """In autocommit, seeing the tables of `read_schema` and the log of `schema` by their bare
    names.
    """
    names = LogNames(schema)
    connection = psycopg.connect(conninfo_for(conninfo, schema, role), autocommit=True)
    with connection.cursor() as cursor:
        for name, value in SESSION.items():
            cursor.execute("select set_config(%s, %s, false)", (name, value))
        look_in(cursor, read_schema or names.read_schema, schema)
    return connection


def look_in(cursor: Cursor, read_schema: str, schema: str) -> None:
    path = sql.SQL(", ").join((sql.Identifier(read_schema), sql.Identifier(schema)))
    cursor.execute(sql.SQL("set search_path = {}").format(path))

"""A test's own database, from one that was made before."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo

from ledger.eventstore.migrate import LogNames, grant_rights

SCHEMA = "bukubesar"
EMPTY = "template1"


@contextmanager
def copied(server: str, template: str) -> Iterator[str]:
    """Its conninfo, for as long as it is there."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f'create database "{name}" template "{template}"'.encode())
        if template != EMPTY:
            grant_rights(conn, LogNames(SCHEMA), name)
    yield make_conninfo(server, dbname=name)
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f'drop database "{name}" with (force)'.encode())

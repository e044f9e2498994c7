"""Whether two read schemas are the same, byte for byte: a digest a table, and the first row that
differs.

The canonical form of a table is PostgreSQL's own text of each row (`t::text`), in the order of the
primary key.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql as psql

from projections.engine import sql

SQL = sql.load(__name__)

SAY_EVERY: Final = 10_000  # rows

Connection = psycopg.Connection[Any]
Key = tuple[Any, ...]


class Side(NamedTuple):
    """A read schema, on a connection whose rows are tuples and whose time zone is UTC."""

    connection: Connection
    schema: str


class Difference(NamedTuple):
    """None on one side: the row is not there."""

    table: str
    key: Key
    live: str | None
    replayed: str | None


def digest(side: Side, table: str, seen: Callable[[int], None] = lambda rows: None) -> str:
    """SHA-256 in hex; the rows come by COPY, so a table of any size passes through. `seen` hears now
    and then how many have.
    """
    query = psql.SQL("copy (select t::text from {} t order by {}) to stdout").format(
        psql.Identifier(side.schema, table), _columns(primary_key(side, table))
    )
    total = hashlib.sha256()
    with side.connection.cursor() as cursor, cursor.copy(query) as copy:
        for number, row in enumerate(copy):
            total.update(row)
            if number % SAY_EVERY == 0:
                seen(number)
    return total.hexdigest()


def size(side: Side, table: str) -> int:
    """In rows."""
    query = psql.SQL("select count(*) from {}").format(psql.Identifier(side.schema, table))
    row = side.connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def differences(live: Side, replayed: Side, table: str) -> Iterator[Difference]:
    """In the order of the primary key. Both connections must be in a transaction."""
    ones, others = _rows(live, table), _rows(replayed, table)
    one, other = next(ones, None), next(others, None)
    while one or other:
        # With different keys, the smaller one is the row that the other side lacks.
        key = min(row[0] for row in (one, other) if row)
        here = one if one and one[0] == key else None
        there = other if other and other[0] == key else None
        if here != there:
            yield Difference(table, key, here and here[1], there and there[1])
        one = next(ones, None) if here else one
        other = next(others, None) if there else other


def first_difference(live: Side, replayed: Side, table: str) -> Difference | None:
    """Both connections must be in a transaction."""
    return next(differences(live, replayed, table), None)


def layout(side: Side, table: str) -> list[str]:
    """Columns with their types, and the primary key: tables of different layouts cannot be
    compared.
    """
    rows = side.connection.execute(SQL["columns"], (side.schema, table)).fetchall()
    return [
        *(f"{name} {kind}" for name, kind in rows),
        f"key {', '.join(primary_key(side, table))}",
    ]


def primary_key(side: Side, table: str) -> list[str]:
    rows = side.connection.execute(SQL["primary_key"], (side.schema, table)).fetchall()
    return [name for (name,) in rows]


def _rows(side: Side, table: str) -> Iterator[tuple[Key, str]]:
    keys = primary_key(side, table)
    query = psql.SQL("select t::text, {0} from {1} t order by {0}").format(
        _columns(keys), psql.Identifier(side.schema, table)
    )
    with side.connection.cursor(name=f"rows_of_{table}") as cursor:
        cursor.itersize = 2_000
        cursor.execute(query)
        for text, *key in cursor:
            yield tuple(key), text


def _columns(names: list[str]) -> psql.Composed:
    return psql.SQL(", ").join(psql.Identifier("t", name) for name in names)

"""The views for reporting jobs, in a schema of their own (`<log>_reporting`) and for a role that reads
nothing else. docs/reporting.md describes them, ADR 25 says why they are as they are.

    view        what a view is, and what is said of its columns
    freshness   how far the read models have come
    payments, refunds, subscriptions, bills, method_success, recurring_revenue    of the group `views`
    entries, balances, fees                                                      of the group `money`
    reading     a report as of one position of the log, in batches
    sheets      the same as JSON, CSV or Parquet

Views may get further columns at their end; what is there stays as it is.
"""

import hashlib
from collections.abc import Collection, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql as psql

from ledger.eventstore.migrate import LogNames
from projections.reporting import (
    balances,
    bills,
    entries,
    fees,
    freshness,
    method_success,
    payments,
    recurring_revenue,
    refunds,
    subscriptions,
)
from projections.reporting.view import Report, View

REPORTS: Final[tuple[Report, ...]] = tuple(
    module.REPORT
    for module in (
        *(payments, refunds, subscriptions, bills),
        *(entries, balances, fees),
        *(method_success, recurring_revenue),
    )
)
VIEWS: Final[tuple[View, ...]] = (freshness.VIEW, *REPORTS)  # each after those that it reads

MADE_FROM: Final = hashlib.sha256(
    "".join(view.create + view.comments for view in VIEWS).encode()
).hexdigest()
ONE_AT_A_TIME: Final = "select pg_advisory_xact_lock(hashtextextended('reporting ' || %s, 0))"
# What they were made from stands as a comment on their schema.
IS_MADE: Final = """
select obj_description(n.oid, 'pg_namespace') = %s and
    (select count(*) from pg_views where schemaname = n.nspname and viewname = any(%s)) = %s
from pg_namespace n
where n.nspname = %s
"""

Cursor = psycopg.Cursor[Any]


def keep(cursor: Cursor, names: LogNames) -> None:
    """`install` them with their comments, unless they are there as this version makes them. Needs a
    transaction; safe at every start and from several processes.
    """
    views = [view.name for view in VIEWS]
    cursor.execute(ONE_AT_A_TIME, (names.reporting_schema,))
    wanted = (MADE_FROM, views, len(views), names.reporting_schema)
    if cursor.execute(IS_MADE, wanted).fetchone() != (True,):
        install(cursor, names)
        cursor.execute(_all([view.comments for view in VIEWS], names))
        cursor.execute(_all([f"comment on schema {{reporting}} is '{MADE_FROM}';"], names))


def install(
    cursor: Cursor,
    names: LogNames,
    fresh: str | None = None,
    only: Collection[str] | None = None,
) -> None:
    """Make every view anew, or those that are named, in the caller's transaction, over the tables of the
    live read schema, and of the read schema `fresh` where that has them.

    Whoever puts other tables in the place of live ones calls this in the same transaction: with `fresh`
    before the old ones are dropped (PostgreSQL drops no table that a view reads), or without it once the
    new ones have the old names, if those that they replace still exist under other names. Views are
    replaced, never dropped, so what others have built on them stays. Needs the role `projector`, and waits
    for whoever reads a view at this moment, as dropping the tables does.
    """
    (path,) = cursor.execute("select current_setting('search_path')").fetchone() or ("",)
    seen = [fresh, names.read_schema] if fresh else [names.read_schema]
    _look_in(cursor, psql.SQL(", ").join(map(psql.Identifier, seen)).as_string(cursor))
    made = [view for view in VIEWS if only is None or view.name in only]
    cursor.execute(_all([f"{view.create};" for view in made], names))
    _look_in(cursor, path)


def _all(statements: Sequence[str], names: LogNames) -> psql.Composed:
    """In one message: a swap of tables holds up who reads."""
    return psql.SQL("\n".join(statements)).format(
        reporting=psql.Identifier(names.reporting_schema),
        read=psql.Identifier(names.read_schema),
        log=psql.Identifier(names.schema),
    )


def _look_in(cursor: Cursor, path: str) -> None:
    cursor.execute("select set_config('search_path', %s, true)", (path,))

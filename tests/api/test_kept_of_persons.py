"""Every column of the database is classified: what may tell of a person is purged, or there is a reason why not."""

from collections import Counter
from pathlib import Path

import psycopg

from api import simulated_clock
from api.kept_of_persons import ELSEWHERE, LOG, PURGES, READ, Table
from api.wiring import MIGRATIONS
from ledger.eventstore.migrate import migrate
from support.running import SCHEMA

DOCS = Path(__file__).parents[2] / "docs" / "security.md"
KNOWN = {SCHEMA: LOG, f"{SCHEMA}_read": READ}
WHAT_TO_DO = "say in src/api/kept_of_persons.py what may stand there, and how it is purged"


def classified() -> set[tuple[str, str, str]]:
    return {
        (schema, table.name, column)
        for schema, tables in KNOWN.items()
        for table in tables
        for column in table.columns
    }


def stored(database: str) -> set[tuple[str, str, str]]:
    """Every column of every table, with the simulated clock's, whatever the schema; none of PostgreSQL's own."""
    migrate(database, SCHEMA, (*MIGRATIONS, simulated_clock.MIGRATION))
    with psycopg.connect(database) as admin:
        rows = admin.execute(
            "select n.nspname, c.relname, a.attname from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid"
            " where c.relkind in ('r', 'p', 'm', 'f') and a.attnum > 0 and not a.attisdropped"
            " and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'"
        )
        return set(rows.fetchall())  # type: ignore[arg-type]


def test_every_column_is_classified_and_every_classified_one_is_there(ledger_database: str) -> None:
    there = stored(ledger_database)

    assert sorted(there - classified()) == [], WHAT_TO_DO
    assert sorted(classified() - there) == [], "it is not there any more"


def test_a_new_table_or_column_is_noticed(ledger_database: str) -> None:
    with psycopg.connect(ledger_database) as admin:
        admin.execute("create table bukubesar.notes (note text)")
        admin.execute("alter table bukubesar_read.payments add column nickname text")

    assert stored(ledger_database) - classified() == {
        ("bukubesar", "notes", "note"),
        ("bukubesar_read", "payments", "nickname"),
    }


def test_each_column_stands_in_one_class_only() -> None:
    for table in (*LOG, *READ):
        assert max(Counter(table.columns).values()) == 1, table.name


def test_what_is_personal_is_purged_and_nothing_else() -> None:
    assert {table.name for table in (*LOG, *READ) if table.personal} == set(PURGES)
    assert Table("notes", personal="note").purge == ""


def test_the_documents_say_what_becomes_of_what_is_no_table() -> None:
    text = DOCS.read_text()

    assert [place.name for place in ELSEWHERE if place.name not in text] == []

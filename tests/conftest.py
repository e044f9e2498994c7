"""One PostgreSQL server a test process, one database a test: `database` is empty, `ledger_database` is migrated."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.embedded import EmbeddedPostgres
from ledger.eventstore.migrate import migrate

SCHEMA = "bukubesar"
COUNTER = itertools.count(1)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A temporary folder that another account may enter (pytest's own are closed to the server's account)."""
    folder = Path(tempfile.mkdtemp(prefix="bukubesar-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(open_folder: Path) -> Iterator[str]:
    """The DSN of a server for this run, as durable as in production: our processes refuse any other."""
    with EmbeddedPostgres(open_folder / "postgres") as postgres:
        yield postgres.dsn


@pytest.fixture(scope="session")
def template(server: str) -> str:
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute("create database migrated_template")
    migrate(make_conninfo(server, dbname="migrated_template"), SCHEMA)
    return "migrated_template"


@pytest.fixture
def new_database(server: str) -> Iterator[Callable[[str], str]]:
    names: list[str] = []

    def create(template: str) -> str:
        names.append(f"test_{next(COUNTER)}")
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute(f'create database "{names[-1]}" template "{template}"')
        return make_conninfo(server, dbname=names[-1])

    yield create
    with psycopg.connect(server, autocommit=True) as conn:
        for name in names:
            conn.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def database(new_database: Callable[[str], str]) -> str:
    return new_database("template1")


@pytest.fixture
def ledger_database(new_database: Callable[[str], str], template: str) -> str:
    database = new_database(template)
    migrate(database, SCHEMA)  # rights on a database are not copied with it
    return database

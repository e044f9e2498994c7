"""One PostgreSQL server a test process, one database a test: `database` is empty, `ledger_database` is laid out."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from psycopg.conninfo import make_conninfo

from api.embedded import EmbeddedPostgres
from api.wiring import MIGRATIONS
from ledger.eventstore.migrate import migrate
from projections.layout import lay_out
from support.databases import EMPTY, SCHEMA, copied

# Their files take minutes: begun last, one process would be at the last of them while the others have nothing left.
FIRST = ("journeys", "scripts", "properties")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(here).parts[0] not in FIRST)


@pytest.fixture(autouse=True)
def own_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command run in this process sets the log up for all of it, and loggers keep what they met first: no test may
    find its lines where an earlier one sent them.
    """
    configure = structlog.configure

    def uncached(**settings: Any) -> None:
        configure(**{**settings, "cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", uncached)
    yield
    structlog.reset_defaults()


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
    """With everything that `bukubesar migrate` makes."""
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute("create database laid_out_template")
    conninfo = make_conninfo(server, dbname="laid_out_template")
    migrate(conninfo, SCHEMA, MIGRATIONS)
    lay_out(conninfo, SCHEMA)
    return "laid_out_template"


@pytest.fixture
def new_database(server: str) -> Iterator[Callable[[str], str]]:
    with ExitStack() as made:
        yield lambda template: made.enter_context(copied(server, template))


@pytest.fixture
def database(new_database: Callable[[str], str]) -> str:
    return new_database(EMPTY)


@pytest.fixture
def ledger_database(new_database: Callable[[str], str], template: str) -> str:
    return new_database(template)


@pytest.fixture(scope="module")
def shared_database(server: str, template: str) -> Iterator[str]:
    """For modules whose tests leave nothing behind that another one could see."""
    with copied(server, template) as database:
        yield database

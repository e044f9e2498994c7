"""How command-line tools find the ledger: what was given, else what runs in the data folder last
used, else its stopped server.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg

from api.durability import private
from api.embedded import EmbeddedPostgres, default_data_dir
from ledger.errors import LedgerError, Unavailable
from ledger.settings import Settings
from projections import GROUPS
from projections.engine.follower import Follower

RUNNING: Final = "running.json"  # in the data folder, while `bukubesar up` runs
# In the data folder, unless other places are set for them.
SEALS: Final = "seals.jsonl"
ERASURES: Final = "erasures.jsonl"
LAST_USED: Final = (
    "last-used"  # in the default data folder: where the last `up` or `demo` kept its data
)


class NothingToOpen(Unavailable):
    code = "nothing_to_open"
    title = (
        "No database was given, and there is no data folder of `bukubesar up` or `bukubesar demo`."
    )


def note_running(data_dir: Path, database: str, gateway: str) -> None:
    """For tools of the same account: the DSN carries a password, so nobody else may read it."""
    with open(data_dir / RUNNING, "w", opener=private) as file:
        json.dump({"database": database, "gateway": gateway, "pid": os.getpid()}, file)
    pointer = default_data_dir() / LAST_USED
    pointer.parent.mkdir(parents=True, exist_ok=True)
    pointer.write_text(f"{data_dir}\n")


def note_stopped(data_dir: Path) -> None:
    with suppress(FileNotFoundError):
        (data_dir / RUNNING).unlink()


def last_used() -> Path:
    pointer = default_data_dir() / LAST_USED
    return Path(pointer.read_text().strip()) if pointer.exists() else default_data_dir()


def is_running(data_dir: Path | None = None) -> bool:
    """Whether a database answers without being started for it."""
    given = Settings().database_url.get_secret_value()
    return bool(given or _running((data_dir or last_used()).resolve()))


@contextmanager
def opened(data_dir: Path | None = None) -> Iterator[Settings]:
    """Settings whose database answers. A stopped server is started for as long as the tool needs
    it.
    """
    settings = Settings()
    folder = (data_dir or last_used()).resolve()
    if settings.database_url.get_secret_value():
        yield _completed(settings, settings.database_url.get_secret_value(), folder)
    elif database := _running(folder):
        yield _with_gateway(_completed(settings, database, folder), folder)
    elif (folder / "pg").exists():
        with EmbeddedPostgres(folder, bin_dir=settings.postgres_bin) as postgres:
            _catch_up(postgres.dsn, settings.database_schema)
            yield _completed(settings, postgres.dsn, folder, sealed=True)
    else:
        raise NothingToOpen(
            f"There is nothing in {folder}. Start `bukubesar up`, or set BUKUBESAR_DATABASE_URL."
        )


def settings_of(data_dir: Path | None = None) -> Settings:
    """Without a database: for what only needs the keys."""
    settings, folder = Settings(), (data_dir or last_used()).resolve()
    return _completed(settings, settings.database_url.get_secret_value(), folder)


def _catch_up(conninfo: str, schema: str) -> None:
    """No worker runs here, so what the last one had left is applied now. What cannot be applied is
    the tool's to report.
    """
    for group, models in GROUPS.items():
        follower = Follower(conninfo, schema, group, models)
        with suppress(psycopg.Error, LedgerError), follower.connect() as connection:
            follower.catch_up(connection)


def _running(folder: Path) -> str:
    """The DSN of the server that `bukubesar up` runs there; empty when it does not answer."""
    try:
        database: str = json.loads((folder / RUNNING).read_text())["database"]
        psycopg.connect(database, connect_timeout=3).close()
    except (OSError, ValueError, KeyError, psycopg.Error):
        return ""
    return database


def _completed(
    settings: Settings, database: str, folder: Path, *, sealed: bool = False
) -> Settings:
    """`sealed`: the folder's seals are those of its database."""
    secret = type(settings.database_url)
    master = settings.master_key.get_secret_value()
    kept = folder / "master.key"
    if not master and kept.exists():
        master = kept.read_text().strip()
    seals = settings.seals
    if sealed and (folder / SEALS).exists() and not (seals.file or seals.folder):
        seals = seals.model_copy(update={"file": folder / SEALS})
    own = None if settings.database_url.get_secret_value() else folder / ERASURES
    return settings.model_copy(
        update={
            "database_url": secret(database),
            "master_key": secret(master),
            "seals": seals,
            "erasures_file": settings.erasures_file or own,
        }
    )


def _with_gateway(settings: Settings, folder: Path) -> Settings:
    """That of what runs there, unless an account was given: the simulator may have any port."""
    gateway = json.loads((folder / RUNNING).read_text()).get("gateway")
    account = settings.midtrans
    if not gateway or account.server_key.get_secret_value():
        return settings
    there = account.model_copy(update={"core_url": gateway, "snap_url": gateway})
    return settings.model_copy(update={"midtrans": there})


def operator() -> str:
    """Who sits at the terminal, as the machine knows them: what a tool does is theirs."""
    return f"cli:{os.environ.get('SUDO_USER') or os.environ.get('USER') or os.getuid()}"

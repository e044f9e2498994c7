"""Replays the event log and proves that it is whole and that the read models follow from it.

    python scripts/replay.py                      the whole log, compared with the live read models
    python scripts/replay.py --chain              the log alone: every hash, position and version
    python scripts/replay.py --balances           the balances alone, summed from the log and compared
    python scripts/replay.py --until 120000       balances when the log ended there, or at a time (UTC)
    python scripts/replay.py --stream pay_01k9…   one stream, event by event
    python scripts/replay.py verify --seals F     the log, entries and seals included, against seals kept outside
    python scripts/replay.py export --out F       the log as JSON Lines, CSV or Parquet, the journal for other programs

Without --database it is the ledger of BUKUBESAR_DATABASE_URL, else what `bukubesar up` or
`bukubesar demo` last ran. Exit code 1, and the first thing that is wrong, when anything is.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

OURS = Path(__file__).parent.parent / ".venv" / "bin" / "python"
if find_spec("projections") is None and OURS.exists():
    os.execv(
        OURS, [str(OURS), *sys.argv]
    )  # called with another Python than the one `make` installed into

import msgspec
import psycopg
import typer
from pydantic import SecretStr
from rich.console import Console

from api import seals as sealing
from api.seal_sinks import kept_in
from api.tools import opened
from ledger import logs
from ledger.errors import LedgerError
from ledger.settings import SealSettings, Settings
from projections import replay_words as words
from projections.exporting import export
from projections.replay_progress import shown
from projections.replaying import (
    Report,
    as_of,
    position_or_time,
    verify,
    verify_balances,
    verify_chain,
)
from projections.steps import Progress
from projections.stream_reading import StreamReport, read_stream
from projections.verifying import LogReport, verify_log

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False
)  # they would show connection strings

Database = Annotated[
    str, typer.Option(envvar="BUKUBESAR_DATABASE_URL", help="else that of `bukubesar up`")
]
Look = Callable[[str, str, Progress], Report | StreamReport | LogReport]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


@app.callback(invoke_without_command=True)
def replay(
    context: typer.Context,
    until: str = "",
    stream: str = "",
    chain: Annotated[
        bool, typer.Option("--chain", help="the log alone, in a tenth of the time")
    ] = False,
    balances: Annotated[
        bool, typer.Option("--balances", help="the balances alone, in a tenth of the time")
    ] = False,
    json: AsJson = False,
    database: Database = "",
    schema: str = "bukubesar",
    data_dir: Path | None = None,
) -> None:
    """Replays the event log and proves that it is whole and that the read models follow from it."""
    # Ended politely, it still drops the schema it works in.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logs.set_up("warning", as_json=False)
    if context.invoked_subcommand:
        return
    with told(database, schema, data_dir) as (settings, progress):
        look = look_for(until, stream, chain=chain, balances=balances)
        report = look(*log_of(settings), progress)
    end(report, as_json=json)


@app.command("verify")
def verify_against_seals(
    seals: Annotated[
        Path | None, typer.Option(help="file or folder of seals kept outside the database")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="public key that seals may be signed with")
    ] = None,
    json: AsJson = False,
    database: Database = "",
    schema: str = "bukubesar",
    data_dir: Path | None = None,
) -> None:
    """The log as it stands: positions, chain, versions, entries, and the seals over it."""
    with told(database, schema, data_dir) as (settings, progress):
        place = seals or settings.seals.file or settings.seals.folder
        report = verify_log(
            *log_of(settings),
            progress,
            seals=kept_in(place) if place else None,
            keys=key or sealing.own_keys(settings),
        )
    end(report, as_json=json)


@app.command("export")
def write_out(
    form: Annotated[
        str, typer.Option("--format", help="jsonl, csv, parquet, beancount or hledger")
    ] = "jsonl",
    out: Annotated[Path | None, typer.Option(help="else to standard output")] = None,
    after: Annotated[int, typer.Option(min=0, help="the position before the first")] = 0,
    until: Annotated[int | None, typer.Option(min=0, help="the last position")] = None,
    json: AsJson = False,
    database: Database = "",
    schema: str = "bukubesar",
    data_dir: Path | None = None,
) -> None:
    """The log as a file, an event a line, for other programs and for `bukubesar-verify`."""
    with (
        told(database, schema, data_dir) as (settings, progress),
        out.open("wb") if out else nullcontext(sys.stdout.buffer) as file,
    ):
        place = log_of(settings)
        done = export(*place, file.write, progress, format=form, after=after, until=until)
    said = msgspec.json.encode(done).decode() if json else words.of_export(done)
    typer.echo(said, err=out is None)


def look_for(until: str, stream: str, *, chain: bool, balances: bool) -> Look:
    if stream:
        return lambda conninfo, schema, _: read_stream(conninfo, schema, stream)
    if until:
        end = position_or_time(until)
        return lambda conninfo, schema, progress: as_of(conninfo, schema, end, progress)
    if chain:
        return verify_chain
    return verify_balances if balances else verify


@contextmanager
def told(database: str, schema: str, data_dir: Path | None) -> Iterator[tuple[Settings, Progress]]:
    """Which ledger, and whom to tell how far it is. What goes wrong is said in one line."""
    try:
        with place(database, schema, data_dir) as settings, shown(Console(stderr=True)) as progress:
            yield settings, progress
    except (LedgerError, psycopg.OperationalError, OSError) as error:
        raise SystemExit(str(error)) from None  # no traceback: it would show the connection string


@contextmanager
def place(database: str, schema: str, data_dir: Path | None) -> Iterator[Settings]:
    """Of a database other than this deployment's own, keys and seals are not ours to know."""
    given, named = Settings(), SecretStr(database)
    if not database:
        with opened(data_dir) as settings:
            yield settings
    elif given.database_url == named:
        yield given.model_copy(update={"database_schema": schema})
    else:
        bare = {"database_url": named, "database_schema": schema, "master_key": SecretStr("")}
        yield given.model_copy(update={**bare, "seals": SealSettings()})


def log_of(settings: Settings) -> tuple[str, str]:
    return settings.database_url.get_secret_value(), settings.database_schema


def end(report: Report | StreamReport | LogReport, *, as_json: bool) -> None:
    typer.echo(msgspec.json.encode(report) if as_json else "\n".join(words.of(report)))
    raise typer.Exit(0 if report.finding is None else 1)


if __name__ == "__main__":
    app()

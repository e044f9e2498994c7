"""Replays the event log: proves it whole, holds the read models against it, and tells what it says.

    python scripts/replay.py                      the whole log, compared with the live read models
    python scripts/replay.py verify --seals F     the log, entries and seals included, against seals kept outside
    python scripts/replay.py chain                every hash, position and version, and nothing else
    python scripts/replay.py balances             the balances alone, summed from the log and compared
    python scripts/replay.py diff                 every row of the live read models that is not what the log says
    python scripts/replay.py rebuild              read models made again beside the live ones, and swapped in
    python scripts/replay.py as-of 120000         balances and statuses when the log ended there, or at a time
    python scripts/replay.py what-changed A B     streams, statuses and balances between two positions or times
    python scripts/replay.py stream pay_01k9…     one stream, event by event
    python scripts/replay.py export --out F       the log as JSON Lines, CSV or Parquet, the journal for other programs

All but rebuild only read, and an auditor's account is enough. verify, as-of and what-changed also
read an exported log (--log FILE) and then need no database. Times are UTC unless they say otherwise.

Without --database it is the ledger of BUKUBESAR_DATABASE_URL, else what `bukubesar up` or
`bukubesar demo` last ran. Exit code 0: all is well; 1, and the first thing that is wrong: something
is, or could not be looked at; 2: it was called wrongly.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

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

from api import read_models
from api import seals as sealing
from api.seal_sinks import kept_in
from api.tools import opened
from ledger import logs
from ledger.errors import LedgerError, Rejected
from ledger.settings import SealSettings, Settings
from projections import GROUPS
from projections import replay_words as words
from projections.changes import STREAMS_SHOWN, Changes, what_changed
from projections.differing import ROWS_NAMED, TABLES, diff
from projections.exporting import export
from projections.log_sources import DatabaseLog, FileLog, LogSource, Point, position_or_time
from projections.past_states import AsOf, as_of
from projections.replay_progress import shown
from projections.replaying import Report, verify, verify_balances, verify_chain
from projections.steps import Progress
from projections.stream_reading import read_stream
from projections.verifying import held_still, verify_file, verify_log

WRONG_USAGE = 2

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False
)  # they would show connection strings


def _point(text: str) -> Point:
    try:
        return position_or_time(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is neither a position nor a time") from None


def _one_of(names: tuple[str, ...]) -> Callable[[str], str]:
    def check(name: str) -> str:
        if name and name not in names:
            raise typer.BadParameter(f"{name} is none of {', '.join(names)}")
        return name

    return check


Database = Annotated[
    str, typer.Option(envvar="BUKUBESAR_DATABASE_URL", help="else that of `bukubesar up`")
]
Schema = Annotated[str, typer.Option(help="that holds the log")]
DataDir = Annotated[Path | None, typer.Option(help="of `bukubesar up` or `bukubesar demo`")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]
LogFile = Annotated[
    Path | None,
    typer.Option(
        "--log", exists=True, dir_okay=False, help="an exported log, instead of a database"
    ),
]
When = Annotated[Any, typer.Argument(parser=_point, metavar="POINT", help="a position, or a time")]


@app.callback(invoke_without_command=True)
def replay(
    context: typer.Context,
    json: AsJson = False,
    database: Database = "",
    schema: Schema = "bukubesar",
    data_dir: DataDir = None,
) -> None:
    """Replays the event log and proves that it is whole and that the read models follow from it."""
    # Ended politely, it still drops the schema it works in.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logs.set_up("warning", as_json=False)
    if context.invoked_subcommand:
        return
    look(verify, database, schema, data_dir, as_json=json)


@app.command("chain")
def look_at_the_chain(
    json: AsJson = False,
    database: Database = "",
    schema: Schema = "bukubesar",
    data_dir: DataDir = None,
) -> None:
    """The log alone: every hash, position and version."""
    look(verify_chain, database, schema, data_dir, as_json=json)


@app.command("balances")
def look_at_balances(
    json: AsJson = False,
    database: Database = "",
    schema: Schema = "bukubesar",
    data_dir: DataDir = None,
) -> None:
    """The balances alone, summed from the log and compared with the live ones."""
    look(verify_balances, database, schema, data_dir, as_json=json)


@app.command("stream")
def look_at_a_stream(
    stream: str,
    json: AsJson = False,
    database: Database = "",
    schema: Schema = "bukubesar",
    data_dir: DataDir = None,
) -> None:
    """One stream, event by event, with its links in the chain."""
    with told(database, schema, data_dir) as (settings, _):
        report = read_stream(*log_of(settings), stream)
    end(report, as_json=json)


@app.command("verify")
def verify_against_seals(
    seals: Annotated[
        Path | None, typer.Option(help="file or folder of seals kept outside the database")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="public key that seals may be signed with")
    ] = None,
    log: LogFile = None,
    json: AsJson = False,
    database: Database = "",
    schema: Schema = "bukubesar",
    data_dir: DataDir = None,
) -> None:
    """The log as it stands: positions, chain, versions, entries, and the seals over it."""
    if log:
        with said_in_one_line(), shown(Console(stderr=True)) as progress:
            kept = kept_in(seals) if seals else None
            report = verify_file(log, progress, seals=kept, keys=key or ())
    else:
        with told(database, schema, data_dir) as (settings, progress):
            place = seals or settings.seals.file or settings.seals.folder
            report = verify_log(
                *log_of(settings),
                progress,
                seals=kept_in(place) if place else None,
                keys=key or sealing.own_keys(settings),
            )
    end(report, as_json=json)


@app.command("diff")
def find_differences(
    table: Annotated[str, typer.Option(callback=_one_of(TABLES), help="else all")] = "",
    limit: Annotated[
        int, typer.Option(min=0, help="rows named of each table; 0: all")
    ] = ROWS_NAMED,
    json: AsJson = False,
    database: Database = "",
    schema: Schema = "bukubesar",
    data_dir: DataDir = None,
) -> None:
    """The live read models against a replay, row by row."""
    with told(database, schema, data_dir) as (settings, progress):
        report = diff(*log_of(settings), progress, table=table, limit=limit)
    end(report, as_json=json)


@app.command("rebuild")
def make_again(
    group: Annotated[
        str, typer.Argument(callback=_one_of(tuple(GROUPS)), help="money or views; else both")
    ] = "",
    json: AsJson = False,
    database: Database = "",
    schema: Schema = "bukubesar",
    data_dir: DataDir = None,
) -> None:
    """Read models made again from the first event, beside the live ones, and swapped in; code 1 when
    what was live is not what the log says.
    """
    done = []
    with told(database, schema, data_dir) as (settings, progress):
        for one in read_models.rebuilt(settings, group, progress):
            done.append(one)
            if not json:
                typer.echo("\n".join(words.of_rebuilt(one)))
    if json:
        typer.echo(msgspec.json.encode(done))
    raise typer.Exit(1 if any(one.finding for one in done) else 0)


@app.command("as-of")
def look_back(
    point: When,
    stream: Annotated[str, typer.Option(help="the state of this one, instead")] = "",
    log: LogFile = None,
    json: AsJson = False,
    database: Database = "",
    schema: Schema = "bukubesar",
    data_dir: DataDir = None,
) -> None:
    """What the ledger was when its log ended there: balances, and how many of each status."""

    def read(source: LogSource, progress: Progress) -> AsOf:
        return as_of(source, point, progress, stream=stream)

    end(from_the_log(read, log, database, schema, data_dir), as_json=json)


@app.command("what-changed")
def compare_points(
    after: When,
    until: When,
    limit: Annotated[int, typer.Option(min=0, help="streams told; 0: all")] = STREAMS_SHOWN,
    log: LogFile = None,
    json: AsJson = False,
    database: Database = "",
    schema: Schema = "bukubesar",
    data_dir: DataDir = None,
) -> None:
    """Streams, statuses, balances and topics of the events behind one point and up to another."""

    def read(source: LogSource, progress: Progress) -> Changes:
        return what_changed(source, after, until, progress, limit=limit)

    end(from_the_log(read, log, database, schema, data_dir), as_json=json)


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
    schema: Schema = "bukubesar",
    data_dir: DataDir = None,
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


def look(
    by: Callable[[str, str, Progress], Report],
    database: str,
    schema: str,
    data_dir: Path | None,
    *,
    as_json: bool,
) -> None:
    with told(database, schema, data_dir) as (settings, progress):
        report = by(*log_of(settings), progress)
    end(report, as_json=as_json)


def from_the_log(
    read: Callable[[LogSource, Progress], AsOf | Changes],
    file: Path | None,
    database: str,
    schema: str,
    data_dir: Path | None,
) -> AsOf | Changes:
    """Exported, or as a database holds it."""
    if file:
        with said_in_one_line(), shown(Console(stderr=True)) as progress:
            return read(FileLog(file), progress)
    with (
        told(database, schema, data_dir) as (settings, progress),
        held_still(*log_of(settings)) as connection,
    ):
        return read(DatabaseLog(connection), progress)


@contextmanager
def told(database: str, schema: str, data_dir: Path | None) -> Iterator[tuple[Settings, Progress]]:
    """Which ledger, and whom to tell how far it is."""
    with (
        said_in_one_line(),
        place(database, schema, data_dir) as settings,
        shown(Console(stderr=True)) as progress,
    ):
        yield settings, progress


@contextmanager
def said_in_one_line() -> Iterator[None]:
    """What goes wrong; no traceback: it would show the connection string."""
    try:
        yield
    except Rejected as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USAGE) from None
    except (LedgerError, psycopg.OperationalError, OSError) as error:
        raise SystemExit(str(error)) from None
    except psycopg.ProgrammingError as error:  # a right or a table that is missing
        raise SystemExit(error.diag.message_primary or str(error)) from None


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


def end(report: words.Told, *, as_json: bool) -> None:
    typer.echo(msgspec.json.encode(report) if as_json else "\n".join(words.of(report)))
    raise typer.Exit(0 if report.ok else 1)


if __name__ == "__main__":
    app()

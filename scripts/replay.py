"""Replays the event log and proves that it is whole and that the read models follow from it.

    python scripts/replay.py                      the whole log, compared with the live read models
    python scripts/replay.py --chain              the log alone: every hash, position and version
    python scripts/replay.py --balances           the balances alone, summed from the log and compared
    python scripts/replay.py --until 120000       balances when the log ended there, or at a time (UTC)
    python scripts/replay.py --stream pay_01k9…   one stream, event by event

Without --database it is the ledger of BUKUBESAR_DATABASE_URL, else what `bukubesar up` or
`bukubesar demo` last ran. Exit code 1, and the first thing that is wrong, when anything is.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from rich.console import Console

from api.tools import opened
from ledger import logs
from ledger.errors import LedgerError
from projections import replay_words as words
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

Database = Annotated[
    str, typer.Option(envvar="BUKUBESAR_DATABASE_URL", help="else that of `bukubesar up`")
]
Look = Callable[[str, str, Progress], Report | StreamReport]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


def replay(
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
    # Ended politely, it still drops the schema it works in.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logs.set_up("warning", as_json=False)
    try:
        with place(database, schema, data_dir) as (conninfo, log_schema):
            look = look_for(until, stream, chain=chain, balances=balances)
            with shown(Console(stderr=True)) as progress:
                report = look(conninfo, log_schema, progress)
    except (LedgerError, psycopg.OperationalError) as error:
        raise SystemExit(str(error)) from None  # no traceback: it would show the connection string
    typer.echo(msgspec.json.encode(report) if json else "\n".join(words.of(report)))
    raise typer.Exit(0 if report.finding is None else 1)


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
def place(database: str, schema: str, data_dir: Path | None) -> Iterator[tuple[str, str]]:
    if database:
        yield database, schema
        return
    with opened(data_dir) as settings:
        yield settings.database_url.get_secret_value(), settings.database_schema


if __name__ == "__main__":
    typer.run(replay)

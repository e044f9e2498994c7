"""Replays the event log and proves that it is whole and that the read models follow from it.

    python scripts/replay.py                      the whole log, compared with the live read models
    python scripts/replay.py --until 120000       balances when the log ended there, or at a time (UTC)
    python scripts/replay.py --stream pay_01k9…   one stream, event by event

Exit code 1, and the first thing that is wrong, when anything is.
"""

import signal
import sys
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from projections import replay_words as words
from projections.replaying import Report, as_of, verify
from projections.stream_reading import StreamReport, read_stream

Database = Annotated[str, typer.Option(envvar="BUKUBESAR_DATABASE_URL", help="else that of `bukubesar up`")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


def replay(until: str = "", stream: str = "", json: AsJson = False, database: Database = "", schema: str = "") -> None:
    # Ended politely, it still drops the schema it works in.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = report_of(*lookup(database, schema), until, stream)
    typer.echo(msgspec.json.encode(report) if json else "\n".join(words.of(report)))
    raise typer.Exit(0 if report.finding is None else 1)


def report_of(conninfo: str, schema: str, until: str, stream: str) -> Report | StreamReport:
    if stream:
        return read_stream(conninfo, schema, stream)
    with words.bar(Console(stderr=True)) as progress:
        if until:
            return as_of(conninfo, schema, position_or_time(until), progress)
        return verify(conninfo, schema, progress)


def position_or_time(text: str) -> int | datetime:
    if text.isdecimal():
        return int(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def lookup(database: str, schema: str) -> tuple[str, str]:
    if database:
        return database, schema or "bukubesar"
    from api.wiring import connect_for_tools  # noqa: PLC0415  only needed without a database of one's own

    return connect_for_tools()


if __name__ == "__main__":
    typer.run(replay)

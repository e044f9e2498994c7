"""`bukubesar seals` and `bukubesar prove`: seals as they are made, what they are worth here, and proofs for
those who are elsewhere.

What they do is imported when it is asked for: every process starts by way of the command line.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger import logs

if TYPE_CHECKING:
    from ledger.audit.seal import Seal
    from ledger.settings import Settings

app = typer.Typer(help="Signed statements of what the log was.", no_args_is_help=True)

DataDir = Annotated[Path | None, typer.Option(help="Where everything that must last is kept.")]
Outside = Annotated[
    Path | None, typer.Option("--seals", help="File or folder of seals; else the database's own.")
]
Out = Annotated[Path | None, typer.Option(help="Else to standard output.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command("list")
def list_seals(
    last: Annotated[int, typer.Option(min=1, help="How many, the newest last.")] = 20,
    seals: Outside = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """What each covers, when it was made, and the hash by which it can be named on paper."""
    from ledger.audit import seal as sealing

    with _opened(data_dir) as settings:
        found = _seals(settings, seals)[-last:]
    for seal in found:
        if as_json:
            print(sealing.text(seal))
        else:
            covered = f"{seal.first:>12,} to {seal.position:<12,}"
            print(f"{seal.number:>8}  {covered}  {seal.at}  {sealing.digest(seal)}")


@app.command("key")
def show_key(data_dir: DataDir = None) -> None:
    """The public key: give it to auditors by a way of its own."""
    from api.seals import key
    from api.tools import settings_of
    from ledger.audit.seal import public_key

    logs.set_up("warning", as_json=False)
    print(public_key(key(settings_of(data_dir))))


@app.command("check")
def check(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Seals against each other, against the places outside, and the newest against the log. Looks at no
    other event: `scripts/replay.py verify` does.
    """
    import msgspec

    from api.seal_condition import condition

    with _opened(data_dir) as settings:
        found = condition(settings)
    print(msgspec.json.encode(found).decode() if as_json else "\n".join(found.lines()))
    raise typer.Exit(0 if found.ok else 1)


@app.command("make")
def make(data_dir: DataDir = None) -> None:
    """Seal at once what a worker would within a minute."""
    import asyncio

    with _opened(data_dir) as settings:
        made = asyncio.run(_made(settings))
        newest = _seals(settings, None)[-1:]
    print(f"{made} made; sealed up to {newest[0].position if newest else 0}")


async def _made(settings: "Settings") -> int:
    """By the time of the database, as a worker's seals are."""
    from api.seals import sealer
    from api.wiring import open_wiring
    from ledger.eventstore.connections import connect

    made, works = 0, sealer(settings)
    async with open_wiring(settings, "tool"):
        with connect(
            settings.database_url.get_secret_value(), settings.database_schema, "app"
        ) as conn:
            while now := works.step(conn, at_once=True):
                made += now
    return made


@app.command("prove")
def prove_continuation(
    older: Annotated[int, typer.Argument(min=1, help="The number that somebody holds.")],
    newer: Annotated[int | None, typer.Argument(min=1, help="Else the newest.")] = None,
    out: Out = None,
    seals: Outside = None,
    data_dir: DataDir = None,
) -> None:
    """Write the proof that a later seal continues an earlier one, for `bukubesar-verify`."""
    from ledger.audit import proof

    with _opened(data_dir) as settings:
        found = _seals(settings, seals)
    written(proof.of_consistency(found[:newer] if newer else found, older), out)


def prove(event: str, out: Path | None, seals: Path | None, data_dir: Path | None) -> None:
    from ledger.audit import proving
    from ledger.eventstore.connections import connect

    with _opened(data_dir) as settings:
        database, schema = settings.database_url.get_secret_value(), settings.database_schema
        with connect(database, schema, "auditor") as connection:
            position = proving.position_of(connection, event)
            written(proving.prove(connection, position, _seals(settings, seals)), out)


def written(proof: Any, out: Path | None) -> None:
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(proof), indent=2) + b"\n"
    if out:
        out.write_bytes(text)
    else:
        print(text.decode(), end="")


def _seals(settings: "Settings", outside: Path | None) -> "list[Seal]":
    from api.seal_sinks import kept_in
    from ledger.audit.proving import stored
    from ledger.eventstore.connections import connect

    if outside:
        return kept_in(outside)
    database, schema = settings.database_url.get_secret_value(), settings.database_schema
    with connect(database, schema, "auditor") as connection:
        return stored(connection)


@contextmanager
def _opened(data_dir: Path | None) -> "Iterator[Settings]":
    from api.tools import opened

    logs.set_up("warning", as_json=False)
    with opened(data_dir) as settings:
        yield settings

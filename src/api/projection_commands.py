"""`bukubesar projections`: how the read models fare, and what to do once something was repaired."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from api.claims import Claims
from api.tools import opened
from ledger import logs
from ledger.eventstore.connections import Readers
from ledger.settings import Settings
from projections import GROUPS
from projections.condition import Condition, conditions
from projections.resuming import Resumed, rebuild_live, resume

app = typer.Typer(
    help="Read models: how far they are, what they could not apply, and resuming them.",
    invoke_without_command=True,
)

GROUP: Final = f"One of {', '.join(GROUPS)}"

DataDir = Annotated[Path | None, typer.Option(help="Where everything that must last is kept.")]


@app.callback()
def show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    data_dir: DataDir = None,
) -> None:
    """How far each group of read models is, where it has halted, and which streams it has parked."""
    logs.set_up("warning", as_json=False)
    if context.invoked_subcommand:
        return
    with opened(data_dir) as settings:
        found = asyncio.run(_conditions(settings))
    print(msgspec.json.encode(found).decode() if as_json else "\n".join(map(_told, found)))


@app.command("resume")
def resume_command(
    group: Annotated[str, typer.Argument(help=f"{GROUP}; else every one.")] = "",
    data_dir: DataDir = None,
) -> None:
    """After a repair: go on where a group halted, and rebuild one that has parked streams."""
    with opened(data_dir) as settings:
        conninfo, schema = settings.database_url.get_secret_value(), settings.database_schema
        for name in [group] if group else GROUPS:
            done = resume(conninfo, schema, name)
            if done is not None:
                _finish(settings, done)
            else:
                print(f"{name}: there was nothing to resume")


@app.command("rebuild")
def rebuild_command(
    group: Annotated[str, typer.Argument(help=f"{GROUP}.")], data_dir: DataDir = None
) -> None:
    """Make a group of read models again from the first event, while the live ones are in use."""
    with opened(data_dir) as settings:
        conninfo, schema = settings.database_url.get_secret_value(), settings.database_schema
        _finish(settings, rebuild_live(conninfo, schema, group))


def _finish(settings: Settings, done: Resumed) -> None:
    if done.streams:
        asyncio.run(_offer(settings, done.streams))
    how = "rebuilt up to" if done.rebuilt else "goes on, and is at"
    again = f"; no longer parked: {', '.join(done.streams)}" if done.streams else ""
    print(f"{done.group}: {how} position {done.position}{again}")


async def _conditions(settings: Settings) -> list[Condition]:
    async with _reading(settings) as readers, readers.connection() as conn:
        return await conditions(conn)


async def _offer(settings: Settings, streams: Sequence[str]) -> None:
    """What fell due while they were parked is done at once, not when the workers start over."""
    async with _reading(settings) as readers:
        await Claims(readers).offer(streams)


@asynccontextmanager
async def _reading(settings: Settings) -> AsyncIterator[Readers]:
    conninfo = settings.database_url.get_secret_value()
    readers = Readers(conninfo, settings.database_schema, 1)
    await readers.open()
    try:
        yield readers
    finally:
        await readers.close()


def _told(group: Condition) -> str:
    behind = f", {group.lag} behind ({group.lag_seconds:.0f} s)" if group.lag else ""
    lines = [f"{group.group:<8}position {group.position}{behind}"]
    lines += [
        f"        {event.outcome} at {event.position}, stream {event.stream}, {event.topic},"
        f" since {event.since:%Y-%m-%d %H:%M:%S}: {event.detail}"
        for event in group.aside
    ]
    return "\n".join(lines)

"""What `bukubesar projections` does and says."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from api.claims import Claims
from api.tools import opened
from ledger.eventstore.connections import Readers
from ledger.settings import Settings
from projections import GROUPS
from projections.condition import Condition, conditions
from projections.rebuilding import Rebuilt, rebuild_live
from projections.resuming import Resumed, resume
from projections.steps import Progress, silent


def as_json(data_dir: Path | None) -> str:
    return msgspec.json.encode(_found(data_dir)).decode()


def as_text(data_dir: Path | None) -> str:
    return "\n".join(line for group in _found(data_dir) for line in _told(group))


def resumed(data_dir: Path | None, group: str) -> Iterator[str]:
    """One line a group, as soon as it is done; all of them when none is named."""
    with opened(data_dir) as settings:
        for name in [group] if group else GROUPS:
            done = resume(*_place(settings), name)
            yield _finished(settings, done) if done else f"{name}: there was nothing to resume"


def rebuilt(settings: Settings, group: str, progress: Progress = silent) -> Iterator[Rebuilt]:
    """One group, or all of them in turn when none is named."""
    for name in [group] if group else GROUPS:
        done = rebuild_live(*_place(settings), name, progress)
        if done.streams:
            asyncio.run(_offer(settings, done.streams))
        yield done


def _found(data_dir: Path | None) -> list[Condition]:
    with opened(data_dir) as settings:
        return asyncio.run(_conditions(settings))


def _finished(settings: Settings, done: Resumed) -> str:
    if done.streams:
        asyncio.run(_offer(settings, done.streams))
    how = "rebuilt up to" if done.rebuilt else "goes on, and is at"
    again = f"; no longer parked: {', '.join(done.streams)}" if done.streams else ""
    return f"{done.group}: {how} position {done.position}{again}"


def _told(group: Condition) -> list[str]:
    behind = f", {group.lag} behind ({group.lag_seconds:.0f} s)" if group.lag else ""
    return [f"{group.group:<8}position {group.position}{behind}"] + [
        f"        {event.outcome} at {event.position}, stream {event.stream}, {event.topic},"
        f" since {event.since:%Y-%m-%d %H:%M:%S}: {event.detail}"
        for event in group.aside
    ]


async def _conditions(settings: Settings) -> list[Condition]:
    async with _reading(settings) as readers, readers.connection() as conn:
        return await conditions(conn)


async def _offer(settings: Settings, streams: Sequence[str]) -> None:
    """What fell due while they were parked is done now, not when the workers next start over."""
    async with _reading(settings) as readers:
        await Claims(readers).offer(streams)


@asynccontextmanager
async def _reading(settings: Settings) -> AsyncIterator[Readers]:
    readers = Readers(*_place(settings), 1)
    await readers.open()
    try:
        yield readers
    finally:
        await readers.close()


def _place(settings: Settings) -> tuple[str, str]:
    return settings.database_url.get_secret_value(), settings.database_schema

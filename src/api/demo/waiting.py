"""Waiting by asking again, with a deadline; how late something comes is for the checks to judge."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from ledger import clock

WITHIN_SECONDS: Final = 20.0
ASK_EVERY_SECONDS: Final = 0.1

Found = TypeVar("Found")


async def until(
    ask: Callable[[], Awaitable[Found]],
    accept: Callable[[Found], bool],
    within_seconds: float = WITHIN_SECONDS,
) -> Found:
    """What was found when it was acceptable, else the last that was found before the deadline."""
    deadline = clock.monotonic_seconds() + within_seconds
    found = await ask()
    while not accept(found) and clock.monotonic_seconds() < deadline:
        await asyncio.sleep(ASK_EVERY_SECONDS)
        found = await ask()
    return found

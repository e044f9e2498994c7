"""Work that outlives its request: a charge goes on when the caller has had its 202, and shutdown
waits for it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from ledger import deadline
from ledger.errors import Unavailable

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Background:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def within(self, seconds: float, work: Coroutine[Any, Any, T]) -> T | None:
        """The result if it comes in time; None if not, and the work goes on. Raises what the work
        raises.
        """
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                deadline.parted()
        return task.result() if task.done() else None

    async def drain(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure and not isinstance(failure, Unavailable):
            log.warning(
                "background.failed", error=type(failure).__name__, code=getattr(failure, "code", "")
            )

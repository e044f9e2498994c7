"""Coroutines that are driven by hand: whoever holds the list decides who goes on, to the next pause.

The event loop has no clock, no sockets and no will of its own: the same choices give the same run.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final


class Pause:
    """`await Pause("…")`: others may go on here, time may pass, and one may die here."""

    __slots__ = ("where",)

    def __init__(self, where: str) -> None:
        self.where = where

    def __await__(self) -> Generator[Any, None, None]:
        actor = _ACTING.get(None)
        if actor is None:  # nobody drives here: an event loop like any other
            return
        future = asyncio.get_running_loop().create_future()
        actor.pauses.append(future)
        yield from future


class HandLoop(asyncio.AbstractEventLoop):
    """Runs what is ready, and timers once their time has come; `seconds` says what time it is."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.time = seconds  # type: ignore[method-assign]
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._made = 0

    def run_ready(self) -> None:
        asyncio._set_running_loop(self)
        try:
            while self._ready or self._has_timer():
                handle = self._ready.popleft() if self._ready else heapq.heappop(self._timers)[2]
                if not handle.cancelled():
                    handle._run()
        finally:
            asyncio._set_running_loop(None)

    def _has_timer(self) -> bool:
        return bool(self._timers) and self._timers[0][0] <= self.time()

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._made += 1
        heapq.heappush(self._timers, (when, self._made, handle))
        return handle

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: Any) -> None:
        """Tasks of the dead are pending for ever."""

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""


class Actor:
    """A coroutine under way. `failure` is what it ended with, if that was an error."""

    def __init__(self, name: str, work: Coroutine[Any, Any, Any], loop: HandLoop) -> None:
        self.name = name
        self.pauses: deque[asyncio.Future[None]] = deque()
        self.died = False
        self._loop = loop
        self._work = work
        self._life = self._live()
        context = copy_context()
        context.run(_ACTING.set, self)
        self._task = loop.create_task(self._life, context=context)
        loop.run_ready()

    async def _live(self) -> Any:
        await Pause("begins")
        return await self._work

    @property
    def over(self) -> bool:
        return self.died or self._task.done()

    @property
    def failure(self) -> BaseException | None:
        return self._task.exception() if self._task.done() else None

    @property
    def can_go_on(self) -> bool:
        return bool(self.pauses) and not self.over

    def go_on(self) -> None:
        """To its next pause, or to its end; others who waited for what it held come to theirs."""
        self.pauses.popleft().set_result(None)
        self._loop.run_ready()

    def die(self) -> None:
        """Nothing of it runs any more, as after SIGKILL."""
        self.died = True
        self._task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._life.close()
        self._work.close()


_ACTING: Final[ContextVar[Actor]] = ContextVar("acting")

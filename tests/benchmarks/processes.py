"""Processes that make load on command: they start once, wait, and run one slot at a time.

A process' own event loop is uvloop where it is installed, as it is under uvicorn.
"""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from multiprocessing.connection import Connection
from typing import Any, Final

import structlog

from ledger import interpreter

# Opens what a slot needs (a store, say), and is closed at the end of the process.
Opening = Callable[..., AbstractAsyncContextManager[Any]]
Work = Callable[..., Awaitable[Any]]

_SPAWN: Final = multiprocessing.get_context("spawn")


class Loader:
    """One process of callers. `start` and `result` are apart, so that two may run side by side."""

    def __init__(self, opening: Opening, *given: Any) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_serve, args=(theirs, opening, given), daemon=True)
        self.process.start()
        theirs.close()

    def start(self, work: Work, *asked: Any) -> None:
        self._pipe.send((work, asked))

    def result(self) -> Any:
        answer = self._pipe.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def run(self, work: Work, *asked: Any) -> Any:
        self.start(work, *asked)
        return self.result()

    def close(self) -> None:
        self._pipe.send(None)
        self.process.join(10)


@contextmanager
def loader(opening: Opening, *given: Any) -> Iterator[Loader]:
    started = Loader(opening, *given)
    try:
        yield started
    finally:
        started.close()


async def closed_loop(
    once: Callable[[int], Awaitable[float]], callers: int, seconds: float
) -> tuple[list[float], float]:
    """Each caller again and again until the time is over; what they waited, and the time it took."""
    loop = asyncio.get_running_loop()
    waited: list[float] = []
    began = loop.time()
    until = began + seconds

    async def caller(number: int) -> None:
        while loop.time() < until:
            waited.append(await once(number))

    await asyncio.gather(*(caller(number) for number in range(callers)))
    return waited, loop.time() - began


def _serve(pipe: Connection, opening: Opening, given: tuple[Any, ...]) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        import uvloop  # noqa: PLC0415  not on every system

        run: Callable[[Any], Any] = uvloop.run
    except ImportError:
        run = asyncio.run
    run(_answer(pipe, opening, given))


async def _answer(pipe: Connection, opening: Opening, given: tuple[Any, ...]) -> None:
    async with opening(*given) as opened:
        interpreter.tune()  # as wiring does
        while (asked := await asyncio.to_thread(_next, pipe)) is not None:
            work, arguments = asked
            try:
                pipe.send(await work(opened, *arguments))
            except Exception as error:
                pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))


def _next(pipe: Connection) -> Any:
    try:
        return pipe.recv()
    except EOFError:  # the parent is gone
        return None

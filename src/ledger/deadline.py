"""Until when somebody waits for what is being done, passed down to every wait below
(reliability.md 4.1, rule 5).

Each wait has a limit of its own as well. This one keeps several of them, one after the other, from
adding up: who waits for an answer waits once.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from ledger import clock


class _Deadline:
    """Shared by all that runs for one caller, so that who stops the time stops it for all."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.until = clock.monotonic_seconds() + seconds


_NEVER: Final = _Deadline(math.inf)
_CURRENT: Final = ContextVar("deadline", default=_NEVER)


class answering_within:  # noqa: N801  every request has one, and made of a generator it costs twice as much
    """What is waited for inside ends by then."""

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._token = _CURRENT.set(_Deadline(self._seconds))

    def __exit__(self, *_: object) -> None:
        _CURRENT.reset(self._token)


@contextmanager
def lifted() -> Iterator[None]:
    """For work that nobody waits for, or that has limits of its own."""
    token = _CURRENT.set(_NEVER)
    try:
        yield
    finally:
        _CURRENT.reset(token)


class stopped:  # noqa: N801
    """Time inside does not count: it is somebody else's, and has a limit of its own."""

    __slots__ = ("_began",)

    def __enter__(self) -> None:
        self._began = clock.monotonic_seconds()

    def __exit__(self, *_: object) -> None:
        _CURRENT.get().until += clock.monotonic_seconds() - self._began


def parted() -> None:
    """What was begun here goes on without a deadline; who had begun it has the whole time again."""
    shared = _CURRENT.get()
    if shared is not _NEVER:
        _CURRENT.set(_Deadline(shared.seconds))
        shared.until = math.inf


def latest() -> float:
    """In monotonic time; infinite for work that nobody waits for."""
    return _CURRENT.get().until


def left(seconds: float) -> float:
    """How long a wait of at most so many seconds may still last, never below zero."""
    return max(0.0, min(seconds, _CURRENT.get().until - clock.monotonic_seconds()))

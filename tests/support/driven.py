"""Coroutines that are driven by hand: whoever holds the list decides who goes on, to the next pause.

Nothing here waits, and no event loop runs; the same choices give the same run.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Final

# Locks of asyncio ask for a running loop when they are contended. This one is only ever asked.
_LOOP: Final = asyncio.new_event_loop()


class Pause:
    """`await Pause("…")`: others may go on here, time may pass, and one may die here."""

    __slots__ = ("where",)

    def __init__(self, where: str) -> None:
        self.where = where

    def __await__(self) -> Generator["Pause", None, None]:
        yield self


class Actor:
    """A coroutine under way. `failure` is what it ended with, if that was an error."""

    def __init__(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        self.name = name
        self.over = False
        self.result: Any = None
        self.failure: BaseException | None = None
        self._work = work
        self._waits_for: Any = None  # a lock, while another one holds it

    @property
    def can_go_on(self) -> bool:
        return not self.over and (self._waits_for is None or self._waits_for.done())

    def go_on(self) -> None:
        """To its next pause, or to its end."""
        self._waits_for = None
        asyncio._set_running_loop(_LOOP)
        try:
            met = self._work.send(None)
        except StopIteration as done:
            self.over, self.result = True, done.value
        except Exception as failure:
            self.over, self.failure = True, failure
        else:
            self._waits_for = met if asyncio.isfuture(met) else None
        finally:
            asyncio._set_running_loop(None)

    def die(self) -> None:
        """Nothing of it runs any more, as after SIGKILL."""
        self.over = True
        self._work.close()

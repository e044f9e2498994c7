"""One at a time on each stream, in the order of asking."""

import asyncio
from collections import deque

from ledger import deadline
from ledger.eventstore.group_call import CALLER_SECONDS, StoreUnavailable


class Turns:
    """Belongs to one event loop. Locks of asyncio, kept for each stream while it is asked for, cost a
    command four times as much.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def take(self, stream: str) -> None:
        """Raises StoreUnavailable when those before us take too long, as they do when they wait for
        the store.
        """
        if stream not in self._waiting:
            self._waiting[stream] = deque()
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting[stream].append(turn)
        try:
            async with asyncio.timeout(deadline.left(CALLER_SECONDS)):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it came while we were called off
                self.leave(stream)
            if isinstance(error, TimeoutError):
                raise StoreUnavailable() from None
            raise

    def leave(self, stream: str) -> None:
        """Whose turn it is gives it to the next."""
        waiting = self._waiting[stream]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[stream]

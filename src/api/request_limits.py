"""Bounds on what one request and all together may take (reliability.md 3, T4). Pure ASGI."""

import asyncio
from collections.abc import Iterable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http_errors import BodyTooLarge, BodyTooSlow, Overloaded
from api.problems import problem
from ledger import deadline


class ConcurrencyLimit:
    """Refuses at once what would only wait; probes pass, or a busy process would look dead."""

    def __init__(self, app: ASGIApp, most: int, always: Iterable[str]) -> None:
        self.app = app
        self.most = most
        self.always = frozenset(always)
        self.active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self.always:
            await self.app(scope, receive, send)
        elif self.active >= self.most:
            await problem(Overloaded(), scope)(scope, receive, send)
        else:
            self.active += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.active -= 1


class AnswerLimit:
    """How long a request may wait for the database in all; the caller's own time and the gateway's
    do not count.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with deadline.answering_within(self.seconds):
            await self.app(scope, receive, send)


class BodyLimit:
    """Counts what arrives, whatever was announced, and gives it a deadline."""

    def __init__(
        self, app: ASGIApp, largest: int, seconds: float, larger: Mapping[str, int] | None = None
    ) -> None:
        """`larger` has the paths that may take more."""
        self.app = app
        self.largest = largest
        self.larger = larger or {}
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        largest = self.larger.get(scope["path"], self.largest)
        if _announced_length(scope) > largest:
            await problem(BodyTooLarge(largest_bytes=largest), scope)(scope, receive, send)
        else:
            await self.app(scope, self._counted(receive, largest), send)

    def _counted(self, receive: Receive, largest: int) -> Receive:
        arrived, complete = 0, False
        over_at: float | None = None

        async def counted() -> Message:
            nonlocal arrived, complete, over_at
            if complete:
                return await receive()
            now = asyncio.get_running_loop().time()
            over_at = over_at or now + self.seconds
            try:
                with deadline.stopped():
                    async with asyncio.timeout_at(over_at):
                        message = await receive()
            except TimeoutError:
                raise BodyTooSlow(seconds=self.seconds) from None
            arrived += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if arrived > largest:
                raise BodyTooLarge(largest_bytes=largest)
            return message

        return counted


def _announced_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        # Digits that a server let through may still be too many to be turned into a number.
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0

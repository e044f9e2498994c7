"""The clock of a local Midtrans, by its control API: when ours is moved, its world has to come along.

Real Midtrans is never asked; what answers to no control API is left alone.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import msgspec

PATH: Final = "/_control/clock"
HOLD: Final = "/_control/notices/hold"
ANSWER_SECONDS: Final = 30.0  # a leap of a year has much to catch up with
HAPPENED: Final = 409  # and so it does not go back


class GatewayTime(msgspec.Struct, frozen=True):
    now: datetime
    frozen: bool = False
    next: datetime | None = None  # when it has something to do
    notices_under_way: int = 0
    holding_notices: bool = False  # somebody asked for that


class GatewayClock:
    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def read(self) -> GatewayTime:
        return _read(await self._http.get(PATH))

    @asynccontextmanager
    async def ahead(self, moment: datetime, *, frozen: bool) -> AsyncIterator[None]:
        """It lives by the moment, and what happened on the way is told at the end: when we do, too."""
        holds = not (await self.read()).holding_notices
        if holds:
            await self._hold(True)
        try:
            await self.set(moment, frozen=frozen)
            yield
        finally:
            if holds:
                await self._hold(False)

    async def set(self, moment: datetime, *, frozen: bool) -> GatewayTime:
        """Where something has happened there already, it does not go back, and stays ahead of us."""
        asked: dict[str, Any] = {"frozen": frozen}
        answer = await self._http.post(PATH, json={**asked, "set": moment.isoformat()})
        if answer.status_code == HAPPENED:
            answer = await self._http.post(PATH, json=asked)
        return _read(answer)

    async def _hold(self, hold: bool) -> None:
        (await self._http.post(HOLD, json={"hold": hold})).raise_for_status()


def _read(answer: httpx2.Response) -> GatewayTime:
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=GatewayTime)


@asynccontextmanager
async def gateway_clock(url: str) -> AsyncIterator[GatewayClock | None]:
    """None when there is no simulator at this address."""
    if f".{urlsplit(url).hostname}".lower().endswith(".midtrans.com"):
        yield None
        return
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=ANSWER_SECONDS) as http:
        found = GatewayClock(http)
        yield found if await _answers(found) else None


async def _answers(found: GatewayClock) -> bool:
    try:
        await found.read()
    except (httpx2.HTTPError, msgspec.MsgspecError):
        return False
    return True

"""The merchant's program: every command with a key of its own, repeated until there is a final answer, at either
API. What it meant and what it heard goes to the history.
"""

import asyncio
import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import httpx2
import msgspec

from faults.chaos.history import History
from faults.chaos.system import System
from support.customer import Fields, new_key

PASSING: Final = ("/problems/request_in_progress", "/problems/stream_busy")
TWIN_SHARE: Final = 0.08  # of commands that both APIs get at the same moment
REPEAT_SHARE: Final = 0.08  # of answered commands that are sent once more
OTHER_BODY_SHARE: Final = 0.06  # of answered commands whose key is used for another request
LONGEST_PAUSE_SECONDS: Final = 2.0


class Merchant:
    """`counts` is what is shown while it runs."""

    def __init__(self, system: System, history: History, chance: random.Random) -> None:
        self._system, self._history, self._chance = system, history, chance
        self.counts: Counter[str] = Counter()
        self.open: set[str] = set()  # keys without a final answer

    async def command(
        self, kind: str, path: str, body: Fields, method: str = "POST"
    ) -> tuple[int, Fields]:
        """Status and body of the final answer."""
        key = new_key()
        self.counts["commands"] += 1
        self.open.add(key)
        self._history.note("intent", key=key, kind=kind, path=path, body=body, method=method)
        began, tries = time.monotonic(), 0
        twins = 2 if self._chance.random() < TWIN_SHARE else 1
        while True:
            first = self._chance.randrange(len(self._system.urls))
            answers = await asyncio.gather(
                *(self._try(first + twin, method, path, body, key) for twin in range(twins))
            )
            tries, twins = tries + len(answers), 1
            if final := next((one for one in answers if one and is_final(one)), None):
                break
            await asyncio.sleep(self._pause(tries))
        self.open.discard(key)
        self.counts["answered"] += 1
        seconds = round(time.monotonic() - began, 3)
        self._history.note("end", key=key, status=final.status_code, tries=tries, seconds=seconds)
        await self._ask_more(key, method, path, body, final)
        return final.status_code, read(final)

    async def get(self, path: str) -> Fields | None:
        """None when nobody gave an answer."""
        number = self._chance.randrange(len(self._system.urls))
        try:
            answer = await self._system.shop(number).get(path)
        except httpx2.TransportError:
            return None
        if answer.status_code >= 500:
            self._history.note("failure", path=path, api=number, status=answer.status_code)
        return read(answer) if answer.is_success else None

    async def _ask_more(
        self, key: str, method: str, path: str, body: Fields, final: httpx2.Response
    ) -> None:
        if not final.is_success:
            return
        if self._chance.random() < REPEAT_SHARE:
            self.counts["repeats"] += 1
            await self._try(self._chance.randrange(2), method, path, body, key)
        if self._chance.random() < OTHER_BODY_SHARE and "amount" in body:
            self.counts["other bodies"] += 1
            other = body | {"amount": body["amount"] + 1}
            api = self._chance.randrange(2)
            await self._try(api, method, path, other, key, what="other body")

    async def _try(
        self, api: int, method: str, path: str, body: Fields, key: str, what: str = "answer"
    ) -> httpx2.Response | None:
        number, began = api % len(self._system.urls), time.monotonic()
        self.counts["tries"] += 1
        try:
            shop, content = self._system.shop(number), msgspec.json.encode(body)
            answer = await shop.send(method, path, content, Idempotency_Key=key)
        except httpx2.TransportError as error:
            self.counts["no answer"] += 1
            self._history.note("none", key=key, api=number, error=type(error).__name__)
            return None
        said = read(answer)
        self._history.note(
            what,
            key=key,
            api=number,
            status=answer.status_code,
            digest=hashlib.sha256(answer.content).hexdigest()[:24],
            seconds=round(time.monotonic() - began, 3),
            replayed=answer.headers.get("Idempotent-Replayed") == "true",
            stream=said.get("paymentId") or said.get("subscriptionId"),
            problem=said.get("type"),
            retry_after=answer.headers.get("Retry-After"),
        )
        return answer

    def _pause(self, tries: int) -> float:
        longest = min(LONGEST_PAUSE_SECONDS, 0.1 * 2 ** min(tries, 10))
        return self._chance.uniform(longest / 2, longest)


def is_final(answer: httpx2.Response) -> bool:
    status = answer.status_code
    if status == 409:
        return read(answer).get("type") not in PASSING
    return answer.is_success or (400 <= status < 500 and status not in (408, 429))


def read(answer: httpx2.Response) -> Fields:
    try:
        body: Any = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


async def until(
    look: Callable[[], Any], seconds: float, pause: float = 0.5, longest: float = 4.0
) -> Any:
    """What `look` gives once it gives something; None when it did not in time."""
    give_up_at = time.monotonic() + seconds
    while not (found := await look()):
        if time.monotonic() > give_up_at:
            return None
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, longest)
    return found

"""Telling the merchant: sending, retrying and, on request, holding notices (midtrans.md 10)."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Final

import httpx2

from simulator.clock import Agenda, Clock, wib
from simulator.notice_faults import NoticeFaults, Sending
from simulator.transactions import Fields

HEADERS: Final = {  # midtrans.md 10.1
    "User-Agent": "Veritrans",
    "Accept": "application/json",
    "Content-Type": "application/json",
}
TIMEOUT_SECONDS: Final = 15.0
# midtrans.md 10.2: how often the merchant's answer makes Midtrans try again, and after how long.
RETRIES: Final = {500: 1, 503: 4, 400: 2, 404: 2, 301: 0, 302: 0, 303: 0}
RETRIES_OTHERWISE: Final = 5
RETRY_AFTER_MINUTES: Final = (2, 10, 30, 90, 210)
FOLLOWED: Final = (307, 308)
HOPS_AT_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Attempt:
    at: datetime
    status: int | None  # None: no answer at all
    error: str = ""


@dataclass(slots=True)
class Notice:
    serial: int
    url: str
    order_id: str  # of the transaction it is about, whatever a forged body says
    body: Fields
    kind: str = "true"  # or repeat, forged_status, forged_fields, wrong_signature
    delay_seconds: float = 0.0
    state: str = "queued"  # queued, delayed, held, delivered, failed, dropped, lost
    attempts: list[Attempt] = field(default_factory=list)

    def describe(self) -> Fields:
        last = self.attempts[-1] if self.attempts else None
        return {
            "id": self.serial,
            "url": self.url,
            "order_id": self.order_id,
            "transaction_id": self.body.get("transaction_id"),
            "kind": self.kind,
            "delay_seconds": self.delay_seconds,
            "state": self.state,
            "response_status": last.status if last else None,
            "attempts": [
                {"at": wib(one.at), "status": one.status, "error": one.error}
                for one in self.attempts
            ],
            "body": self.body,
        }


def retries(status: int | None) -> int:
    if status is not None and 200 <= status < 300:
        return 0
    return RETRIES.get(status or 0, RETRIES_OTHERWISE)


class Outbox:
    def __init__(
        self, clock: Clock, agenda: Agenda, *, delay_seconds: float, time_scale: float
    ) -> None:
        self.history: list[Notice] = []
        self.holding = False
        self.faults = NoticeFaults()
        self._told: Counter[str] = Counter()  # notices by order id, without what faults add
        self._held: list[Notice] = []
        self._clock, self._agenda = clock, agenda
        self._delay_seconds, self._time_scale = delay_seconds, time_scale
        self._serial = count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(TIMEOUT_SECONDS, pool=None), trust_env=False
        )

    def post(self, urls: Sequence[str], body: Fields) -> None:
        order_id = str(body.get("order_id", ""))
        for url in urls:
            self._told[order_id] += 1
            for one in self.faults.sendings(order_id, self._told[order_id], body):
                self._plan(url, order_id, one)

    def _plan(self, url: str, order_id: str, one: Sending) -> None:
        notice = Notice(
            next(self._serial), url, order_id, one.body, one.kind, round(one.delay_seconds, 3)
        )
        self.history.append(notice)
        if one.lost:
            notice.state = "lost"
            return
        if notice.delay_seconds:
            notice.state = "delayed"
        self._after(self._delay_seconds + notice.delay_seconds, notice)

    @property
    def under_way(self) -> int:
        """Notices being sent now."""
        return len(self._tasks)

    def hold(self) -> None:
        self.holding = True

    def release(self, order: str = "", seed: int | None = None) -> int:
        """Sends what was held, one after the other so that the order survives the network."""
        self.holding = False
        notices, self._held = self._held, []
        if order == "reverse":
            notices.reverse()
        elif order == "shuffle":
            random.Random(seed).shuffle(notices)  # seeded: a test wants it repeatable
        self._start(self._deliver_each(notices))
        return len(notices)

    def drop(self) -> int:
        notices, self._held = self._held, []
        for notice in notices:
            notice.state = "dropped"
        return len(notices)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def _after(self, seconds: float, notice: Notice) -> None:
        if seconds > 0:
            self._agenda.after(seconds, lambda: self._send(notice))
        else:
            self._send(notice)

    def _send(self, notice: Notice) -> None:
        if self.holding:
            notice.state = "held"
            self._held.append(notice)
        else:
            self._start(self._deliver(notice))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver_each(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            await self._deliver(notice)

    async def _deliver(self, notice: Notice) -> None:
        notice.state = "queued"
        attempt = await self._attempt(notice)
        notice.attempts.append(attempt)
        made = len(notice.attempts)
        if made <= retries(attempt.status):
            wait_seconds = RETRY_AFTER_MINUTES[made - 1] * 60 * self._time_scale
            self._agenda.after(wait_seconds, lambda: self._send(notice))
        else:
            delivered = attempt.status is not None and attempt.status < 300
            notice.state = "delivered" if delivered else "failed"

    async def _attempt(self, notice: Notice) -> Attempt:
        url, content = notice.url, json.dumps(notice.body).encode()
        at = self._clock.now()
        try:
            for _ in range(HOPS_AT_MOST + 1):
                reply = await self._client.post(url, content=content, headers=HEADERS)
                if reply.status_code not in FOLLOWED:
                    break
                url = str(reply.url.join(reply.headers.get("location", "")))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Attempt(at, None, type(error).__name__)
        return Attempt(at, reply.status_code)

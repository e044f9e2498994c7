"""The answers kept under Idempotency-Keys, and what is being worked on in this process."""

import asyncio
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from fastapi.responses import Response

from ledger import clock
from ledger.eventstore.arrays import BYTEAS, INT8S, TEXTS, byteas, int8s, number, texts
from ledger.eventstore.connections import Readers
from ledger.eventstore.group_call import Connect, GroupCall
from ledger.eventstore.line import Result

KEPT_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Kept:
    fingerprint: bytes
    status: int
    media_type: str
    body: bytes
    subject: str = ""  # whom it is about

    def response(self, *, replayed: bool) -> Response:
        headers = {"Idempotent-Replayed": "true"} if replayed else {}
        return Response(self.body, self.status, headers, self.media_type)


class Place(NamedTuple):
    account: str
    key: str


class _Answer(NamedTuple):
    place: Place
    kept: Kept
    answered_at: datetime


class Answers:
    def __init__(self, connect: Connect, readers: Readers) -> None:
        self._readers = readers
        self._finding = GroupCall(connect, _FindCall())
        self._keeping = GroupCall(connect, _KeepCall())
        self._running: dict[Place, asyncio.Future[None]] = {}

    async def close(self) -> None:
        await self._finding.close()
        await self._keeping.close()

    async def find(self, place: Place) -> Kept | None:
        return await self._finding.submit(place)

    async def keep(self, place: Place, kept: Kept) -> Kept:
        """The first answer kept under a key wins; returns that one."""
        if await self._keeping.submit(_Answer(place, kept, clock.now())):
            return kept
        return await self.find(place) or kept

    async def purge(self, now: datetime) -> int:
        """Answers older than 30 days; the command ids stay for ever."""
        async with self._readers.connection() as conn:
            cursor = await conn.execute(
                "delete from idempotency_answers where answered_at < %s", [now - KEPT_FOR]
            )
        return cursor.rowcount

    def turn(self, place: Place) -> asyncio.Future[None] | None:
        """None when it is ours; else what to wait for."""
        running = self._running.get(place)
        if running is None:
            self._running[place] = asyncio.get_running_loop().create_future()
        return running

    def finished(self, place: Place) -> None:
        running = self._running.pop(place, None)
        if running and not running.done():
            running.set_result(None)


class _FindCall:
    query: Final = b"""
select asked.n, a.fingerprint, a.status::bigint, a.media_type, a.body
from unnest($1, $2) with ordinality as asked (account, key, n)
    cross join lateral (
        select * from idempotency_answers i
        where i.account = asked.account and i.key = asked.key limit 1
    ) as a
"""
    types: Final = (TEXTS, TEXTS)

    def parameters(self, items: Sequence[Place]) -> Sequence[bytes]:
        return (
            texts([place.account.encode() for place in items]),
            texts([place.key.encode() for place in items]),
        )

    def outcomes(self, items: Sequence[Place], result: Result) -> Iterator[Kept | None]:
        found: dict[int, Kept] = {}
        for row in range(result.ntuples):
            asked, fingerprint, status, media_type, body = [
                result.get_value(row, column) or b"" for column in range(5)
            ]
            found[number(asked)] = Kept(fingerprint, number(status), media_type.decode(), body)
        for n in range(1, len(items) + 1):
            yield found.get(n)

    def size(self, item: Place) -> int:
        return len(item.key)

    def keys(self, item: Place) -> Sequence[Hashable]:
        return ()


class _KeepCall:
    """Whether the answer was the first under its key."""

    query: Final = b"""
insert into idempotency_answers
select account, key, fingerprint, status, media_type, body, answered_at::timestamptz, subject
from unnest($1, $2, $3, $4, $5, $6, $7, $8)
    as given (account, key, fingerprint, status, media_type, body, answered_at, subject)
on conflict do nothing
returning account, key
"""
    types: Final = (TEXTS, TEXTS, BYTEAS, INT8S, TEXTS, BYTEAS, TEXTS, TEXTS)

    def parameters(self, items: Sequence[_Answer]) -> Sequence[bytes]:
        return (
            texts([item.place.account.encode() for item in items]),
            texts([item.place.key.encode() for item in items]),
            byteas([item.kept.fingerprint for item in items]),
            int8s([item.kept.status for item in items]),
            texts([item.kept.media_type.encode() for item in items]),
            byteas([item.kept.body for item in items]),
            texts([item.answered_at.isoformat().encode() for item in items]),
            texts([item.kept.subject.encode() for item in items]),
        )

    def outcomes(self, items: Sequence[_Answer], result: Result) -> Iterator[bool]:
        get = result.get_value
        first = {(get(row, 0), get(row, 1)) for row in range(result.ntuples)}
        for item in items:
            yield (item.place.account.encode(), item.place.key.encode()) in first

    def size(self, item: _Answer) -> int:
        return len(item.kept.body)

    def keys(self, item: _Answer) -> Sequence[Hashable]:
        return (item.place,)

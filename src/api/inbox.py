"""Notices of the gateway: checked, stored, answered in milliseconds; what they are about is then
asked for, by the worker.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from api.next_look import ladder, rung
from ledger.clock import Clock, now
from ledger.crashpoint import crashpoint
from ledger.eventstore.arrays import BYTEAS, TEXTS, byteas, texts
from ledger.eventstore.connections import Readers
from ledger.eventstore.group_call import Connect, GroupCall
from ledger.eventstore.key_ring import KeyRing
from ledger.eventstore.line import Result
from ledger.privacy.sealed import Sealed
from ledger.providers.port import Notice

KEPT_FOR: Final = timedelta(days=30)
LEASE: Final = timedelta(seconds=30)

# Waits after a try in which the gateway gave no answer; then hourly (reliability.md 4.2).
LADDER: Final = ladder(2, 5, 15, 45, 120, 300, 900, 3600)


@dataclass(frozen=True, slots=True)
class Stored:
    """Notices about one transaction: whatever they say, asking once answers them all."""

    order_id: str
    transaction_id: str
    digests: tuple[str, ...]
    tries: int  # this one included


class Inbox:
    def __init__(
        self,
        connect: Connect,
        readers: Readers,
        key_ring: KeyRing,
        longest_pause: timedelta = LADDER[-1],
        clock: Clock = now,
    ) -> None:
        self._longest_pause = longest_pause
        self._receiving = GroupCall(connect, _ReceiveCall())
        self._readers = readers
        self._key_ring = key_ring
        self._now = clock

    async def receive(self, notice: Notice, body: bytes) -> bool:
        """False when this very notice is here already."""
        moment = self._now()
        month = f"{moment.year}-{moment.month:02}"
        sealed = await self._key_ring.seal(f"notices {month}", "notice", body.decode())
        crashpoint("notice.before_store")
        new = await self._receiving.submit(_Received(notice, sealed, moment))
        crashpoint("notice.after_store")
        return new

    async def close(self) -> None:
        await self._receiving.close()

    async def claim(self, limit: int) -> Sequence[Stored]:
        """Open notices, each to one worker for the time of a lease. A try counts once it has failed:
        of a worker that died nobody learnt that the gateway is silent.
        """
        moment = self._now()
        async with self._readers.connection() as conn:
            cursor = await conn.execute(
                "update inbox set not_before = %s, outcome = '' where digest in ("
                " select digest from inbox where done_at is null and not_before <= %s"
                " order by not_before for update skip locked limit %s)"
                " returning order_id, transaction_id, digest, tries",
                [moment + LEASE, moment, limit],
            )
            rows = await cursor.fetchall()
        if rows:
            crashpoint("notice.after_claim")
        return grouped(
            (row["order_id"], row["transaction_id"], row["digest"], row["tries"]) for row in rows
        )

    async def done(self, stored: Stored, outcome: str) -> None:
        crashpoint("notice.before_done")
        async with self._readers.connection() as conn:
            await conn.execute(
                "update inbox set done_at = %s, outcome = %s where digest = any(%s)",
                [self._now(), outcome, list(stored.digests)],
            )
        crashpoint("notice.after_done")

    async def later(self, stored: Stored, outcome: str) -> None:
        pause = pause_after(stored.tries, self._longest_pause)
        async with self._readers.connection() as conn:
            await conn.execute(
                "update inbox set not_before = %s, outcome = %s, tries = %s where digest = any(%s)",
                [self._now() + pause, outcome, stored.tries, list(stored.digests)],
            )

    async def purge(self, moment: datetime) -> int:
        async with self._readers.connection() as conn:
            cursor = await conn.execute(
                "delete from inbox where done_at is not null and received_at < %s",
                [moment - KEPT_FOR],
            )
        return cursor.rowcount


def pause_after(tries: int, longest: timedelta = LADDER[-1]) -> timedelta:
    """Until notices are asked after again."""
    return rung(LADDER, tries, longest)


def grouped(rows: Iterable[tuple[str, str, str, int]]) -> list[Stored]:
    """Order id, transaction id, digest and failed tries of each notice; those asked least lead."""
    found = defaultdict[tuple[str, str], list[tuple[str, int]]](list)
    for order_id, transaction_id, digest, tries in rows:
        found[order_id, transaction_id].append((digest, tries))
    return [
        Stored(*about, tuple(digest for digest, _ in each), 1 + min(tries for _, tries in each))
        for about, each in found.items()
    ]


class _Received(NamedTuple):
    notice: Notice
    sealed: Sealed
    at: datetime


class _ReceiveCall:
    """Whether the notice is new."""

    query: Final = b"""
insert into inbox (digest, order_id, transaction_id, said, sealed_body, received_at, not_before)
select digest, order_id, transaction_id, said, sealed_body, at::timestamptz, at::timestamptz
from unnest($1, $2, $3, $4, $5, $6)
    as given (digest, order_id, transaction_id, said, sealed_body, at)
on conflict do nothing
returning digest
"""
    types: Final = (TEXTS, TEXTS, TEXTS, TEXTS, BYTEAS, TEXTS)

    def parameters(self, items: Sequence[_Received]) -> Sequence[bytes]:
        return (
            texts([item.notice.digest.encode() for item in items]),
            texts([item.notice.order_id.encode() for item in items]),
            texts([item.notice.transaction_id.encode() for item in items]),
            texts([item.notice.status_words.encode() for item in items]),
            byteas([msgspec.json.encode(item.sealed) for item in items]),
            texts([item.at.isoformat().encode() for item in items]),
        )

    def outcomes(self, items: Sequence[_Received], result: Result) -> Iterator[bool]:
        new = {result.get_value(row, 0) for row in range(result.ntuples)}
        for item in items:
            yield item.notice.digest.encode() in new

    def size(self, item: _Received) -> int:
        return len(item.sealed.ciphertext)

    def keys(self, item: _Received) -> Sequence[Hashable]:
        return (item.notice.digest,)

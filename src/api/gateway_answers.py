"""The gateway's answers to our own questions, as they came in: evidence behind the facts that rest on them.

The log keeps the SHA-256 of each and its words that name no person, so losing bytes here costs evidence and
no fact. Nothing waits for them: they are written behind, and are lost with their process, or where the
database is away for long.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from contextvars import Context
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec
import structlog

from ledger.clock import Clock, now
from ledger.errors import Unavailable
from ledger.eventstore.connections import Readers
from ledger.eventstore.key_ring import KeyRing
from ledger.privacy.sealed import Sealed
from ledger.providers.port import Observation
from ledger.telemetry import GATEWAY_ANSWERS_LOST

log = structlog.get_logger(__name__)

KEPT_FOR: Final = timedelta(days=30)
MOST_BYTES: Final = 16 * 1024 * 1024  # that wait to be written
GATHER_SECONDS: Final = 0.25  # so that many are one statement
AT_ONCE: Final = 100  # in a statement; sealing more would hold up who else is at work
PAUSES: Final = (0.5, 2.0, 5.0)  # seconds until the next try, while the database is away
CLOSE_SECONDS: Final = 4.0

FIELD: Final = "answer"
ANY_BYTES: Final = "latin-1"  # keys seal texts, and in this one any bytes are a text

# In binary: as text, a list of bytes costs twenty times as much.
KEEP: Final = """
insert into gateway_answers (digest, order_id, sealed_body, received_at)
select * from unnest(%b::text[], %b::text[], %b::bytea[], %b::timestamptz[])
on conflict do nothing
"""


class _Heard(NamedTuple):
    digest: str
    order_id: str
    body: bytes
    at: datetime


class GatewayAnswers:
    """Belongs to the event loop that it is first used on."""

    def __init__(self, readers: Readers, key_ring: KeyRing, clock: Clock = now) -> None:
        self._readers = readers
        self._key_ring = key_ring
        self._now = clock
        self._waiting: deque[_Heard] = deque()
        self._waiting_bytes = 0
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def heard(self, seen: Observation, body: bytes) -> None:
        """Never waits and never raises; what is too much is lost."""
        if self._waiting_bytes + len(body) > MOST_BYTES:
            _lost(1, "too_many_wait")
            return
        self._waiting.append(_Heard(seen.evidence.digest, seen.order_id, body, self._now()))
        self._waiting_bytes += len(body)
        if self._writing is None or self._writing.done():
            # Apart from who asked, whose deadline is not for this.
            self._writing = asyncio.create_task(self._write_behind(), context=Context())

    async def close(self) -> None:
        """Write what waits, as far as the database is there."""
        self._closing.set()
        if self._writing:
            await asyncio.wait({self._writing}, timeout=CLOSE_SECONDS)

    async def bodies(self, digests: Sequence[str]) -> dict[str, str]:
        """By digest: the raw text of those that are kept and can be opened."""
        async with self._readers.connection() as conn:
            cursor = await conn.execute(
                "select digest, sealed_body from gateway_answers where digest = any(%s)",
                [list(digests)],
            )
            rows = await cursor.fetchall()
        opened = {row["digest"]: await self._opened(row["sealed_body"]) for row in rows}
        return {digest: text for digest, text in opened.items() if text is not None}

    async def purge(self, moment: datetime) -> int:
        async with self._readers.connection() as conn:
            cursor = await conn.execute(
                "delete from gateway_answers where received_at < %s", [moment - KEPT_FOR]
            )
        return cursor.rowcount

    async def _write_behind(self) -> None:
        while self._waiting:
            if len(self._waiting) < AT_ONCE:
                await self._pause(GATHER_SECONDS)
            await self._write(self._taken())

    def _taken(self) -> list[_Heard]:
        batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        self._waiting_bytes -= sum(len(one.body) for one in batch)
        return batch

    async def _write(self, batch: Sequence[_Heard]) -> None:
        try:
            for pause in PAUSES:
                with suppress(Unavailable):
                    return await self._keep(batch)
                await self._pause(pause)
            await self._keep(batch)
        except Exception as error:
            _lost(len(batch), type(error).__name__)

    async def _keep(self, batch: Sequence[_Heard]) -> None:
        sealed = [await self._sealed(one) for one in batch]
        columns = [one.digest for one in batch], [one.order_id for one in batch]
        async with self._readers.connection() as conn:
            await conn.execute(KEEP, [*columns, sealed, [one.at for one in batch]])

    async def _sealed(self, one: _Heard) -> bytes:
        month = f"answers {one.at:%Y-%m}"
        text = one.body.decode(ANY_BYTES)
        return msgspec.json.encode(await self._key_ring.seal(month, FIELD, text))

    async def _opened(self, sealed_body: bytes) -> str | None:
        sealed = msgspec.json.decode(sealed_body, type=Sealed)
        text = await self._key_ring.open(sealed, FIELD)
        return None if text is None else text.encode(ANY_BYTES).decode(errors="backslashreplace")

    async def _pause(self, seconds: float) -> None:
        """Not once it closes."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)


def _lost(answers: int, cause: str) -> None:
    GATEWAY_ANSWERS_LOST.inc(answers)
    log.warning("gateway_answers.lost", answers=answers, cause=cause)

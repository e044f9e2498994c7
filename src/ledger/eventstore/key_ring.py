"""The key ring: a data key a person, made on first use, wrapped by the master key.

The only table beside the log that cannot be rebuilt from it (architecture.md 3, rule 7).
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.rows import tuple_row

from ledger import clock
from ledger.eventstore.connections import Readers
from ledger.privacy import sealing
from ledger.privacy.erased import SubjectErased
from ledger.privacy.sealed import Sealed

CACHED_KEYS: Final = 4_096
CACHED_SECONDS: Final = 60.0  # how long another process may still open what was erased here

FIRST_VERSION: Final = 1
NEWEST_VERSION: Final = 0  # stands for the newest in the cache

READ: Final = "select wrapped, destroyed_at from key_ring where subject = %s and version = %s"
NEWEST: Final = (
    "select version, wrapped, destroyed_at from key_ring"
    " where subject = %s order by version desc limit 1"
)
MAKE: Final = (
    "insert into key_ring (subject, version, wrapped) values (%s, %s, %s) on conflict do nothing"
)
READABLE: Final = (
    "select distinct subject from key_ring where subject = any(%s) and destroyed_at is null"
)
DESTROY: Final = (
    "update key_ring set wrapped = '', destroyed_at = %s"
    " where subject = %s and destroyed_at is null"
)
DESTROYED: Final = (
    "select count(*) as versions from key_ring"
    " where subject = any(%s) and destroyed_at is not null and made"
)
# A subject without a key gets a destroyed one, so that none is made after its erasure.
BURY: Final = (
    "insert into key_ring (subject, version, wrapped, destroyed_at, made)"
    " values (%s, %s, '', %s, false) on conflict do nothing"
)


@dataclass(frozen=True, slots=True)
class _DataKey:
    version: int
    cipher: AESGCM
    read_at: float


class KeyRing:
    def __init__(self, readers: Readers, master_key: bytes) -> None:
        self._readers = readers
        self._master = AESGCM(master_key)
        self._keys: OrderedDict[tuple[str, int], _DataKey] = OrderedDict()

    def __repr__(self) -> str:
        return "KeyRing(***)"

    async def seal(self, subject: str, field: str, text: str, *, stream: str = "") -> Sealed:
        """Raises SubjectErased. What is sealed with a `stream` opens only with the same one."""
        key = self._cached(subject, NEWEST_VERSION) or await self._newest_key(subject)
        return sealing.seal(
            key.cipher, text, subject=subject, key_version=key.version, field=field, stream=stream
        )

    async def open(self, sealed: Sealed, field: str, *, stream: str = "") -> str | None:
        """None when the person was erased. Raises SealBroken when this is not what was sealed."""
        subject, version = sealed.subject, sealed.key_version
        key = self._cached(subject, version) or await self._key(subject, version)
        return sealing.open_seal(key.cipher, sealed, field=field, stream=stream) if key else None

    async def destroy(self, subject: str) -> datetime:
        """Make all that was sealed for this subject unreadable, for good. May be repeated."""
        moment = clock.now()
        async with self._cursor() as cursor, cursor.connection.transaction():
            await cursor.execute(BURY, [subject, FIRST_VERSION, moment])
            await cursor.execute(DESTROY, [moment, subject])
        for place in [place for place in self._keys if place[0] == subject]:
            del self._keys[place]
        return moment

    async def erased(self, subjects: Sequence[str]) -> frozenset[str]:
        """Those of whom nothing that was sealed can be read any more."""
        async with self._cursor() as cursor:
            rows = await (await cursor.execute(READABLE, [list(subjects)])).fetchall()
        return frozenset(subjects) - {row[0] for row in rows}

    async def destroyed(self, subjects: Sequence[str]) -> int:
        """How many keys of theirs there were, and are no more."""
        async with self._cursor() as cursor:
            row = await (await cursor.execute(DESTROYED, [list(subjects)])).fetchone()
        return int(row[0]) if row else 0

    async def has(self, subject: str) -> bool:
        """Whether anything was ever sealed for this subject."""
        async with self._cursor() as cursor:
            return await (await cursor.execute(NEWEST, [subject])).fetchone() is not None

    async def _newest_key(self, subject: str) -> _DataKey:
        async with self._cursor() as cursor:
            row = await (await cursor.execute(NEWEST, [subject])).fetchone()
            if row is None:
                fresh = AESGCM.generate_key(8 * sealing.KEY_BYTES)
                wrapped = sealing.wrap(self._master, fresh, subject=subject, version=FIRST_VERSION)
                await cursor.execute(MAKE, [subject, FIRST_VERSION, wrapped])
                # Another process may have been faster: what the table holds is the key.
                row = await (await cursor.execute(NEWEST, [subject])).fetchone()
        version, wrapped, destroyed_at = row or (FIRST_VERSION, b"", None)
        if destroyed_at is not None:
            raise SubjectErased()
        return self._remember(NEWEST_VERSION, self._unwrapped(subject, version, wrapped), subject)

    async def _key(self, subject: str, version: int) -> _DataKey | None:
        async with self._cursor() as cursor:
            row = await (await cursor.execute(READ, [subject, version])).fetchone()
        if row is None or row[1] is not None:
            return None
        return self._remember(version, self._unwrapped(subject, version, row[0]), subject)

    def _unwrapped(self, subject: str, version: int, wrapped: bytes) -> _DataKey:
        key = sealing.unwrap(self._master, wrapped, subject=subject, version=version)
        return _DataKey(version, AESGCM(key), clock.monotonic_seconds())

    def _cached(self, subject: str, version: int) -> _DataKey | None:
        key = self._keys.get((subject, version))
        if key and clock.monotonic_seconds() - key.read_at < CACHED_SECONDS:
            return key
        return None

    def _remember(self, version: int, key: _DataKey, subject: str) -> _DataKey:
        self._keys[subject, version] = key
        self._keys.move_to_end((subject, version))
        if len(self._keys) > CACHED_KEYS:
            self._keys.popitem(last=False)
        return key

    @asynccontextmanager
    async def _cursor(self) -> AsyncIterator[psycopg.AsyncCursor[tuple[Any, ...]]]:
        """Raises StoreUnavailable when PostgreSQL does not serve us in time."""
        async with (
            self._readers.connection() as conn,
            conn.cursor(row_factory=tuple_row) as cursor,
        ):
            yield cursor

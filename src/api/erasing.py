"""What erasing a person asks of this deployment: read models, payments, other stores, the list outside."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from api.erasure_list import enter
from api.kept_of_persons import FORGETS, PURGES
from ledger import clock
from ledger.customers.erasure import Owing
from ledger.eventstore.connections import AWAY, Readers, conninfo_for
from ledger.eventstore.group_call import StoreUnavailable
from ledger.payments.service import PaymentService
from ledger.privacy.service import Listed, Standing
from projections import personal_file
from projections.freshness import freshness
from projections.points import LOOK_EVERY_SECONDS, MAY_LAG_SECONDS, ReadModelsBehind

# A purge looks through tables of weeks, and a sweep writes a table anew: longer than a request may be.
LONG: Final = {"statement_timeout": "60s"}


@dataclass(frozen=True)
class DealingsFromReadModels:
    readers: Readers

    async def owing(self, customer_id: str, payments: Sequence[str]) -> Owing:
        await caught_up(self.readers)
        async with self.readers.connection() as conn:
            found = await personal_file.owing(conn, customer_id, payments)
        return Owing(**{name: tuple(ids) for name, ids in found.items()})

    async def standing(self) -> Standing:
        async with self.readers.connection() as conn:
            return Standing(**await personal_file.standing(conn))


@dataclass(frozen=True)
class PayersFromPayments:
    payments: PaymentService

    async def owner(self, payment_id: str) -> str | None:
        request = (await self.payments.get(payment_id)).request
        return request.customer_id if request.payer or request.card_token else None


@dataclass(frozen=True)
class TablesBesideTheLog:
    """Those of kept_of_persons.py."""

    readers: Readers
    conninfo: str
    schema: str

    async def purge(self, customer_id: str, subjects: Sequence[str]) -> Sequence[str]:
        await caught_up(self.readers)
        asked = {"customer_id": customer_id, "subjects": list(subjects)}
        async with self._connection() as conn:
            for purge in PURGES.values():
                if purge != FORGETS:
                    await conn.execute(purge.encode(), asked)
        return tuple(PURGES)

    async def sweep(self) -> None:
        async with self._connection() as conn:
            await conn.execute("select sweep_key_ring()")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[dict[str, Any]]]:
        """Of its own. Raises StoreUnavailable, also when the key ring is read for too long."""
        dsn = conninfo_for(self.conninfo, self.schema, "app", LONG)
        try:
            async with await psycopg.AsyncConnection.connect(
                dsn, autocommit=True, row_factory=dict_row
            ) as conn:
                yield conn
        except AWAY as error:
            raise StoreUnavailable() from error


@dataclass(frozen=True)
class ListInFile:
    """None: nothing is listed outside, and a restore brings back who was erased since."""

    path: Path | None

    async def enter(self, listed: Listed) -> None:
        if self.path:
            await asyncio.to_thread(enter, self.path, listed)


async def caught_up(readers: Readers, may_lag_seconds: float = MAY_LAG_SECONDS) -> None:
    """Until the read models show all that the log holds now. Raises ReadModelsBehind."""
    give_up_at, wanted = clock.monotonic_seconds() + may_lag_seconds, 0
    while True:
        async with readers.connection() as conn:
            stands = await freshness(conn)
        wanted = wanted or stands["head"]
        if stands["views"] >= wanted:
            return
        if clock.monotonic_seconds() >= give_up_at:
            raise ReadModelsBehind(position=wanted, reached=stands["views"])
        await asyncio.sleep(LOOK_EVERY_SECONDS)

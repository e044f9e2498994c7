"""Settled payments are asked after again: a chargeback or a reversal is told by a notice, and a notice
may be lost for good. So that costs time, and nothing else.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog

from ledger.clock import Clock, now
from ledger.errors import LedgerError, Unavailable
from ledger.eventstore.connections import Readers
from ledger.payments.life import Status
from ledger.payments.methods import METHODS
from ledger.payments.service import PaymentService
from ledger.telemetry import WORK_DONE
from projections import payments

log = structlog.get_logger(__name__)


class Undoing(NamedTuple):
    """What may become of settled money; the looks are so many days after the payment was requested."""

    methods: frozenset[str]
    days: tuple[int, ...]


# The payer chooses on the hosted page, so it is counted with the cards.
DISPUTED: Final = frozenset(m.code for m in METHODS.values() if m.family in ("card", "hosted"))
REVERSED: Final = frozenset(m.code for m in METHODS.values() if m.reversible)
UNDOINGS: Final = (
    # Payers have 120 days; the gateway wants evidence within seven of its asking (compliance-id.md 5.2).
    Undoing(DISPUTED, (1, 3, 7, 14, 21, 30, 45, 60, 90, 120)),
    # Within minutes of being paid (midtrans.md 11.1); what waits the longest is paid after a week.
    Undoing(REVERSED, (1, 3, 7)),
)
LOOKS: Final = {
    f"{day} d": (
        timedelta(days=day),
        frozenset().union(*(one.methods for one in UNDOINGS if day in one.days)),
    )
    for day in sorted({day for one in UNDOINGS for day in one.days})
}

ROWS_AT_ONCE: Final = 200
ASKED_AT_ONCE: Final = 4  # nobody waits for it, and others do wait for the gateway
LEASE: Final = timedelta(minutes=10)
PAUSE: Final = timedelta(minutes=10)  # until more of them are old enough
TROUBLE: Final = timedelta(minutes=1)  # the gateway gives no answer

BEGIN: Final = """
insert into second_looks (look, not_before) select unnest(%(looks)s::text[]), %(now)s
on conflict (look) do nothing
"""
CLAIM: Final = """
update second_looks set not_before = %(until)s
where look = (
    select look from second_looks where not_before <= %(now)s and look = any(%(looks)s)
    order by not_before, look limit 1 for update skip locked
)
returning look, through
"""
DONE: Final = """
update second_looks set through = %(through)s, not_before = %(not_before)s where look = %(look)s
"""


class SecondLooks:
    def __init__(self, readers: Readers, service: PaymentService, clock: Clock = now) -> None:
        self._readers = readers
        self._service = service
        self._now = clock
        self._begun = False

    async def turn(self) -> bool:
        """Some payments of one look; whether there may be more."""
        claimed = await self._claim()
        if claimed is None:
            return False
        look, through = claimed["look"], claimed["through"]
        after, methods = LOOKS[look]
        rows = await self._old_enough(through, self._now() - after)
        reached, answered = await self._asked(rows, methods, through)
        more = answered and len(rows) == ROWS_AT_ONCE
        pause = timedelta() if more else PAUSE if answered else TROUBLE
        await self._done(look, reached, self._now() + pause)
        return more

    async def _claim(self) -> dict[str, Any] | None:
        moment = self._now()
        asked = {"looks": list(LOOKS), "now": moment, "until": moment + LEASE}
        async with self._readers.connection() as conn:
            if not self._begun:
                await conn.execute(BEGIN, asked)
                self._begun = True
            return await (await conn.execute(CLAIM, asked)).fetchone()

    async def _old_enough(self, through: int, by: datetime) -> Sequence[dict[str, Any]]:
        """In the order of the log, and so of their requests, but for what was imported."""
        async with self._readers.connection() as conn:
            rows = await payments.in_state(conn, Status.SETTLED, through, ROWS_AT_ONCE)
        young = next((n for n, row in enumerate(rows) if row["created_at"] > by), len(rows))
        return rows[:young]

    async def _asked(
        self, rows: Sequence[dict[str, Any]], methods: frozenset[str], reached: int
    ) -> tuple[int, bool]:
        """How far it came, and whether the gateway answered; what it did not answer is asked again."""
        for at in range(0, len(rows), ASKED_AT_ONCE):
            some = rows[at : at + ASKED_AT_ONCE]
            wanted = [row["payment_id"] for row in some if row["method"] in methods]
            if not all(await asyncio.gather(*(self._ask(one) for one in wanted))):
                return reached, False
            reached = some[-1]["first_position"]
        return reached, True

    async def _ask(self, payment_id: str) -> bool:
        """One payment that cannot be looked at does not keep the rest from it."""
        try:
            answered = (await self._service.inquire(payment_id)).answered
        except Unavailable:
            raise
        except LedgerError as error:
            log.warning("second_look.failed", payment_id=payment_id, code=error.code)
            return True
        WORK_DONE.labels("second_look").inc()
        return answered

    async def _done(self, look: str, through: int, not_before: datetime) -> None:
        async with self._readers.connection() as conn:
            await conn.execute(DONE, {"look": look, "through": through, "not_before": not_before})

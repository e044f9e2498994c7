"""The worker: read models followed, notices asked after, due work done, old rows purged. Run as
many as you like.

Claims save work, nothing more: the right to send is won by an append to the log, and everything
else may be done twice.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from api.inbox import Stored
from api.wiring import Wiring
from ledger import clock
from ledger.errors import LedgerError, NotFound
from ledger.identity import payment_of
from ledger.payments.life import Status
from ledger.payments.payment import Payment
from ledger.telemetry import PROJECTION_LAG, WORK_DONE
from projections import GROUPS
from projections.engine.follower import Follower

log = structlog.get_logger(__name__)

AT_ONCE: Final = 64  # pieces of work in one process
IDLE_SECONDS: Final = 0.1
TROUBLE_SECONDS: Final = 1.0
LEASE: Final = timedelta(seconds=30)
PURGE_EVERY: Final = timedelta(hours=1)


def _ladder(*seconds: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=s) for s in seconds)


# How long until the same work is looked at again, by what the payment is waiting for
# (reliability.md 4.2, 4.3);
# the last rung repeats.
LADDERS: Final = {
    Status.UNKNOWN: _ladder(5, 15, 45, 120, 300, 900, 3600),
    Status.PENDING: _ladder(60, 300, 1800, 7200, 21600),
}
OTHERWISE: Final = _ladder(5, 30, 120, 600, 3600, 21600)

CLAIM: Final = """
with due as (
    select d.payment_id, d.kind, d.subject, d.due_at
    from due_work d left join work_claims c using (payment_id, kind, subject)
    where d.due_at <= %(now)s and (c.payment_id is null or c.not_before <= %(now)s or c.due_at <> d.due_at)
    order by d.due_at limit %(limit)s
)
insert into work_claims as c (payment_id, kind, subject, due_at, not_before, tries)
select payment_id, kind, subject, due_at, %(until)s, 1 from due
on conflict (payment_id, kind, subject) do update set
    due_at = excluded.due_at,
    not_before = excluded.not_before,
    tries = case when c.due_at = excluded.due_at then c.tries + 1 else 1 end
where c.not_before <= %(now)s or c.due_at <> excluded.due_at
returning payment_id, kind, subject, tries
"""
LATER: Final = """
update work_claims set not_before = %(not_before)s
where payment_id = %(payment_id)s and kind = %(kind)s and subject = %(subject)s
"""
FORGET: Final = """
delete from work_claims c where c.not_before < %(now)s and not exists (
    select from due_work d where (d.payment_id, d.kind, d.subject) = (c.payment_id, c.kind, c.subject))
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    payment_id: str
    kind: str
    subject: str
    tries: int


class Worker:
    def __init__(self, wired: Wiring, now: clock.Clock = clock.now) -> None:
        self._wired = wired
        self._now = now
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._purged_at: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then finishes what it has begun."""
        halted = threading.Event()
        threads = [self._follow(group, halted) for group in GROUPS]
        loops = (self._notices, self._due_work, self._purge)
        await asyncio.gather(*(self._repeat(step, stop) for step in loops))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=15)
        halted.set()
        for thread in threads:
            await asyncio.to_thread(thread.join, 5)

    def _follow(self, group: str, halted: threading.Event) -> threading.Thread:
        settings = self._wired.settings
        follower = Follower(
            settings.database_url.get_secret_value(),
            settings.database_schema,
            group,
            GROUPS[group],
            report=lambda name, _, lag: PROJECTION_LAG.labels(name).set(lag),
        )
        thread = threading.Thread(
            target=follower.run, args=(halted,), name=f"follow {group}", daemon=True
        )
        thread.start()
        return thread

    async def _repeat(self, step: Callable[[], Awaitable[bool]], stop: asyncio.Event) -> None:
        """A step says whether it found something; a fault of it is logged and it goes on."""
        while not stop.is_set():
            pause = IDLE_SECONDS
            try:
                if await step():
                    pause = 0.0
            except LedgerError as error:
                log.warning("worker.step_failed", code=error.code, detail=error.detail)
                pause = TROUBLE_SECONDS
            except Exception as error:
                log.error("worker.step_failed", error=type(error).__name__, exc_info=True)
                pause = TROUBLE_SECONDS
            if pause:
                await _pause(stop, pause)

    async def _spawn(self, work: Awaitable[None]) -> None:
        await self._places.acquire()
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._places.release()
        if not task.cancelled() and (error := task.exception()):
            log.warning(
                "worker.failed",
                error=type(error).__name__,
                code=getattr(error, "code", ""),
                detail=str(error),
            )

    async def _notices(self) -> bool:
        found = await self._wired.inbox.claim(AT_ONCE)
        for stored in found:
            await self._spawn(self.attend(stored))
        return bool(found)

    async def attend(self, stored: Stored) -> None:
        """Ask the gateway about the order that a notice names."""
        place = payment_of(stored.order_id)
        if place is None:
            await self._wired.inbox.done(stored, "order_unknown")
            return
        payment_id, attempt = place
        try:
            inquired = await self._wired.payments.inquire(
                payment_id, attempt, stored.transaction_id
            )
        except NotFound:
            await self._wired.inbox.done(stored, "order_unknown")
            return
        if inquired.answered:
            await self._wired.inbox.done(stored, "asked")
            WORK_DONE.labels("notice").inc()
        else:
            await self._wired.inbox.later(stored, "no_answer")

    async def _due_work(self) -> bool:
        claimed = await self._claim(AT_ONCE)
        for work in claimed:
            await self._spawn(self.do(work))
        return bool(claimed)

    async def _claim(self, limit: int) -> Sequence[Claimed]:
        moment = self._now()
        async with self._wired.readers.connection() as conn:
            cursor = await conn.execute(
                CLAIM, {"now": moment, "until": moment + LEASE, "limit": limit}
            )
            return [Claimed(**row) for row in await cursor.fetchall()]

    async def do(self, work: Claimed) -> None:
        payment = await self._carry_out(work)
        WORK_DONE.labels(work.kind).inc()
        await self._later(work, self._next_look(work, payment))

    async def _carry_out(self, work: Claimed) -> Payment:
        payments = self._wired.payments
        match work.kind:
            case "charge":
                return await payments.charge(work.payment_id)
            case "refund":
                return await payments.refund(work.payment_id, work.subject)
            case "inquire":
                return (await payments.inquire(work.payment_id, int(work.subject))).payment
            case _:  # capture, cancel, inquire_refund: what the gateway holds now says what is left to do
                return (await payments.inquire(work.payment_id)).payment

    def _next_look(self, work: Claimed, payment: Payment) -> datetime:
        ladder = LADDERS.get(payment.status, OTHERWISE)
        moment = self._now() + ladder[min(work.tries, len(ladder)) - 1]
        expires_at = payment.attempt.expires_at
        if payment.status is Status.UNKNOWN and payment.attempt.sent_at:
            # What the gateway never saw may be sent again from then on, and a card's token is short-lived.
            lost = timedelta(seconds=self._wired.settings.lost_after_seconds)
            may_be_sent_at = payment.attempt.sent_at + lost
            return min(moment, may_be_sent_at) if may_be_sent_at > self._now() else moment
        if payment.status is Status.PENDING and expires_at and expires_at > self._now():
            return min(moment, expires_at + timedelta(seconds=2))
        return moment

    async def _later(self, work: Claimed, moment: datetime) -> None:
        async with self._wired.readers.connection() as conn:
            await conn.execute(LATER, {"not_before": moment, **_named(work)})

    async def _purge(self) -> bool:
        moment = self._now()
        if self._purged_at and moment < self._purged_at + PURGE_EVERY:
            return False
        async with self._wired.readers.connection() as conn:
            await conn.execute(FORGET, {"now": moment})
        await self._wired.inbox.purge(moment)
        await self._wired.answers.purge(moment)
        self._purged_at = moment
        return False


def _named(work: Claimed) -> dict[str, Any]:
    return {"payment_id": work.payment_id, "kind": work.kind, "subject": work.subject}


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return

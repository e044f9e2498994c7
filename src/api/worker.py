"""The worker: read models followed, notices asked after, due work done, settled payments looked at
again, old rows purged. Run as many as you like.

Claims save work, nothing more: the right to send is won by an append to the log, and everything
else may be done twice.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from api import next_look, seals
from api.claims import LEASE, Claimed, Claims
from api.inbox import Stored
from api.second_looks import SecondLooks
from api.wiring import Wiring
from ledger import clock
from ledger.crashpoint import crashpoint
from ledger.errors import LedgerError, NotFound, Unavailable
from ledger.eventstore.group_call import StoreUnavailable
from ledger.identity import payment_of
from ledger.payments.due import KINDS
from ledger.payments.service import Inquired
from ledger.telemetry import PROJECTION_LAG, WORK_DONE
from projections import AT_POISON, GROUPS
from projections.engine.follower import Follower

log = structlog.get_logger(__name__)

AT_ONCE: Final = 256  # pieces of work in one process
NOTICES_AT_ONCE: Final = 512  # many are about the same order
IDLE_SECONDS: Final = 0.2
TROUBLE_SECONDS: Final = 1.0
PURGE_EVERY_SECONDS: Final = 3_600.0
SECOND_LOOK_SECONDS: Final = 5.0
# How long what was claimed is tried again when the store is away: then its lease is about to run out,
# and whoever comes first takes it up.
KEPT_SECONDS: Final = LEASE.total_seconds() - 5.0


GATEWAY_RESTS: Final = timedelta(seconds=5)


class Worker:
    def __init__(self, wired: Wiring, now: clock.Clock = clock.now) -> None:
        self._wired = wired
        self._now = now
        self._claims = Claims(wired.readers, now)
        self._second_looks = SecondLooks(wired.readers, wired.payments, now)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then finishes what it has begun."""
        self._stop, halted = stop, threading.Event()
        threads = [*(self._follow(group, halted) for group in GROUPS), self._seal(halted)]
        await asyncio.gather(
            self._repeat(self._look, stop, IDLE_SECONDS),
            self._repeat(self._look_again, stop, SECOND_LOOK_SECONDS),
            self._repeat(self._purge, stop, PURGE_EVERY_SECONDS),
        )
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=15)
        with suppress(StoreUnavailable):
            await self._claims.write_down()
        halted.set()
        for thread in threads:
            await asyncio.to_thread(thread.join, 5)

    async def turn(self) -> bool:
        """One look for due work and notices, and all that it found carried out; whether there was any."""
        found = await self._look()
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._claims.write_down()
        return found

    def _follow(self, group: str, halted: threading.Event) -> threading.Thread:
        settings = self._wired.settings
        follower = Follower(
            settings.database_url.get_secret_value(),
            settings.database_schema,
            group,
            GROUPS[group],
            parks=AT_POISON[group] == "park",
            report=lambda name, _, lag: PROJECTION_LAG.labels(name).set(lag),
        )
        return _started(f"follow {group}", follower.run, halted)

    def _seal(self, halted: threading.Event) -> threading.Thread:
        return _started("seal", seals.sealer(self._wired.settings).run, halted)

    async def _repeat(
        self, step: Callable[[], Awaitable[bool]], stop: asyncio.Event, idle_seconds: float
    ) -> None:
        """A step says whether it found something; a fault of it is logged and it goes on."""
        while not stop.is_set():
            pause = idle_seconds
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

    async def _spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        await self._places.acquire()
        task = asyncio.create_task(self._keep_at(work))
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

    async def _keep_at(self, work: Callable[[], Awaitable[None]]) -> None:
        """Nobody else does what is claimed, so a moment without the store must not cost the lease."""
        until = clock.monotonic_seconds() + KEPT_SECONDS
        while True:
            try:
                return await work()
            except Unavailable:
                if self._stop.is_set() or clock.monotonic_seconds() > until:
                    raise
                await _pause(self._stop, TROUBLE_SECONDS)

    async def _look(self) -> bool:
        await self._claims.write_down()
        found = await self._claims.look()
        notices = await self._wired.inbox.claim(NOTICES_AT_ONCE) if found.notices else ()
        for stored in notices:
            await self._spawn(partial(self.attend, stored))
        claimed = await self._claims.claim(AT_ONCE) if found.work else ()
        for work in claimed:
            await self._spawn(partial(self.do, work))
        return found.notices or found.work

    async def attend(self, stored: Stored) -> None:
        """Ask the gateway about the order that notices name."""
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
            WORK_DONE.labels("notice").inc(len(stored.digests))
        else:
            await self._wired.inbox.later(stored, "no_answer")

    async def do(self, work: Claimed) -> None:
        """If the read model still has it then, it is looked at again."""
        if work.kind in KINDS:
            again_at = self._after(work, await self._at_payment(work))
        else:
            await self._scheduled(work)
            again_at = self._step_later(work)
        crashpoint("work.after_act")
        WORK_DONE.labels(work.kind).inc()
        self._claims.later(work, again_at)

    async def _at_payment(self, work: Claimed) -> Inquired:
        payments = self._wired.payments
        match work.kind:
            case "charge":
                return Inquired(await payments.charge(work.stream), answered=True)
            case "refund":
                refunded = await payments.refund(work.stream, work.subject)
                return Inquired(refunded, answered=True)
            case "inquire" | "watch" | "compensate":
                return await payments.inquire(work.stream, int(work.subject))
            case "inquire_refund":
                return await payments.inquire_refund(work.stream, work.subject)
            case _:  # capture, cancel: what the gateway holds now says what is left to do
                return await payments.inquire(work.stream)

    def _after(self, work: Claimed, done: Inquired) -> datetime:
        if self._wired.payments.gateway_rests():
            return self._now() + GATEWAY_RESTS
        return next_look.at_payment(work, done, self._now(), self._wired.settings)

    async def _scheduled(self, work: Claimed) -> None:
        """What fails is tried again step by step, not at the end of its lease: nobody waits for it."""
        scheduler = self._wired.scheduler
        try:
            if work.kind not in scheduler.kinds:
                raise LookupError(f"Nobody here does {work.kind}, which is due on {work.stream}.")
            await scheduler.do(work.stream, work.kind, work.subject)
        except Unavailable:
            raise
        except Exception:
            self._claims.later(work, self._step_later(work))
            raise

    def _step_later(self, work: Claimed) -> datetime:
        return self._now() + next_look.rung(next_look.OTHERWISE, work.tries)

    async def _look_again(self) -> bool:
        """Never at once again: nobody waits for it, and there may be very many."""
        await self._second_looks.turn()
        return False

    async def _purge(self) -> bool:
        moment = self._now()
        await self._wired.inbox.purge(moment)
        await self._wired.gateway_answers.purge(moment)
        await self._wired.answers.purge(moment)
        return False


def _started(
    name: str, run: Callable[[threading.Event], None], halted: threading.Event
) -> threading.Thread:
    thread = threading.Thread(target=run, args=(halted,), name=name, daemon=True)
    thread.start()
    return thread


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return

"""What time brings to subscriptions and bills. Any number may run: who opens a period, takes a step
or recognises a day wins an append to its stream, and the others find nothing left to do.
"""

from dataclasses import dataclass
from typing import Protocol

from ledger import clock
from ledger.bills.commands import Recognise
from ledger.bills.deciding import BOOKED_BILL
from ledger.bills.due import RECOGNISE
from ledger.crashpoint import crashpoint
from ledger.eventstore.store import Context, EventStore
from ledger.identity import new_id
from ledger.subscriptions.due import ADVANCE
from ledger.subscriptions.service import SubscriptionService


class Scheduler(Protocol):
    """Does the work of its kinds when it is due; what is not due any more, or was done by another, is
    no error.
    """

    @property
    def kinds(self) -> frozenset[str]: ...

    async def do(self, stream: str, kind: str, subject: str) -> None: ...


class Schedulers:
    """Several as one; no two of them do the same kind."""

    def __init__(self, *schedulers: Scheduler) -> None:
        self._by_kind = {kind: one for one in schedulers for kind in one.kinds}
        self.kinds = frozenset(self._by_kind)

    async def do(self, stream: str, kind: str, subject: str) -> None:
        await self._by_kind[kind].do(stream, kind, subject)


@dataclass(frozen=True, kw_only=True)
class BillingScheduler:
    store: EventStore
    subscriptions: SubscriptionService
    sent_by: str
    now: clock.Clock = clock.now
    kinds: frozenset[str] = frozenset({ADVANCE, RECOGNISE})

    async def do(self, stream: str, kind: str, subject: str) -> None:
        if kind == ADVANCE:
            await self.subscriptions.advance(stream)
        else:
            await self._recognise(stream)

    async def _recognise(self, bill_id: str) -> None:
        context = Context(command_id=new_id("cmd"), actor=self.sent_by)
        crashpoint("earning.before_append")
        await self.store.execute(BOOKED_BILL, bill_id, Recognise(now=self.now()), context)
        crashpoint("earning.after_append")

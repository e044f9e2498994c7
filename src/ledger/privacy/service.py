"""Erasing a person, step by step: put on the list outside, keys destroyed, other stores purged, the key
ring's file swept, certified. The only file of this area that does I/O.

Each step may be done again, and a destroyed key stays destroyed; so whoever is killed between two of
them is followed by the next call or by a worker, who begins at the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple, Protocol

import msgspec
import structlog

from ledger import clock
from ledger.customers import erasure as er
from ledger.customers.customer import CUSTOMER, STREAM, Customer
from ledger.customers.due import ERASE
from ledger.customers.erasure import NobodyToErase, Owing
from ledger.customers.events import Basis, ErasureApproved, Why
from ledger.errors import Conflict, Unavailable
from ledger.eventstore.key_ring import KeyRing
from ledger.eventstore.store import Context, EventStore
from ledger.identity import new_id

log = structlog.get_logger(__name__)


class PaymentOfAnother(Conflict):
    code = "payment_of_another"
    title = "A payment that was named belongs to another customer, or keeps nothing of its own."


class Listed(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A line of the list outside the database, from which erasures are done again after a restore."""

    customer_id: str
    subjects: tuple[str, ...]
    reason: Why
    requested_by: str
    approved_by: str
    approved_at: datetime

    def fact(self) -> ErasureApproved:
        return ErasureApproved(
            occurred_at=self.approved_at,
            subjects=self.subjects,
            reason=self.reason,
            requested_by=self.requested_by,
            by=self.approved_by,
        )


class Standing(NamedTuple):
    """How far the log is, and its newest seal; zeros where there is none."""

    log_position: int = 0
    seal: int = 0
    seal_position: int = 0


class Dealings(Protocol):
    """What read models and seals know."""

    async def owing(self, customer_id: str, payments: Sequence[str]) -> Owing:
        """Of the customer, and of these payments. Raises ReadModelsBehind."""
        ...

    async def standing(self) -> Standing: ...


class Payers(Protocol):
    async def owner(self, payment_id: str) -> str | None:
        """The customer whom a payment names, or ''. None: it keeps nothing that names a person. Raises
        PaymentNotFound.
        """
        ...


class OtherStores(Protocol):
    """All that is kept of persons beside the log and the key ring."""

    async def purge(self, customer_id: str, subjects: Sequence[str]) -> Sequence[str]:
        """The names of what was gone through. Raises ReadModelsBehind, StoreUnavailable."""
        ...

    async def sweep(self) -> None:
        """Leave no destroyed key in the key ring's file. Raises StoreUnavailable."""
        ...


class ErasureList(Protocol):
    """Outside the database; a line that is there is not written twice."""

    async def enter(self, listed: Listed) -> None: ...


KEY_RING: Final = "key_ring"


def stream_of(customer_id: str) -> str:
    """Of anybody: a payment may name a customer who never registered."""
    return f"{STREAM}{customer_id}"


@dataclass(frozen=True, kw_only=True)
class ErasureService:
    store: EventStore
    key_ring: KeyRing
    dealings: Dealings
    payers: Payers
    stores: OtherStores
    listed: ErasureList
    sent_by: str  # names this process in the log
    now: clock.Clock = clock.now
    kinds: frozenset[str] = frozenset({ERASE})

    async def do(self, stream: str, kind: str, subject: str) -> None:
        """As due work: what somebody else approved and did not finish."""
        await self.finish(stream.removeprefix(STREAM))

    async def erase(
        self, customer_id: str, payments: Sequence[str], reason: Why, context: Context
    ) -> Customer:
        """As `ask`, and if it is the second person's wish, all of it is done, if it can be now."""
        customer = await self.ask(customer_id, payments, reason, context)
        return await self.go_on(customer_id) if customer.erasure.approved else customer

    async def ask(
        self, customer_id: str, payments: Sequence[str], reason: Why, context: Context
    ) -> Customer:
        """The actor's wish, which approves that of another. `payments` name no customer, and are this
        one's.

        Raises NobodyToErase, PaymentNotFound, PaymentOfAnother, ReadModelsBehind, SecondPersonNeeded, and
        what stands against it (customers/erasure.py).
        """
        subjects = (customer_id, *await self._subjects(customer_id, payments))
        known = bool(payments) or await self.known(customer_id)
        command = er.EraseCustomer(
            now=self.now(),
            subjects=subjects,
            reason=reason,
            by=context.actor,
            known=known,
            owing=await self.dealings.owing(customer_id, payments) if known else Owing(),
        )
        return await self._execute(customer_id, command, context)

    async def go_on(self, customer_id: str) -> Customer:
        """As far as it can be done now; a worker does the rest."""
        try:
            return await self.finish(customer_id)
        except (Unavailable, Conflict) as reason_to_wait:
            log.warning("erasure.goes_on_later", code=reason_to_wait.code)
            return await self.get(customer_id)

    async def finish(self, customer_id: str) -> Customer:
        """What an approval asks for, from the first step on. Raises ReadModelsBehind, StoreUnavailable."""
        customer = await self.get(customer_id)
        approved = customer.erasure.approved
        if approved is None or customer.erasure.erased:
            return customer
        subjects = approved.subjects
        await self.listed.enter(_line(customer_id, approved))
        for subject in subjects:
            await self.key_ring.destroy(subject)
        purged = await self.stores.purge(customer_id, subjects)
        await self.stores.sweep()
        standing = await self.dealings.standing()
        command = er.CertifyErasure(
            now=self.now(),
            keys_destroyed=await self.key_ring.destroyed(subjects),
            purged=(KEY_RING, *purged),
            **standing._asdict(),
        )
        log.info("customer.erased", keys=command.keys_destroyed, position=standing.log_position)
        return await self._execute(customer_id, command, self._context(customer_id))

    async def reapply(self, lines: Sequence[Listed], by: str) -> list[str]:
        """Erase again whom a restored backup brought back; who."""
        again = []
        for line in lines:
            customer = await self.get(line.customer_id)
            if customer.erasure.erased:
                continue
            command = er.ReapplyErasure(now=self.now(), approved=line.fact())
            context = Context(command_id=new_id("cmd"), actor=by)
            await self._execute(line.customer_id, command, context)
            await self.finish(line.customer_id)
            again.append(line.customer_id)
        return again

    async def hold(
        self, customer_id: str, basis: Basis, until: date | None, context: Context
    ) -> Customer:
        """Raises NobodyToErase, SubjectErased."""
        command = er.HoldErasure(
            now=self.now(),
            basis=basis,
            until=until,
            by=context.actor,
            known=await self.known(customer_id),
        )
        return await self._execute(customer_id, command, context)

    async def lift(self, customer_id: str, context: Context) -> Customer:
        """Raises NotOnHold, SubjectErased."""
        command = er.LiftHold(now=self.now(), by=context.actor)
        return await self._execute(customer_id, command, context)

    async def disclose(self, customer_id: str, context: Context) -> Customer:
        """Note that the actor is given everything. Raises NobodyToErase."""
        if not await self.known(customer_id):
            raise NobodyToErase()
        command = er.DiscloseData(now=self.now(), by=context.actor)
        return await self._execute(customer_id, command, context)

    async def get(self, customer_id: str) -> Customer:
        return (await self.store.load(CUSTOMER, stream_of(customer_id))).state

    async def known(self, customer_id: str) -> bool:
        """Registered, or named by a payment that sealed something."""
        customer = await self.get(customer_id)
        return bool(customer.customer_id) or await self.key_ring.has(customer_id)

    async def _subjects(self, customer_id: str, payments: Sequence[str]) -> Sequence[str]:
        """Payments without a customer are sealed under keys of their own."""
        own = []
        for payment_id in dict.fromkeys(payments):
            owner = await self.payers.owner(payment_id)
            if owner is None or owner not in ("", customer_id):
                raise PaymentOfAnother(payment_id=payment_id)
            own += [] if owner else [payment_id]
        return sorted(own)

    def _context(self, customer_id: str) -> Context:
        return Context(command_id=new_id("cmd"), actor=self.sent_by)

    async def _execute(self, customer_id: str, command: er.Command, context: Context) -> Customer:
        stream = stream_of(customer_id)
        return (await self.store.execute(CUSTOMER, stream, command, context)).state


def _line(customer_id: str, approved: ErasureApproved) -> Listed:
    return Listed(
        customer_id=customer_id,
        subjects=approved.subjects,
        reason=approved.reason,
        requested_by=approved.requested_by,
        approved_by=approved.by,
        approved_at=approved.occurred_at,
    )

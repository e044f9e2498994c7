"""Erasing a customer: who may, what stands against it, and what follows. Pure.

It takes two persons (reliability.md 4.8), as other decisions that cannot be taken back do. Facts that
money and tax rest on stay; what stays is without the person's key (compliance-id.md 6).
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from ledger.access.second_person import SecondPersonNeeded
from ledger.clock import business_date
from ledger.customers import events as e
from ledger.errors import Conflict, NotFound

GOOD_FOR: Final = timedelta(days=30)  # compliance-id.md 6: within so long an erasure is to be done


class NobodyToErase(NotFound):
    code = "nobody_to_erase"
    title = "Nothing is kept of a person under this id."


class ErasureOnHold(Conflict):
    code = "erasure_on_hold"
    title = "A duty to keep this customer's data stands against erasing it."


class SubscriptionsActive(Conflict):
    code = "erasure_subscriptions_active"
    title = "The customer has subscriptions that are not over; end them first."


class BillsOpen(Conflict):
    code = "erasure_bills_open"
    title = "The customer owes money on bills; have them paid, voided or written off first."


class PaymentsUnderWay(Conflict):
    code = "erasure_payments_under_way"
    title = "Payments of the customer are under way or under review; wait for them or cancel them."


class NotOnHold(NotFound):
    code = "erasure_not_on_hold"
    title = "No duty to keep this customer's data is noted."


class Owing(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is not over between the customer and us; some of the ids of each kind."""

    subscriptions: tuple[str, ...] = ()
    bills: tuple[str, ...] = ()
    payments: tuple[str, ...] = ()


class Erasure(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How far it has come."""

    requested: e.ErasureRequested | None = None
    approved: e.ErasureApproved | None = None
    erased: e.CustomerErased | None = None
    held: e.ErasureHeld | None = None

    @property
    def status(self) -> str:
        """`none`, `held`, `requested`, `approved` or `erased`."""
        steps = (self.erased, self.approved, self.held, self.requested)
        words = ("erased", "approved", "held", "requested")
        return next((word for word, step in zip(words, steps, strict=True) if step), "none")


class EraseCustomer(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A wish, or the second one. `known`: something is kept of a person under this id."""

    now: datetime
    subjects: tuple[str, ...]
    reason: e.Why
    by: str
    known: bool
    owing: Owing


class ReapplyErasure(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What was approved before a restore undid it; nothing stands against it now."""

    now: datetime
    approved: e.ErasureApproved


class CertifyErasure(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime
    keys_destroyed: int
    purged: tuple[str, ...]
    log_position: int
    seal: int
    seal_position: int


class HoldErasure(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime
    basis: e.Basis
    until: date | None
    by: str
    known: bool


class LiftHold(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime
    by: str


class DiscloseData(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime
    by: str


Command = EraseCustomer | ReapplyErasure | CertifyErasure | HoldErasure | LiftHold | DiscloseData
Facts = Sequence[e.CustomerEvent]


def erase(erasure: Erasure, command: EraseCustomer) -> Facts:
    """Twice is once. Raises NobodyToErase, what stands against it, or SecondPersonNeeded."""
    if erasure.approved:
        return []
    if not command.known:
        raise NobodyToErase()
    _check_holds(erasure, command.now)
    _check_owing(command.owing)
    first = erasure.requested
    if (
        first is None
        or first.subjects != command.subjects
        or command.now >= first.occurred_at + GOOD_FOR
    ):
        return [
            e.ErasureRequested(
                occurred_at=command.now,
                subjects=command.subjects,
                reason=command.reason,
                by=command.by,
            )
        ]
    if first.by == command.by:
        raise SecondPersonNeeded(proposed_by=first.by)
    return [
        e.ErasureApproved(
            occurred_at=command.now,
            subjects=first.subjects,
            reason=first.reason,
            requested_by=first.by,
            by=command.by,
        )
    ]


def _check_holds(erasure: Erasure, now: datetime) -> None:
    held = erasure.held
    if held and (held.until is None or business_date(now) <= held.until):
        until = held.until.isoformat() if held.until else None
        raise ErasureOnHold(basis=held.basis, until=until)


def _check_owing(owing: Owing) -> None:
    """The first that stands against it."""
    if owing.subscriptions:
        raise SubscriptionsActive(subscriptions=owing.subscriptions)
    if owing.bills:
        raise BillsOpen(bills=owing.bills)
    if owing.payments:
        raise PaymentsUnderWay(payments=owing.payments)


def reapply(erasure: Erasure, command: ReapplyErasure) -> Facts:
    if erasure.approved:
        return []
    again = msgspec.structs.replace(command.approved, occurred_at=command.now, reapplied=True)
    return [again]


def certify(erasure: Erasure, command: CertifyErasure) -> Facts:
    """Whoever is first; the others find it done."""
    if erasure.erased or not erasure.approved:
        return []
    return [
        e.CustomerErased(
            occurred_at=command.now,
            subjects=erasure.approved.subjects,
            keys_destroyed=command.keys_destroyed,
            purged=command.purged,
            log_position=command.log_position,
            seal=command.seal,
            seal_position=command.seal_position,
        )
    ]


def hold(erasure: Erasure, command: HoldErasure) -> Facts:
    """Raises NobodyToErase."""
    if not command.known:
        raise NobodyToErase()
    return [
        e.ErasureHeld(
            occurred_at=command.now, basis=command.basis, until=command.until, by=command.by
        )
    ]


def lift(erasure: Erasure, command: LiftHold) -> Facts:
    if erasure.held is None:
        raise NotOnHold()
    return [e.ErasureHoldLifted(occurred_at=command.now, by=command.by)]


def disclose(erasure: Erasure, command: DiscloseData) -> Facts:
    return [e.PersonalDataDisclosed(occurred_at=command.now, by=command.by)]


# What may still be done once it is approved; all else is refused, for there is nobody any more.
AFTERWARDS: Final = (EraseCustomer, ReapplyErasure, CertifyErasure, DiscloseData)

RULES: Final[dict[type, Callable[[Erasure, Any], Facts]]] = {
    EraseCustomer: erase,
    ReapplyErasure: reapply,
    CertifyErasure: certify,
    HoldErasure: hold,
    LiftHold: lift,
    DiscloseData: disclose,
}
# Which part of the state each fact becomes, or ends (None). Disclosing leaves no trace but itself.
PARTS: Final[dict[type[e.CustomerEvent], dict[str, bool]]] = {
    e.ErasureRequested: {"requested": True},
    e.ErasureApproved: {"approved": True},
    e.CustomerErased: {"erased": True},
    e.ErasureHeld: {"held": True},
    e.ErasureHoldLifted: {"held": False},
    e.PersonalDataDisclosed: {},
}


def evolve(erasure: Erasure, event: e.CustomerEvent) -> Erasure:
    changes: dict[str, Any] = {
        part: event if begins else None for part, begins in PARTS[type(event)].items()
    }
    return msgspec.structs.replace(erasure, **changes)

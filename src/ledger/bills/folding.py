"""How each fact moves a bill: pure, total, and silent about what may happen, which life.py says."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from ledger.bills import events as e
from ledger.bills.bill import Bill, Collection, Refund, Schedule
from ledger.bills.life import NEXT, CollectionStatus
from ledger.events import DomainEvent
from ledger.money import Money
from ledger.share import Share

C = CollectionStatus


def evolve(bill: Bill, event: DomainEvent) -> Bill:
    if type(event) not in EFFECTS:
        return bill  # journal entries and kinds of later versions leave the bill as it is
    moved = replace(
        bill,
        status=NEXT.get((bill.status, type(event)), bill.status),
        recognise_at=getattr(event, "recognise_at", bill.recognise_at),
        updated_at=max(event.occurred_at, bill.updated_at or event.occurred_at),
    )
    return EFFECTS[type(event)](moved, event)


def _opened(bill: Bill, event: e.BillOpened) -> Bill:
    return replace(bill, opened=event, product=event.product)


def _on_collection(bill: Bill, payment_id: str, **changes: object) -> Bill:
    return replace(
        bill,
        collections=tuple(
            replace(one, **changes) if one.payment_id == payment_id else one
            for one in bill.collections
        ),
    )


def _begun(bill: Bill, event: e.BillCollectionBegun) -> Bill:
    begun = Collection(
        payment_id=event.payment_id,
        amount=event.amount,
        share=event.share,
        method=event.method,
        saved_method=event.saved_method,
        expires_at=event.expires_at,
    )
    return replace(bill, collections=(*bill.collections, begun))


def _failed(bill: Bill, event: e.BillCollectionFailed) -> Bill:
    return _on_collection(
        bill,
        event.payment_id,
        status=C.FAILED,
        failure=event.code,
        failure_words=event.words,
        trouble=event.trouble,
    )


def _paid(bill: Bill, event: e.BillPaid) -> Bill:
    """From here on it is earned; it has earned nothing yet, however late it is paid."""
    whole, nothing = bill.terms, event.amount.zero()
    schedule = Schedule(
        product=event.product,
        net=(event.share + event.credit_share).net,
        starts_at=whole.starts_at,
        ends_at=whole.ends_at,
        earned=nothing,
    )
    moved = _on_collection(bill, event.payment_id, status=C.PAID, share=event.share)
    return replace(moved, paid=event, schedules=(schedule,))


def _paid_twice(bill: Bill, event: e.BillPaidTwice) -> Bill:
    if event.refund_id:
        return _refund_over(bill, event.refund_id)
    if bill.find_collection(event.payment_id) is None:
        unasked = Collection(payment_id=event.payment_id, amount=event.amount, share=event.share)
        bill = replace(bill, collections=(*bill.collections, unasked))
    return _on_collection(bill, event.payment_id, status=C.CREDITED, share=event.share)


def _credit_withdrawn(bill: Bill, event: e.BillCreditWithdrawn) -> Bill:
    if not event.refund_id:
        return _on_collection(bill, event.payment_id, status=C.UNDONE)
    return _on_refund(bill, event.refund_id, withdrawn=event)


def _on_refund(bill: Bill, refund_id: str, **changes: object) -> Bill:
    known = bill.find_refund(refund_id) or Refund(refund_id=refund_id)
    others = (one for one in bill.refunds if one.refund_id != refund_id)
    return replace(bill, refunds=(*others, replace(known, **changes)))


def _recognised(bill: Bill, event: e.RevenueRecognised) -> Bill:
    *closed, last = bill.schedules
    grown = replace(last, earned=last.earned + event.amount)
    return replace(bill, schedules=(*closed, grown), earned_through=event.through)


def _changed(bill: Bill, event: e.BillChanged) -> Bill:
    left = bill.unearned - event.from_deferred
    moved = _earned_anew(replace(bill, product=event.product), left, event.at)
    before = bill.credited or Share(net=left.zero(), tax=left.zero())
    return replace(moved, credited=before + event.credited)


def _refunded(bill: Bill, event: e.BillRefunded) -> Bill:
    taken = sum((part.amount for part in event.unearned), event.net.zero())
    moved = _on_refund(bill, event.refund_id, refunded=event)
    return _earned_anew(moved, bill.unearned - taken, event.occurred_at) if taken else moved


def _refund_failed(bill: Bill, event: e.BillRefundFailed) -> Bill:
    back = sum((part.amount for part in event.refund.unearned), event.refund.net.zero())
    moved = _refund_over(bill, event.refund.refund_id)
    return _earned_anew(moved, bill.unearned + back, event.occurred_at) if back else moved


def _refund_over(bill: Bill, refund_id: str) -> Bill:
    return _on_refund(bill, refund_id, failed=True)


def _earned_anew(bill: Bill, left: Money, at: datetime) -> Bill:
    """From `at` on, so much is left to earn, evenly until the bill's end; what was earned stays."""
    closed = [replace(one, net=one.earned) for one in bill.schedules if one.earned]
    starts_at = max(at, bill.terms.starts_at, bill.earned_through or at)
    rest = Schedule(
        product=bill.product,
        net=left,
        starts_at=starts_at,
        ends_at=bill.terms.ends_at,
        earned=left.zero(),
    )
    return replace(bill, schedules=(*closed, rest) if left else tuple(closed))


def _reopened(bill: Bill, event: e.BillReopened) -> Bill:
    """As it was before it was paid. Refunds that stand are no longer of unearned revenue."""
    moved = _on_collection(bill, event.payment_id, status=C.UNDONE)
    return replace(
        moved,
        paid=None,
        product=bill.terms.product,
        schedules=(),
        earned_through=None,
        recognise_at=None,
        credited=None,
        disputed=False,
        refunds=tuple(_of_what_is_gone(one) for one in bill.refunds),
    )


def _of_what_is_gone(refund: Refund) -> Refund:
    was = refund.refunded
    if was is None:
        return replace(refund, gone=True)
    return replace(
        refund, gone=True, refunded=replace(was, unearned=(), earned=was.net, recognise_at=None)
    )


EFFECTS: Final[dict[type[DomainEvent], Callable[[Bill, Any], Bill]]] = {
    e.BillOpened: _opened,
    e.BillCollectionBegun: _begun,
    e.BillCollectionFailed: _failed,
    e.BillPaid: _paid,
    e.BillPaidTwice: _paid_twice,
    e.BillCreditWithdrawn: _credit_withdrawn,
    e.RevenueRecognised: _recognised,
    e.BillChanged: _changed,
    e.BillRefundAsked: lambda bill, x: _on_refund(bill, x.refund_id, asked=x),
    e.BillRefundDropped: lambda bill, x: _refund_over(bill, x.asked.refund_id),
    e.BillRefunded: _refunded,
    e.BillRefundFailed: _refund_failed,
    e.BillReopened: _reopened,
    e.BillDisputed: lambda bill, _: replace(bill, disputed=True, recognise_at=None),
    e.BillVoided: lambda bill, _: bill,
    e.BillWrittenOff: lambda bill, _: bill,
}

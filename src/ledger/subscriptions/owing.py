"""How facts about its bills move a subscription: what is open, tried, paid, overdue and given up."""

from typing import Final

from msgspec.structs import replace

from ledger.subscriptions import charged
from ledger.subscriptions import events as e
from ledger.subscriptions.life import Status
from ledger.subscriptions.subscription import NOTHING, Dunning, OpenBill, Subscription

S = Status

RAN_OUT: Final = "expired"  # a payment's word for instructions that nobody followed
PASSING: Final = frozenset({"no_method_available"})  # what the same method may take later


def _on_bill(old: Subscription, bill_id: str, **changes: object) -> Subscription:
    return replace(
        old,
        open_bills=tuple(
            replace(bill, **changes) if bill.bill_id == bill_id else bill for bill in old.open_bills
        ),
    )


def without_bill(old: Subscription, bill_id: str) -> Subscription:
    dunning = old.dunning
    return replace(
        old,
        open_bills=tuple(bill for bill in old.open_bills if bill.bill_id != bill_id),
        dunning=None if dunning and dunning.bill_id == bill_id else dunning,
    )


def collection_ordered(old: Subscription, event: e.CollectionOrdered) -> Subscription:
    bill = old.find_bill(event.bill_id)
    if bill is None:
        return old
    return _on_bill(
        old,
        event.bill_id,
        attempts=event.attempt,
        live=(*bill.live, event.payment_id),
        pulling=event.payment_id if event.saved_method else bill.pulling,
        method=event.method,
        saved_method=event.saved_method,
        expires_at=event.expires_at,
        over_since=None,
        trouble="",
    )


def collection_impossible(old: Subscription, event: e.CollectionImpossible) -> Subscription:
    return _on_bill(
        old,
        event.bill_id,
        attempts=event.attempt,
        method=event.method,
        saved_method=event.saved_method,
        over_since=None,
        trouble="retry_later" if event.code in PASSING else "needs_customer",
    )


def collection_failed(old: Subscription, event: e.CollectionFailed) -> Subscription:
    bill = old.find_bill(event.bill_id)
    if bill is None:
        return old
    ran_out = event.code == RAN_OUT and not bill.saved_method
    return _on_bill(
        old,
        event.bill_id,
        live=tuple(one for one in bill.live if one != event.payment_id),
        pulling="" if bill.pulling == event.payment_id else bill.pulling,
        over_since=event.occurred_at if ran_out else bill.over_since,
        trouble=event.trouble,
    )


def bill_settled(old: Subscription, event: e.BillSettled) -> Subscription:
    status = Status(event.status)
    return replace(
        without_bill(old, event.bill_id),
        status=status,
        incomplete_since=old.incomplete_since if status is S.INCOMPLETE else None,
        has_lived=old.has_lived or status is not S.INCOMPLETE,
    )


def bill_unsettled(old: Subscription, event: e.BillUnsettled) -> Subscription:
    """Whoever took the money back is not charged again without a word."""
    again = OpenBill(
        bill_id=event.bill_id,
        period=event.period,
        to_pay=event.to_pay,
        credit=event.credit,
        credited=event.credited,
        carried=NOTHING,
        opened_at=event.occurred_at,
        due_at=event.occurred_at,
        method=old.paying.method,
        saved_method=old.paying.saved_method,
        trouble="needs_customer",
    )
    return replace(old, open_bills=(*old.open_bills, again))


def dunning_started(old: Subscription, event: e.DunningStarted) -> Subscription:
    dunning = Dunning(
        bill_id=event.bill_id,
        policy=event.policy,
        version=event.policy_version,
        overdue_since=event.overdue_since,
        step=0,
        step_at=event.step_at,
    )
    return replace(old, status=Status(event.status), access=event.access, dunning=dunning)


def dunning_step(old: Subscription, event: e.DunningStepTaken) -> Subscription:
    dunning = old.dunning and replace(old.dunning, step=event.step + 1, step_at=event.step_at)
    moved = replace(old, status=Status(event.status), access=event.access, dunning=dunning)
    if event.action not in ("pause", "mark_unpaid"):
        return moved
    return replace(_on_bill(moved, event.bill_id, written_off=True), dunning=None)


def reminder(old: Subscription, event: e.ReminderDue) -> Subscription:
    if event.kind == "trial_ending":
        return replace(old, trial_reminded=True)
    bill = old.find_bill(event.bill_id)
    return _on_bill(old, event.bill_id, reminded=bill.reminded + 1) if bill else old


def credit_given(old: Subscription, event: e.CreditGiven) -> Subscription:
    return replace(old, credit=old.credit + event.amount)


def refund_noted(old: Subscription, event: e.RefundNoted) -> Subscription:
    refund = e.Credited(bill_id=event.bill_id, share=event.share)
    return replace(old, charged=tuple(charged.refunded(one, refund) for one in old.charged))


def bill_dropped(old: Subscription, event: e.BillDropped) -> Subscription:
    return replace(
        without_bill(old, event.bill_id),
        credit=old.credit + event.credit,
        charged=tuple(charged.dropped(one, event.bill_id) for one in old.charged),
    )

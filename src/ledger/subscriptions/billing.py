"""What stands on a bill: the lines of a period, or of a change within one."""

from datetime import datetime

from ledger.bills.events import BillOpened, Line
from ledger.money import Money
from ledger.share import Share
from ledger.subscriptions import events as e
from ledger.subscriptions.subscription import Subscription


def bill_of_period(s: Subscription, fact: e.PeriodOpened) -> BillOpened:
    sold, created = fact.sold, s.creation
    lines = [
        _line(sold, sold.terms.name, fact.starts_at, fact.ends_at, _priced(fact.charged, sold)),
    ]
    if fact.carried.total:
        words = "Changes in the period before"
        lines.append(_line(sold, words, fact.starts_at, fact.ends_at, _priced(fact.carried, sold)))
    return BillOpened(
        occurred_at=fact.occurred_at,
        bill_id=fact.bill_id,
        subscription_id=created.subscription_id,
        customer_id=created.customer_id,
        number=s.bills,
        period=fact.number,
        reason=fact.reason,
        plan_id=sold.plan_id,
        product=sold.terms.product,
        starts_at=fact.starts_at,
        ends_at=fact.ends_at,
        due_at=fact.due_at,
        lines=tuple(lines),
        discount=fact.discount,
        share=fact.share,
        credit=fact.credit,
        tax_mode=sold.terms.tax_mode,
        coupon=sold.coupon.code if sold.coupon and fact.discount else "",
    )


def bill_of_change(s: Subscription, fact: e.SubscriptionChanged) -> BillOpened:
    """For the rest of the running period."""
    assert fact.due_at is not None, "a change that is billed has a due date"
    sold, created, running = fact.sold, s.creation, s.charged_at(fact.at)
    ends_at = max((one.ends_at for one in s.charged), default=fact.at)
    return BillOpened(
        occurred_at=fact.occurred_at,
        bill_id=fact.bill_id,
        subscription_id=created.subscription_id,
        customer_id=created.customer_id,
        number=s.bills,
        period=running.number if running else s.opened,
        reason="change",
        plan_id=sold.plan_id,
        product=sold.terms.product,
        starts_at=fact.at,
        ends_at=ends_at,
        due_at=fact.due_at,
        lines=(
            _line(
                sold, f"Change to {sold.terms.name}", fact.at, ends_at, _priced(fact.charge, sold)
            ),
        ),
        discount=sold.terms.price.zero(),
        share=fact.charge,
        credit=fact.credit,
        tax_mode=sold.terms.tax_mode,
    )


def _line(sold: e.Sold, words: str, starts_at: datetime, ends_at: datetime, amount: Money) -> Line:
    return Line(
        words=words,
        plan_id=sold.plan_id,
        quantity=sold.quantity,
        starts_at=starts_at,
        ends_at=ends_at,
        amount=amount,
    )


def _priced(share: Share, sold: e.Sold) -> Money:
    """As the plan prices: with tax in it, or without."""
    return share.net if sold.terms.tax_mode == "exclusive" else share.total

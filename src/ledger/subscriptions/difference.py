"""What another price, or none, from a moment on brings for what was charged already."""

from datetime import datetime
from typing import NamedTuple

from ledger.money import Money
from ledger.share import Share
from ledger.subscriptions import events as e
from ledger.subscriptions.charged import Charged
from ledger.subscriptions.pricing import counted, price, share
from ledger.subscriptions.proration import Change, due, stretches
from ledger.subscriptions.subscription import NOTHING, Subscription


class Difference(NamedTuple):
    """`more` is to be charged; `carried` was to come on the next bill, below zero, and does not."""

    more: Share
    carried: Share
    credited: tuple[e.Credited, ...]
    repriced: tuple[e.Repriced, ...]


NONE: Difference = Difference(NOTHING, NOTHING, (), ())


def difference(s: Subscription, at: datetime, sold: e.Sold | None, bill_id: str = "") -> Difference:
    """`sold` from `at` on, or nothing any more. What is more is charged on the bill, or carried."""
    found = NONE
    for charged in s.charged:
        if charged.ends_at > at:
            found = _and(found, _of(charged, at, sold, bill_id))
    return found


def _and(one: Difference, other: Difference) -> Difference:
    return Difference(
        one.more + other.more,
        one.carried + other.carried,
        one.credited + other.credited,
        one.repriced + other.repriced,
    )


def _of(charged: Charged, at: datetime, sold: e.Sold | None, bill_id: str) -> Difference:
    """A clock that was set back does not bring changes out of their order."""
    change = Change(max(at, charged.changes[-1].at), _price(charged, sold))
    parts = stretches(charged.whole, (*charged.changes, change), charged.sold.terms.proration_by)
    target = share(due(parts), charged.sold.terms.tax_mode, charged.sold_on)
    gap = target - charged.share
    if gap.total.minor > 0:
        if sold is None:
            return NONE  # a bill of it was dropped: nothing is asked for any more
        return _more(charged, change, target, gap, bill_id)
    return _less(charged, change, target, -gap)


def _price(charged: Charged, sold: e.Sold | None) -> Money:
    """With the coupon that the period's bill used, though it may be used up since."""
    if sold is None:
        return charged.share.net.zero()
    return price(counted(sold, charged.sold_before)).net


def _more(charged: Charged, change: Change, target: Share, gap: Share, bill_id: str) -> Difference:
    added = (e.Credited(bill_id=bill_id, share=gap),) if bill_id else ()
    named = tuple(e.Credited(bill_id=bill.bill_id, share=NOTHING) for bill in charged.bills)
    return Difference(
        gap, NOTHING, named, (_repriced(charged, change, target, charged.bills + added),)
    )


def _less(charged: Charged, change: Change, target: Share, off: Share) -> Difference:
    """First off what no bill charges yet, then off the newest bills, but for what was refunded. Every
    bill is named, so that each learns what it is for now.
    """
    not_carried = _at_most(off, charged.carried)
    left, kept, taken = off - not_carried, list[e.Credited](), list[e.Credited]()
    for bill in reversed(charged.bills):
        part = _at_most(left, charged.kept(bill))
        left = left - part
        kept.insert(0, e.Credited(bill_id=bill.bill_id, share=bill.share - part))
        taken.append(e.Credited(bill_id=bill.bill_id, share=part))
    news = _repriced(charged, change, target + left, tuple(kept))
    return Difference(NOTHING, -not_carried, tuple(taken), (news,))


def _at_most(off: Share, of: Share) -> Share:
    """Revenue and tax each by itself, so that neither falls below zero by a rupiah."""
    return Share(net=min(off.net, of.net), tax=min(off.tax, of.tax))


def _repriced(
    charged: Charged, change: Change, target: Share, bills: tuple[e.Credited, ...]
) -> e.Repriced:
    return e.Repriced(
        number=charged.number, at=change.at, price=change.price, share=target, bills=bills
    )

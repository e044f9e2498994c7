"""What a period was charged: by all prices that were in force in it, and on which bills.

The newest bills stand last. What no bill charges yet is carried to the next one.
"""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from ledger.share import Share
from ledger.subscriptions import events as e
from ledger.subscriptions.periods import Period
from ledger.subscriptions.proration import Change


class Charged(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`whole` is the calendar's period; a first one may be entered late, at `starts_at`."""

    number: int
    bill_id: str  # it was opened with
    starts_at: datetime
    ends_at: datetime
    whole_from: datetime
    sold_on: datetime  # fixes the tax rate
    sold: e.Sold  # in force in it, the newest
    sold_before: e.Sold  # it was opened, with the coupon that its bill used
    changes: tuple[Change, ...]
    share: Share  # of all that it costs
    bills: tuple[e.Credited, ...]  # what of it each charges
    refunds: tuple[e.Credited, ...] = ()  # what of each bill went back to the payer

    @property
    def whole(self) -> Period:
        return Period(self.number, self.whole_from, self.ends_at)

    @property
    def carried(self) -> Share:
        left = self.share
        for bill in self.bills:
            left = left - bill.share
        return left

    def kept(self, bill: e.Credited) -> Share:
        """What of a bill's part can still be given as credit. A refund may have been split otherwise: what
        it took more of the tax, there is less of the revenue, and the other way round.
        """
        left, nothing = bill.share, bill.share.net.zero()
        for refund in self.refunds:
            left = left - refund.share if refund.bill_id == bill.bill_id else left
        net, tax = left.net + min(left.tax, nothing), left.tax + min(left.net, nothing)
        return Share(net=max(net, nothing), tax=max(tax, nothing))


def opened(fact: e.PeriodOpened, whole: Period, before: e.Sold) -> Charged:
    before_it = Change(whole.starts_at, fact.price.zero())
    late = whole.starts_at < fact.starts_at
    return Charged(
        number=fact.number,
        bill_id=fact.bill_id,
        starts_at=fact.starts_at,
        ends_at=fact.ends_at,
        whole_from=whole.starts_at,
        sold_on=fact.occurred_at,
        sold=fact.sold,
        sold_before=before,
        changes=(*((before_it,) if late else ()), Change(fact.starts_at, fact.price)),
        share=fact.charged,
        bills=(e.Credited(bill_id=fact.bill_id, share=fact.charged),),
    )


def repriced(charged: Charged, news: e.Repriced, sold: e.Sold | None) -> Charged:
    return replace(
        charged,
        sold=sold or charged.sold,
        changes=(*charged.changes, Change(news.at, news.price)),
        share=news.share,
        bills=news.bills,
    )


def carried_on(charged: Charged, bill_id: str) -> Charged:
    """To a bill of the next period."""
    carried = charged.carried
    if not carried.net and not carried.tax:
        return charged
    return replace(charged, bills=(*charged.bills, e.Credited(bill_id=bill_id, share=carried)))


def taken_back(charged: Charged, bill_id: str) -> Charged:
    """The bill was withdrawn; what it had charged for this period comes on the next one."""
    return replace(charged, bills=tuple(b for b in charged.bills if b.bill_id != bill_id))


def dropped(charged: Charged, bill_id: str) -> Charged:
    """Nobody has to pay the bill any more: so much less was charged."""
    share = charged.share
    for bill in charged.bills:
        share = share - bill.share if bill.bill_id == bill_id else share
    return replace(taken_back(charged, bill_id), share=share)


def refunded(charged: Charged, refund: e.Credited) -> Charged:
    if all(bill.bill_id != refund.bill_id for bill in charged.bills):
        return charged
    return replace(charged, refunds=(*charged.refunds, refund))

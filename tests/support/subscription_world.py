"""A subscription with its bills and payments, as its world sees them: what was asked, paid and given.

Whatever is done to it, each decision is held against the table of its life and the rules of money.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ledger.errors import LedgerError
from ledger.events import DomainEvent
from ledger.money import Money
from ledger.share import Share
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.deciding import SUBSCRIPTION
from ledger.subscriptions.life import ENDED, OVERDUE, RUNNING, Status, ends_of
from ledger.subscriptions.pricing import share
from ledger.subscriptions.subscription import NOTHING, Subscription, may

LOOKS_AT_ONCE = 60  # of one subscription at one moment; more are an endless loop


@dataclass
class SeenBill:
    number: int  # of the period
    share: Share
    credit: Money
    status: str = "open"  # paid, void
    paid_by: str = ""
    taken_off: Share = NOTHING
    refunded: Money = NOTHING.net

    @property
    def to_pay(self) -> Money:
        return self.share.total - self.credit

    @property
    def paid_for(self) -> Money:
        """With money and credit."""
        return self.to_pay + max(self.credit, self.credit.zero())

    @property
    def given_back(self) -> Money:
        return self.taken_off.total + self.refunded


@dataclass
class World:
    now: datetime
    state: Subscription = field(default_factory=Subscription)
    facts: list[DomainEvent] = field(default_factory=list)
    bills: dict[str, SeenBill] = field(default_factory=dict)
    payments: dict[str, str] = field(default_factory=dict)  # to their bills; those under way
    costs: dict[int, Share] = field(default_factory=dict)  # of each period, after all changes
    missed: list[Share] = field(default_factory=list)  # billed later
    paid_in: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    ids: int = 0

    def do(self, command: c.SubscriptionCommand) -> bool:
        """Whether it was not refused."""
        try:
            facts = SUBSCRIPTION.decide(self.state, command)
        except LedgerError as refusal:
            self.refusals[refusal.code] += 1
            return False
        for fact in facts:
            assert may(self.state, type(fact)), f"{type(fact).__name__} in {self.state.status}"
            before, self.state = self.state, SUBSCRIPTION.evolve(self.state, fact)
            ends = ends_of(before.status, type(fact))
            assert self.state.status in ends, f"{type(fact).__name__} leads to {self.state.status}"
            self.facts.append(fact)
            self._see(before, fact)
        self._pay_what_is_nothing()
        check(self.state)
        assert self.state.credit.minor <= self.paid_in, "more credit than was ever paid"
        return True

    def payment(self) -> str:
        self.ids += 1
        return f"pay_{self.ids}"

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────

    def advance(self, refused: c.Refusal | None = None) -> None:
        """Once; whoever was told to look finds something to do."""
        look_at = self.state.look_at
        is_due = look_at is not None and look_at <= self.now
        before = len(self.facts)
        self.do(c.Advance(now=self.now, payment_id=self.payment(), refused=refused))
        assert (len(self.facts) > before) == is_due, f"due at {look_at}, now {self.now}"

    def rest(self) -> None:
        for _ in range(LOOKS_AT_ONCE):
            if self.state.look_at is None or self.state.look_at > self.now:
                return
            self.advance()
        raise AssertionError(f"it never comes to rest: {self.facts[-4:]}")

    def pass_time(self, span: timedelta, *, downtime: bool) -> None:
        """With somebody who looks whenever asked to, or only at the end."""
        end = self.now + span
        for _ in range(2_000):
            look_at = self.state.look_at
            if downtime or look_at is None or look_at > end:
                break
            self.now = max(self.now, look_at)
            self.rest()
        self.now = end
        self.rest()

    # ── money ───────────────────────────────────────────────────────────────────────────────────────────────────

    def pay(self, payment_id: str) -> None:
        """The bill takes it, or it is the customer's credit."""
        bill_id = self.payments.pop(payment_id)
        bill = self.bills[bill_id]
        self.paid_in += bill.to_pay.minor
        if bill.status == "open":
            bill.status, bill.paid_by = "paid", payment_id
            self._record_paid(bill_id, payment_id)
        else:
            self.do(c.RecordCredit(now=self.now, bill_id=bill_id, amount=bill.to_pay))

    def fail(self, payment_id: str, code: str, trouble: str) -> None:
        bill_id = self.payments.pop(payment_id)
        self.do(
            c.RecordBillNotPaid(
                now=self.now,
                bill_id=bill_id,
                payment_id=payment_id,
                code=code,
                words="",
                trouble=trouble,  # type: ignore[arg-type]
            )
        )

    def undo(self, bill_id: str) -> None:
        bill = self.bills[bill_id]
        if bill.status != "paid" or not bill.paid_by:
            return
        taken_off, bill.status = bill.taken_off, "open"
        self.paid_in -= bill.to_pay.minor
        bill.taken_off, bill.refunded = NOTHING, NOTHING.net  # of the payment that is gone
        # The credit is withdrawn in the same append, so the sum is right again after it.
        self.do(
            c.RecordBillReopened(
                now=self.now,
                bill_id=bill_id,
                period=bill.number,
                payment_id=bill.paid_by,
                to_pay=bill.to_pay,
                credited=taken_off.total,
                credited_share=taken_off,
                credit=bill.credit,
            )
        )

    def refund(self, bill_id: str, amount: Money) -> None:
        """Of what was paid for it, and neither refunded nor given as credit: as the bill lets it through."""
        bill = self.bills[bill_id]
        too_much = bill.refunded + amount > bill.to_pay or bill.given_back + amount > bill.paid_for
        if bill.status != "paid" or not bill.paid_by or too_much:
            return
        bill.refunded += amount
        part = share(amount, "inclusive", self.now)
        self.do(c.RecordRefund(now=self.now, bill_id=bill_id, share=part))

    def _record_paid(self, bill_id: str, payment_id: str) -> None:
        amount = self.bills[bill_id].to_pay
        self.do(
            c.RecordBillPaid(now=self.now, bill_id=bill_id, payment_id=payment_id, amount=amount)
        )

    def _pay_what_is_nothing(self) -> None:
        for bill_id, bill in list(self.bills.items()):
            if bill.status == "open" and not bill.to_pay:
                bill.status = "paid"
                self._record_paid(bill_id, "")

    # ── what it says to its bills ───────────────────────────────────────────────────────────────────────────────

    def _see(self, before: Subscription, fact: DomainEvent) -> None:
        match fact:
            case e.PeriodOpened():
                self._open(fact.bill_id, fact.number, fact.share, fact.credit)
                if fact.reason == "missed":
                    self.missed.append(fact.charged)
                else:
                    self.costs[fact.number] = fact.charged
            case e.SubscriptionChanged():
                self._take_off(fact.credited)
                self._reprice(fact.repriced)
                if fact.bill_id:
                    running = before.charged_at(fact.at)
                    number = running.number if running else before.opened
                    self._open(fact.bill_id, number, fact.charge, fact.credit)
            case e.SubscriptionCancelled():
                self._take_off(fact.credited)
                self._reprice(fact.repriced)
            case e.BillSettled():
                self._take_off(fact.credited)
            case e.CollectionOrdered():
                assert self.bills[fact.bill_id].status == "open"
                self.payments[fact.payment_id] = fact.bill_id
            case e.BillDropped() | e.PeriodWithdrawn():
                assert self.bills[fact.bill_id].status == "open"
                self.bills[fact.bill_id].status = "void"
                if isinstance(fact, e.PeriodWithdrawn):
                    del self.costs[fact.number]

    def _open(self, bill_id: str, number: int, share: Share, credit: Money) -> None:
        assert bill_id not in self.bills, "a bill is made once"
        assert share.net.minor >= 0 and share.tax.minor >= 0
        self.bills[bill_id] = bill = SeenBill(number, share, credit)
        assert bill.to_pay.minor >= 0, "no more credit is used than the bill costs"

    def _reprice(self, repriced: tuple[e.Repriced, ...]) -> None:
        self.costs |= {one.number: one.share for one in repriced}

    def _take_off(self, credited: tuple[e.Credited, ...]) -> None:
        for one in credited:
            bill = self.bills[one.bill_id]
            assert bill.status == "paid" or not one.share.total, "credit for what was not paid"
            bill.taken_off = bill.taken_off + one.share
            left = bill.share - bill.taken_off
            assert min(left.net.minor, left.tax.minor) >= 0, "more than the bill is taken off it"
            assert bill.given_back <= bill.paid_for, "credit and refunds exceed what was paid"


def check(s: Subscription) -> None:
    """What holds of every state."""
    assert (s.dunning is not None) == (s.status in OVERDUE)
    assert s.dunning is None or s.find_bill(s.dunning.bill_id)
    assert s.has_access == (s.status in RUNNING or (s.status is Status.IN_GRACE))
    assert s.status not in ENDED or (s.scheduled is None and s.cancel is None)
    assert min(s.carried.net.minor, s.carried.tax.minor) >= 0
    for charged in s.charged:
        parts = [bill.share for bill in charged.bills]
        assert all(min(part.net.minor, part.tax.minor) >= 0 for part in (*parts, charged.carried))
    carried = sum(charged.carried.total.minor for charged in s.charged)
    assert carried <= s.carried.total.minor
    for older, newer in zip(s.charged, s.charged[1:], strict=False):
        assert older.ends_at <= newer.starts_at

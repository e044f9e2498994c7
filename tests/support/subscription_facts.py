"""Subscriptions, small: Pro for 99,000 a month, by card, begun at ten in the morning in Jakarta."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from ledger.events import DomainEvent
from ledger.money import Money
from ledger.plans.terms import PlanTerms
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.deciding import SUBSCRIPTION
from ledger.subscriptions.periods import Interval
from ledger.subscriptions.subscription import Subscription
from support.scenario import Scenario

Fact = TypeVar("Fact", bound=DomainEvent)

SUB: Final = "sub_1"
BEGUN: Final = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
CARD: Final = e.Paying(method="credit_card", saved_method="pm_1", fallback=("bca_va",))
ACCOUNT: Final = e.Paying(method="bca_va")
MONTH: Final = Interval("month")


def rp(minor: int) -> Money:
    return Money(minor)


def on(month: int, day: int, hour: int = 3, minute: int = 0, year: int = 2026) -> datetime:
    """In UTC: at 3 it is ten in the morning in Jakarta."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def sold(price: int = 99_000, *, name: str = "Pro", quantity: int = 1, **more: Any) -> e.Sold:
    """What of `more` is no term of the plan is the coupon's."""
    about = {key: more.pop(key) for key in ("coupon", "coupon_left") if key in more}
    terms: dict[str, Any] = {
        "version": 1,
        "name": name,
        "product": name.lower(),
        "price": rp(price),
        "interval": MONTH,
    }
    return e.Sold(
        plan_id=name.lower(), terms=PlanTerms(**(terms | more)), quantity=quantity, **about
    )


PRO: Final = sold()
NEW_CARD: Final = e.Paying(method="credit_card", saved_method="pm_2")
JUNE: Final = on(6, 1)
MAX: Final = sold(199_000, name="Max")


class Life:
    """A subscription that is lived: commands with the ids that its worker would give them, and its
    payments by their bills.
    """

    def __init__(self) -> None:
        self.story = Scenario(SUBSCRIPTION)
        self.now = BEGUN
        self._payments = 0

    @property
    def state(self) -> Subscription:
        return self.story.state

    def when(self, command: c.SubscriptionCommand) -> Scenario[Subscription, c.SubscriptionCommand]:
        self.now = command.now
        return self.story.when(command)

    def created(self, what: e.Sold = PRO, paying: e.Paying = CARD, **more: Any) -> "Life":
        self.now = more.pop("at", self.now)
        self.when(
            c.CreateSubscription(
                now=self.now,
                subscription_id=SUB,
                customer_id="cust_1",
                sold=what,
                paying=paying,
                payment_id=self.payment(),
                **more,
            )
        )
        return self

    def payment(self) -> str:
        self._payments += 1
        return f"pay_{self._payments}"

    def paid(self, bill: int, at: datetime | None = None) -> "Life":
        owed = self.state.find_bill(f"bill_1_{bill}")
        assert owed is not None, f"bill {bill} is not open"
        self.when(
            c.RecordBillPaid(
                now=at or self.now,
                bill_id=owed.bill_id,
                payment_id=owed.live[-1] if owed.live else "",
                amount=owed.to_pay,
            )
        )
        return self

    def refused(
        self, bill: int, at: datetime | None = None, trouble: str = "retry_later"
    ) -> "Life":
        """By the bank."""
        owed = self.state.find_bill(f"bill_1_{bill}")
        assert owed is not None and owed.live, f"nothing is under way for bill {bill}"
        self.when(
            c.RecordBillNotPaid(
                now=at or self.now,
                bill_id=owed.bill_id,
                payment_id=owed.live[-1],
                code="51",
                words="no funds",
                trouble=trouble,  # type: ignore[arg-type]
            )
        )
        return self

    def changed(self, to: e.Sold, now: datetime, **more: Any) -> "Life":
        self.when(c.ChangeSubscription(now=now, sold=to, payment_id=self.payment(), **more))
        return self

    def cancelled(
        self, now: datetime, at: datetime | None = None, *, credit: bool = False
    ) -> "Life":
        self.when(c.CancelSubscription(now=now, at=at, reason="enough", with_credit=credit))
        return self

    def paused(self, now: datetime, resume_at: datetime | None = None) -> "Life":
        self.when(c.PauseSubscription(now=now, reason="holidays", resume_at=resume_at))
        return self

    def resumed(self, now: datetime) -> "Life":
        self.when(c.ResumeSubscription(now=now, payment_id=self.payment()))
        return self

    def reactivated(self, now: datetime, paying: e.Paying | None = None) -> "Life":
        self.when(c.ReactivateSubscription(now=now, payment_id=self.payment(), paying=paying))
        return self

    def paying(self, how: e.Paying, now: datetime) -> "Life":
        self.when(c.ChangePaying(now=now, paying=how, payment_id=self.payment()))
        return self

    def told(self, kind: type[Fact]) -> Fact:
        """The newest fact of this kind."""
        return next(fact for fact in reversed(self.story.facts) if isinstance(fact, kind))

    def to_pay(self, bill: int) -> int:
        owed = self.state.find_bill(f"bill_1_{bill}")
        assert owed is not None, f"bill {bill} is not open"
        return owed.to_pay.minor

    def advanced(self, at: datetime | None = None, **more: Any) -> "Life":
        """Once, when it wants to be looked at or at that time."""
        now = at or self.state.look_at
        assert now is not None, "nobody waits for anything"
        self.when(c.Advance(now=max(now, self.now), payment_id=self.payment(), **more))
        return self

    def idle_until(self, end: datetime, trouble: str = "") -> "Life":
        """Advanced for as long as something is due by then; with a trouble, no card is taken."""
        for _ in range(200):
            look_at = self.state.look_at
            if look_at is None or look_at > end:
                self.now = end
                return self
            self.advanced()
            for bill in self.state.open_bills if trouble else ():
                if bill.pulling:
                    self.refused(int(bill.bill_id.rpartition("_")[2]), trouble=trouble)
        raise AssertionError("it never comes to rest")


def later(moment: datetime, **more: float) -> datetime:
    return moment + timedelta(**more)


def june(what: e.Sold = PRO, paying: e.Paying = CARD, **more: Any) -> Life:
    """From June 1 to July 1, thirty days; paid."""
    return Life().created(what, paying, at=JUNE, **more).paid(1)

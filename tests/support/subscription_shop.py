"""A merchant's subscriptions on a real log, with a gateway that answers at once and a clock in hand."""

from datetime import UTC, datetime
from typing import Any

import psycopg

from ledger import clock
from ledger.bills.bill import Bill
from ledger.bills.deciding import BOOKED_BILL
from ledger.identity import new_id
from ledger.money import Money
from ledger.payments.saved_methods import SavedMethod
from ledger.payments.service import PaymentService
from ledger.plans.terms import PlanTerms
from ledger.providers.port import Payer
from ledger.scheduler import BillingScheduler
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.following import Following
from ledger.subscriptions.periods import Interval
from ledger.subscriptions.service import SubscriptionService
from ledger.subscriptions.subscription import Subscription
from support.gateway_at_once import GatewayAtOnce
from support.memory_tables import Look, MemoryKeyRing
from support.stores import SCHEMA, OpenStore, context

BEGIN = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
CARD = e.Paying(method="credit_card", saved_method="pm_1", fallback=("bca_va",))
ACCOUNT = e.Paying(method="bca_va")


class Known:
    """Satisfies Payers and SavedMethods: of every customer all is known, and each has a card."""

    async def known(self, customer_id: str) -> tuple[str, ...]:
        return ("name", "email", "phone")

    async def saved(self, customer_id: str, method_id: str) -> SavedMethod:
        return SavedMethod(kind="card", token="481111…1114")

    async def payer(self, customer_id: str) -> Payer:
        return Payer(name="Siti Rahayu", email="siti@example.id", phone="+6281234567890")


class Shop:
    """`gateway` and `now` may be another shop's: then both are processes of the same merchant."""

    def __init__(self, opened: OpenStore, conninfo: str, other: "Shop | None" = None) -> None:
        self.moment = BEGIN
        self.store, self.conninfo = opened.store, conninfo
        self.now: clock.Clock = other.now if other else lambda: self.moment
        self.gateway = other.gateway if other else GatewayAtOnce(self.now)
        payments = PaymentService(
            store=opened.store,
            provider=self.gateway,
            key_ring=MemoryKeyRing(),  # type: ignore[arg-type]
            method_health=Look({}),
            balance=Look(Money(10**9)),
            sent_by="test",
            lost_after_seconds=120,
            lease_seconds=30,
            saved_methods=Known(),
            now=self.now,
            then=Following(self.now),
        )
        self.payments = payments
        self.subscriptions = SubscriptionService(
            store=opened.store,
            payments=payments,
            payers=Known(),
            method_health=Look({}),
            sent_by="test",
            now=self.now,
        )
        self.scheduler = BillingScheduler(
            store=opened.store, subscriptions=self.subscriptions, sent_by="test", now=self.now
        )

    async def create(self, paying: e.Paying = CARD, **terms: Any) -> Subscription:
        command = c.CreateSubscription(
            now=self.now(),
            subscription_id=new_id("sub"),
            customer_id="cus_1",
            sold=e.Sold(plan_id="pro", terms=plan(**terms)),
            paying=paying,
        )
        done = await self.subscriptions.create(command, context())
        return await self.subscriptions.get(done.stream)

    async def until(self, stream: str, moment: datetime) -> Subscription:
        """All that falls due by then, each at its own time."""
        while True:
            state = await self.subscriptions.get(stream)
            if state.look_at is None or state.look_at > moment:
                self.moment = moment
                return state
            self.moment = max(self.moment, state.look_at)
            await self.scheduler.do(stream, "advance", "")

    async def pays(self, payment_id: str) -> None:
        payment = await self.payments.get(payment_id)
        self.gateway.pay(payment.attempt.order_id)
        await self.payments.inquire(payment_id)

    async def bill(self, bill_id: str) -> Bill:
        return (await self.store.load(BOOKED_BILL, bill_id)).state

    async def recognise(self, bill_id: str, until: datetime) -> None:
        while (at := (await self.bill(bill_id)).recognise_at) and at <= until:
            self.moment = max(self.moment, at)
            await self.scheduler.do(bill_id, "recognise", "")

    def balances(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for state in self.log("journal.entry_posted.v1"):
            for leg in state["d"]["legs"]:
                account = leg["account"]
                found[account] = found.get(account, 0) + leg["amount"]["minor"]
        assert sum(found.values()) == 0
        return {account: minor for account, minor in found.items() if minor}

    def log(self, topic: str) -> list[dict[str, Any]]:
        query = (
            "select convert_from(state, 'UTF8')::jsonb from events where topic = %s"
            " order by notification_id"
        )
        with psycopg.connect(self.conninfo, options=f"-c search_path={SCHEMA}") as db:
            return [row[0] for row in db.execute(query, [topic])]

    def appends(self) -> list[list[str]]:
        """The topics of each append, in the order of the log."""
        query = "select topic, command_id from events order by notification_id"
        found: list[list[str]] = [[]]
        with psycopg.connect(self.conninfo, options=f"-c search_path={SCHEMA}") as db:
            for topic, command_id in db.execute(query):
                found[-1].append(topic)
                if command_id:
                    found.append([])
        return found[:-1]


def plan(**changes: Any) -> PlanTerms:
    terms = {
        "version": 1,
        "name": "Pro",
        "product": "pro",
        "price": Money(99_000),
        "interval": Interval("month"),
    }
    return PlanTerms(**terms | changes)

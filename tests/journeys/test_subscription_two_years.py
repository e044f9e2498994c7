"""Fifty subscriptions live for two years in seconds: what is billed, when, and what becomes of them is
compared with a table that was written by hand.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from api.time_machine import TimeMachine, time_machine
from api.wiring import Wiring, open_wiring
from ledger import clock
from ledger.bills.deciding import BOOKED_BILL
from ledger.customers.details import Details
from ledger.customers.service import Token
from ledger.eventstore.store import Context
from ledger.identity import new_id
from ledger.money import Money
from ledger.plans.terms import PlanTerms
from ledger.providers.port import ChargeOrder, ChargeStatus
from ledger.settings import Settings
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.periods import Interval, Zone
from projections import balances
from support.gateway_at_once import GatewayAtOnce
from support.running import MASTER_KEY, SCHEMA

BEGINS = datetime(2026, 1, 31, 3, tzinfo=UTC)  # 10:00 in Jakarta
ENDS = datetime(2028, 1, 31, 4, tzinfo=UTC)
OF_EACH = 5
WITHIN_SECONDS = 20.0

# The days on which a month, and a quarter, begins that was begun on the 31st.
ENDS_OF_MONTHS = (
    *("2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30"),
    *("2026-07-31", "2026-08-31", "2026-09-30", "2026-10-31", "2026-11-30", "2026-12-31"),
    *("2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30"),
    *("2027-07-31", "2027-08-31", "2027-09-30", "2027-10-31", "2027-11-30", "2027-12-31"),
    "2028-01-31",
)
MONTHS = list(ENDS_OF_MONTHS)
QUARTERS = [
    *("2026-01-31", "2026-04-30", "2026-07-31", "2026-10-31", "2027-01-31"),
    *("2027-04-30", "2027-07-31", "2027-10-31", "2028-01-31"),
]
HALVES = ["2026-01-31", "2026-07-31", "2027-01-31", "2027-07-31", "2028-01-31"]
YEARS = ["2026-01-31", "2027-01-31", "2028-01-31"]
MONTH, QUARTER, HALF, YEAR = (
    *(Interval("month"), Interval("quarter")),
    *(Interval("month", 6), Interval("year")),
)


@dataclass(frozen=True)
class Kind:
    """`days` are those, by the subscriber's calendar, on which a period begins; the last two columns
    are what all bills of one come to, and its state in the end.
    """

    name: str
    days: list[str]
    billed: int
    status: str
    price: int = 99_000
    interval: Interval = MONTH
    zone: Zone = "WIB"
    pulled: bool = True
    more: dict[str, Any] = field(default_factory=dict)


# fmt: off
TABLE = (
    Kind("a card, by the month",             MONTHS,      25 * 99_000,  "active"),
    Kind("an account number, by the month",  MONTHS,      25 * 99_000,  "active", pulled=False),
    Kind("a card, by the quarter",           QUARTERS,     9 * 279_000, "active", 279_000, QUARTER),
    Kind("a card, by six months, in Bali",   HALVES,       5 * 549_000, "active", 549_000, HALF, "WITA"),
    Kind("a card, by the year, in Papua",    YEARS,        3 * 990_000, "active", 990_000, YEAR, "WIT"),
    Kind("a card that fails for two days",   MONTHS,      25 * 99_000,  "active"),
    Kind("who stops paying",                 MONTHS[:3],   3 * 99_000,  "cancelled", pulled=False),
    # For the second half of a period of thirty days half of what it costs more.
    Kind("who takes more",                   MONTHS,       5 * 99_000 + 50_000 + 20 * 199_000, "active"),
    Kind("who cancels",                      MONTHS[:11], 11 * 99_000,  "cancelled"),
    Kind("who tries it for a week",          [f"{day[:8]}07" for day in MONTHS[1:]],
                                                          24 * 99_000,  "active", more={"trial_days": 7}),
)
# fmt: on

FAILS, STOPS, TAKES_MORE, CANCELS = TABLE[5], TABLE[6], TABLE[7], TABLE[8]
FAILING = (datetime(2026, 3, 31, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC))
STOPPED = datetime(2026, 4, 26, tzinfo=UTC)  # before its fourth bill is sent, which stays unpaid
UPGRADED = datetime(2026, 6, 15, 3, tzinfo=UTC)
CANCELLED = datetime(2026, 12, 10, 3, tzinfo=UTC)


class World:
    """Customers, their banks, and the merchant's program."""

    def __init__(self, wired: Wiring, gateway: GatewayAtOnce) -> None:
        self.wired, self.gateway = wired, gateway
        self.streams: dict[str, list[str]] = {}
        self.kind_of: dict[str, Kind] = {}
        self.cards: dict[str, str] = {}
        gateway.refuses = self._refuses
        self._todo: list[tuple[datetime, Callable[[str], c.Command], Kind]] = [
            (UPGRADED, lambda s: self._upgrade(), TAKES_MORE),
            (
                CANCELLED,
                lambda s: c.CancelSubscription(now=clock.now(), at=None, reason="-"),
                CANCELS,
            ),
        ]

    async def subscribe(self, kind: Kind) -> None:
        owner = await self.wired.customers.register("", Details(name="Sri"), "id", _context())
        paying = e.Paying(method="bca_va")
        if kind.pulled:
            method_id, _ = await self.wired.customers.attach(
                owner.state.customer_id,
                "card",
                Token(kind.name),
                _context(),
                masked="48111111-1114",
                expires_on="2099-12",
            )
            paying = e.Paying(method="credit_card", saved_method=method_id)
        command = c.CreateSubscription(
            now=clock.now(),
            subscription_id=new_id("sub"),
            customer_id=owner.state.customer_id,
            sold=e.Sold(plan_id="plan", terms=_terms(kind)),
            paying=paying,
            zone=kind.zone,
        )
        done = await self.wired.subscriptions.create(command, _context())
        self.streams.setdefault(kind.name, []).append(done.stream)
        self.kind_of[done.stream] = kind

    async def act(self, now: datetime) -> datetime | None:
        """At each stop: who is sent a bill pays it at once; the merchant does what was asked."""
        waiting = [at for at, _, _ in self._todo if at > now]
        for at, command, kind in [one for one in self._todo if one[0] <= now]:
            self._todo.remove((at, command, kind))
            for stream in self.streams[kind.name]:
                await self.wired.subscriptions.do(stream, command(stream), _context())
        for order_id, held in list(self.gateway.held.items()):
            if held.status is not ChargeStatus.PENDING or held.occurred_at is None:
                continue
            if not self._pays(order_id, held.occurred_at):
                continue
            paid_at = held.occurred_at + timedelta(seconds=20)
            if paid_at <= now:
                self.gateway.pay(order_id)
                await self.wired.payments.inquire(order_id.rpartition("-")[0])
            else:
                waiting.append(paid_at)
        return min(waiting, default=None)

    def _pays(self, order_id: str, sent_at: datetime) -> bool:
        product = self.gateway.charged[order_id].product
        return product != _product(STOPS) or sent_at < STOPPED

    def _refuses(self, order: ChargeOrder) -> str:
        failing = FAILING[0] <= clock.now() < FAILING[1]
        return "202" if failing and order.product == _product(FAILS) else ""

    def _upgrade(self) -> c.Command:
        terms = _terms(TAKES_MORE, price=199_000)
        return c.ChangeSubscription(now=clock.now(), sold=e.Sold(plan_id="plan", terms=terms))


def _product(kind: Kind) -> str:
    return f"kind{TABLE.index(kind)}"


def _terms(kind: Kind, price: int = 0) -> PlanTerms:
    return PlanTerms(
        version=2 if price else 1,
        name=kind.name,
        product=_product(kind),
        price=Money(price or kind.price),
        interval=kind.interval,
        **kind.more,
    )


def _context() -> Context:
    return Context(command_id=new_id("cmd"), actor="journey")


async def test_fifty_subscriptions_live_two_years_as_a_table_written_by_hand_says(
    ledger_database: str,
) -> None:
    settings = Settings(database_url=ledger_database, database_schema=SCHEMA, master_key=MASTER_KEY)
    gateway = GatewayAtOnce()
    async with (
        open_wiring(settings, "worker", gateway=gateway) as wired,
        time_machine(wired, BEGINS) as machine,
    ):
        world = World(wired, gateway)
        began, busy = time.perf_counter(), time.process_time()
        for kind in TABLE:
            for _ in range(OF_EACH):
                await world.subscribe(kind)
        await machine.advance(ENDS, world.act)
        took, busy = time.perf_counter() - began, time.process_time() - busy

        found = {
            kind.name: [await _lived(world, one) for one in world.streams[kind.name]]
            for kind in TABLE
        }
        assert found == {
            kind.name: [(kind.days, kind.billed, kind.status)] * OF_EACH for kind in TABLE
        }
        await _books_agree(wired, machine)
        charges = Counter(order.rpartition("-")[0] for order in gateway.charged)
        assert set(charges.values()) == {1}
        print(f"{machine.stops} stops in {took:.1f} s, {busy:.1f} s of them at work here")
        assert busy < WITHIN_SECONDS  # others may be at the machine's cores as well


async def _lived(world: World, stream: str) -> tuple[list[str], int, str]:
    """The days on which its paid periods began, what its paid bills came to, and what it is now."""
    state = await world.wired.subscriptions.get(stream)
    days: list[str] = []
    billed = 0
    for number in range(1, state.bills + 1):
        bill = (
            await world.wired.store.load(
                BOOKED_BILL, f"bill_{stream.removeprefix('sub_')}_{number}"
            )
        ).state
        if bill.paid is None:
            continue
        billed += bill.terms.share.net.minor + bill.terms.share.tax.minor
        if bill.terms.reason != "change":
            days.append(_day(state.schedule.local_date(bill.terms.starts_at)))
    return days, billed, state.status.value


def _day(day: date) -> str:
    return day.isoformat()


async def _books_agree(wired: Wiring, machine: TimeMachine) -> None:
    """They sum to zero, and what is deferred is what the bills still have to earn."""
    await machine.run_until_idle()
    async with wired.readers.connection() as conn:
        rows = await balances.trial_balance(conn)
        cursor = await conn.execute("select coalesce(sum(unearned_minor), 0) as left from bills")
        unearned = await cursor.fetchone()
    assert sum(row["balance_minor"] for row in rows) == 0
    deferred = -sum(
        row["balance_minor"]
        for row in rows
        if row["account"].startswith("Liabilities:DeferredRevenue:")
    )
    assert unearned is not None and deferred == unearned["left"] > 0

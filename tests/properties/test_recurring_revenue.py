"""Whatever happens to subscriptions: recurring revenue is at each month's end what their states are worth,
the movements sum to it, and a replay gives the same rows however the log was cut into batches.
"""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest

from ledger.clock import WIB, business_date
from ledger.subscriptions.events import BillSettled
from projections import READ_MODELS, recurring_revenue
from projections.layout import lay_out
from projections.recurring_figures import figures
from projections.recurring_standing import COUNTED, a_month
from projections.replaying import verify
from support.log_rows import SCHEMA
from support.read_side import ReadSide, open_read_side
from support.subscription_chances import happen, some
from support.subscription_facts import ACCOUNT, CARD
from support.subscription_stories import Bought, in_order

LIVES: Final = 60
BEGINS: Final = datetime(2026, 1, 1, tzinfo=UTC)
MONTHS: Final = 18
EVER: Final = date(2099, 1, 1)
VIEW: Final = "select * from bukubesar_reporting.recurring_revenue"


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


def ends() -> list[datetime]:
    """The last instants of the months, in Jakarta."""
    firsts = [
        datetime(2026 + months // 12, months % 12 + 1, 1, tzinfo=WIB)
        for months in range(1, MONTHS + 1)
    ]
    return [first.astimezone(UTC) - timedelta(microseconds=1) for first in firsts]


class Oracle:
    """What each subscription is worth at the ends of months, by the ledger's own state of it."""

    def __init__(self) -> None:
        self.worth: Counter[date] = Counter()
        self.paying: dict[date, set[str]] = {business_date(end): set() for end in ends()}
        self.met: Counter[str] = Counter()

    def look(self, bought: Bought, customer: str, end: datetime) -> None:
        found = worth(bought, end)
        self.worth[business_date(end)] += found
        self.met[bought.state.status.value] += 1
        if found:
            self.paying[business_date(end)].add(customer)


def worth(bought: Bought, now: datetime) -> int:
    """A counted one's price of the period that runs, or ran last."""
    s = bought.state
    if s.status.value not in COUNTED or not has_paid(bought):
        return 0
    begun = [one for one in s.charged if one.starts_at <= now]
    if not begun:
        return 0
    price = [change.price for change in begun[-1].changes if change.at <= now][-1]
    return a_month(price, begun[-1].sold, now)


def has_paid(bought: Bought) -> bool:
    facts = [fact for _, (_, facts) in bought.appends for fact in facts]
    return any(isinstance(one, BillSettled) and one.status != "incomplete" for one in facts)


def lived(n: int, oracle: Oracle) -> Bought:
    chance = random.Random(n)
    customer = f"cust_{n // 3}"
    began = BEGINS + timedelta(minutes=chance.randrange(0, 300 * 24 * 60))
    paying = chance.choice([CARD, CARD, ACCOUNT])
    broke = chance.random() < 0.1
    bought = Bought(f"sub_{n}", customer, some(chance), began, paying=paying, broke=broke)
    for end in [end for end in ends() if end >= began]:
        while chance.random() < 0.5:
            happen(bought, chance, bought.now + (end - bought.now) * chance.random())
        bought.until(end)
        oracle.look(bought, customer, end)
    return bought


async def test_it_is_what_the_subscriptions_are_worth(read_side: ReadSide) -> None:
    oracle = Oracle()
    all_of_them = [lived(n, oracle) for n in range(LIVES)]
    read_side.log.copy_all(in_order(all_of_them))
    chance = random.Random(5)
    for follower in read_side.followers.values():
        follower._size = chance.randrange(1, 60)
        while follower.step(read_side.connection):
            follower._size = chance.randrange(1, 60)

    async with read_side.asking() as conn:
        rows = await recurring_revenue.by_month(conn, "IDR", EVER)
    found = figures(rows, date(2026, 1, 1), business_date(ends()[-1]))

    assert [one.recurring for one in found] == [oracle.worth[business_date(end)] for end in ends()]
    assert [one.customers for one in found] == [len(one) for one in oracle.paying.values()]
    lay_out(read_side.conninfo, SCHEMA)
    shown = {row["month"]: row for row in read_side.rows(VIEW)}
    for one in found:
        row = shown[one.month]
        assert (row["recurring_minor"], row["customers"]) == (one.recurring, one.customers)
        assert (row["churn_minor"], row["customers_lost"]) == (one.churn, one.customers_lost)
    assert {"active", "in_grace", "past_due", "paused", "cancelled", "cancelling"} <= set(
        oracle.met
    )
    kinds = read_side.rows("select kind, count(*) as times from recurring_movements group by kind")
    assert {row["kind"] for row in kinds if row["times"] >= 5} == set(recurring_revenue.KINDS)

    report = verify(read_side.conninfo, SCHEMA)
    assert report.finding is None
    assert report.equal == {model.NAME: True for model in READ_MODELS}

"""Recurring revenue of two years, against figures that were worked out by hand."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, Final

import pytest
from psycopg.rows import dict_row

from ledger.coupons.terms import CouponTerms
from ledger.eventstore.connections import connect
from ledger.subscriptions import commands as c
from ledger.subscriptions.events import Sold
from ledger.subscriptions.periods import Interval
from ledger.subscriptions.pricing import price
from projections import recurring_revenue
from projections.layout import lay_out
from projections.recurring_figures import figures
from projections.recurring_standing import Standing, a_month
from support.log_rows import SCHEMA
from support.read_side import ReadSide, open_read_side
from support.subscription_facts import ACCOUNT, sold
from support.subscription_stories import Bought, in_order

BASIC: Final = sold(100_000, name="Basic", tax_mode="untaxed")
LARGE: Final = sold(250_000, name="Large", tax_mode="untaxed")
SMALL: Final = sold(60_000, name="Small", tax_mode="untaxed")
YEARLY: Final = sold(1_200_000, name="Yearly", tax_mode="untaxed", interval=Interval("year"))
QUARTERLY: Final = sold(300_000, name="Quarterly", tax_mode="untaxed", interval=Interval("quarter"))
WEEKLY: Final = sold(
    12_000, name="Weekly", tax_mode="untaxed", interval=Interval("week"), trial_days=14
)
HALF: Final = CouponTerms(code="HALF", percent=50, periods=2)
END: Final = datetime(2027, 12, 31, tzinfo=UTC)


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


def at(year: int, month: int, day: int, hour: int = 3) -> datetime:
    """In UTC: at 3 it is ten in the morning in Jakarta."""
    return datetime(year, month, day, hour, tzinfo=UTC)


def two_years() -> Sequence[Bought]:
    """What each counts for, month by month, is in MOVEMENTS."""
    ana = Bought("sub_a", "ana", BASIC, at(2026, 1, 10))
    ana.change(at(2026, 3, 15), LARGE).cancel(at(2027, 2, 1)).until(END)

    budi = Bought("sub_b", "budi", YEARLY, at(2026, 2, 1))
    budi.cancel(at(2026, 12, 1)).until(END)

    cici = Bought("sub_c", "cici", WEEKLY, at(2026, 3, 25)).until(END)

    second = Bought("sub_d", "ana", QUARTERLY, at(2026, 5, 5))
    second.asks(c.PauseSubscription(now=at(2026, 6, 20), reason="away"))
    second.asks(c.ResumeSubscription(now=at(2026, 8, 10), payment_id="pay_d_again"))
    second.until(END)

    half = sold(100_000, name="Basic", tax_mode="untaxed", coupon=HALF, coupon_left=2)
    eka = Bought("sub_e", "eka", half, at(2026, 7, 1)).until(END)

    fajar = Bought("sub_f", "fajar", BASIC, at(2026, 8, 15)).until(at(2026, 10, 1))
    fajar.broke = True
    fajar.pays_at_last(at(2026, 10, 28))
    three = sold(100_000, name="Basic", tax_mode="untaxed", quantity=3)
    fajar.change(at(2027, 1, 20), three).until(END)

    # Bills by virtual account are sent three days ahead: October's on 28 September.
    gita = Bought("sub_g", "gita", BASIC, at(2026, 9, 1), paying=ACCOUNT)
    gita.change(at(2026, 9, 10), SMALL, "next_period").until(END)

    hadi = Bought("sub_h", "hadi", BASIC, at(2026, 11, 1), broke=True).until(END)  # never pays

    indah = Bought("sub_i", "indah", BASIC, at(2026, 11, 30, 18))  # 1 December in Jakarta
    indah.cancel(at(2026, 12, 20), now=True)
    indah.asks(c.ReactivateSubscription(now=at(2027, 3, 5), payment_id="pay_i_again")).until(END)
    return ana, budi, cici, second, eka, fajar, gita, hadi, indah


# month, subscription, kind, by how much
MOVEMENTS: Final = (
    ("2026-01", "sub_a", "new", 100_000),
    ("2026-02", "sub_b", "new", 100_000),  # a twelfth of a year
    ("2026-03", "sub_a", "expansion", 150_000),
    ("2026-04", "sub_c", "new", 52_000),  # 52 weeks in twelve months, once the trial is over
    ("2026-05", "sub_d", "new", 100_000),  # a third of a quarter
    ("2026-06", "sub_d", "churn", -100_000),  # paused
    ("2026-07", "sub_e", "new", 50_000),
    ("2026-08", "sub_d", "reactivation", 100_000),
    ("2026-08", "sub_f", "new", 100_000),
    ("2026-09", "sub_e", "expansion", 50_000),  # the coupon was good for two bills
    ("2026-09", "sub_g", "new", 100_000),
    ("2026-10", "sub_f", "churn", -100_000),  # grace ends on 22 October
    ("2026-10", "sub_f", "reactivation", 100_000),  # and is paid on the 28th
    ("2026-10", "sub_g", "contraction", -40_000),
    ("2026-12", "sub_i", "new", 100_000),
    ("2026-12", "sub_i", "churn", -100_000),
    ("2027-01", "sub_f", "expansion", 200_000),
    ("2027-02", "sub_a", "churn", -250_000),  # on the 10th, with what it had paid for
    ("2027-02", "sub_b", "churn", -100_000),
    ("2027-03", "sub_i", "reactivation", 100_000),
)

# month: at its end, paying customers at its end, of those at its beginning lost
FIGURES: Final = {
    "2026-01": (100_000, 1, 0),
    "2026-02": (200_000, 2, 0),
    "2026-03": (350_000, 2, 0),
    "2026-04": (402_000, 3, 0),
    "2026-05": (502_000, 3, 0),
    "2026-06": (402_000, 3, 0),  # ana still has the other one
    "2026-07": (452_000, 4, 0),
    "2026-08": (652_000, 5, 0),
    "2026-09": (802_000, 6, 0),
    "2026-10": (762_000, 6, 0),
    "2026-11": (762_000, 6, 0),
    "2026-12": (762_000, 6, 0),  # indah came and went
    "2027-01": (962_000, 6, 0),
    "2027-02": (612_000, 5, 1),  # budi; ana keeps the quarterly one
    "2027-03": (712_000, 6, 0),
    "2027-12": (712_000, 6, 0),
}


@pytest.fixture
def followed(read_side: ReadSide) -> ReadSide:
    read_side.log.copy_all(in_order(two_years()))
    read_side.catch_up(batch=50)
    return read_side


@pytest.mark.parametrize("batch", [1, 7, 5_000])
def test_two_years_move_as_they_do_by_hand(read_side: ReadSide, batch: int) -> None:
    read_side.log.copy_all(in_order(two_years()))

    read_side.catch_up(batch)

    rows = read_side.rows(
        "select to_char(month, 'YYYY-MM') as month, subscription_id, kind, minor"
        " from recurring_movements order by month, subscription_id, moment"
    )
    assert [tuple(row.values()) for row in rows] == list(MOVEMENTS)


async def test_the_figures_of_two_years_are_those_worked_out_by_hand(followed: ReadSide) -> None:
    async with followed.asking() as conn:
        rows = await recurring_revenue.by_month(conn, "IDR", date(2027, 12, 1))

    found = figures(rows, date(2026, 1, 1), date(2027, 12, 1))

    assert len(found) == 24
    shown = {f"{f.month:%Y-%m}": (f.recurring, f.customers, f.customers_lost) for f in found}
    assert {month: shown[month] for month in FIGURES} == FIGURES
    for before, month in pairwise(found):
        assert month.at_beginning == before.recurring
        assert month.customers_at_beginning == before.customers
    assert figures(rows, date(2026, 10, 1), date(2027, 2, 1)) == found[9:14]


async def test_rates_are_of_what_there_was_at_the_beginning(followed: ReadSide) -> None:
    async with followed.asking() as conn:
        rows = await recurring_revenue.by_month(conn, "IDR", date(2027, 2, 1))

    first, *_, october = figures(rows, date(2026, 1, 1), date(2026, 10, 1))
    (february,) = figures(rows, date(2027, 2, 1), date(2027, 2, 1))

    assert (first.customer_churn, first.revenue_churn, first.per_customer) == (None, None, 100_000)
    assert (october.customer_churn, october.revenue_churn) == (0, 0.1746)  # 140,000 of 802,000
    assert (february.customer_churn, february.revenue_churn) == (0.1667, 0.3638)
    assert february.per_customer == 122_400  # 612,000 of five


async def test_the_view_for_reports_has_the_same_figures(followed: ReadSide) -> None:
    async with followed.asking() as conn:
        rows = await recurring_revenue.by_month(conn, "IDR", date(2027, 12, 1))
    expected = figures(rows, date(2026, 1, 1), date(2027, 12, 1))
    lay_out(followed.conninfo, SCHEMA)

    with connect(followed.conninfo, SCHEMA, "reporting") as reports:
        cursor = reports.cursor(row_factory=dict_row)
        found = cursor.execute("select * from recurring_revenue order by month").fetchall()

    assert len(found) == len(expected) == 24  # to the month in which the log ends
    for row, month in zip(found, expected, strict=True):
        same = ("month", "customers_at_beginning", "customers_gained", "customers_lost")
        amounts = ("at_beginning", "recurring", *recurring_revenue.KINDS)
        assert [row[name] for name in same] == [getattr(month, name) for name in same]
        assert [row[f"{name}_minor"] for name in amounts] == [getattr(month, n) for n in amounts]
        assert row["customers"] == month.customers
        assert row["per_customer_minor"] == month.per_customer
        for rate in ("customer_churn", "revenue_churn"):
            shown = None if row[rate] is None else float(row[rate])
            assert shown == getattr(month, rate), (rate, month.month)


async def test_before_anything_was_sold_there_is_nothing(read_side: ReadSide) -> None:
    async with read_side.asking() as conn:
        rows = await recurring_revenue.by_month(conn, "IDR", date(2026, 1, 1))

    (month,) = figures(rows, date(2026, 1, 1), date(2026, 1, 1))

    assert (month.recurring, month.customers, month.per_customer) == (0, 0, None)


async def test_each_movement_names_the_event_behind_it(followed: ReadSide) -> None:
    found: list[dict[str, Any]] = []
    async with followed.asking() as conn:
        for month in (date(2026, 10, 1), date(2027, 2, 1)):
            after = None
            while page := await recurring_revenue.movements(conn, month, None, after, 2):
                found += page
                after = (page[-1]["moment"], page[-1]["position"], page[-1]["subscription_id"])
        (churned,) = await recurring_revenue.movements(conn, date(2026, 10, 1), "churn", None, 9)

    assert [(row["subscription_id"], row["kind"], row["topic"]) for row in found] == [
        ("sub_g", "contraction", "subscription.changed.v1"),
        ("sub_f", "churn", "subscription.dunning_step_taken.v1"),
        ("sub_f", "reactivation", "subscription.bill_settled.v1"),
        ("sub_b", "churn", "subscription.cancelled.v1"),
        ("sub_a", "churn", "subscription.cancelled.v1"),
    ]
    for row in found:
        stands = "select originator_id, originator_version, topic from events"
        (event,) = followed.rows(f"{stands} where notification_id = %s", row["position"])
        assert tuple(event.values()) == (row["subscription_id"], row["version"], row["topic"])
    assert churned == found[1]


async def test_what_a_month_stands_at_is_made_of_subscriptions(followed: ReadSide) -> None:
    for month, (recurring, customers, _) in FIGURES.items():
        found: list[dict[str, Any]] = []
        async with followed.asking() as conn:
            after = ""
            first = date.fromisoformat(f"{month}-01")
            while page := await recurring_revenue.standing_at_end(conn, first, after, 2):
                found += page
                after = page[-1]["subscription_id"]

        assert sum(row["level_minor"] for row in found) == recurring
        assert len({row["customer_id"] for row in found}) == customers


@pytest.mark.parametrize(
    ("what", "a_months"),
    [
        (sold(99_000, tax_mode="inclusive"), 89_189),
        (sold(100_000, tax_mode="exclusive"), 100_000),
        (sold(100_000, tax_mode="untaxed"), 100_000),
        (sold(1_000, tax_mode="untaxed", interval=Interval("day")), 30_417),  # 365 of twelve
        (sold(5_000, tax_mode="untaxed", interval=Interval("day", 10)), 15_208),
        (sold(3, tax_mode="untaxed", interval=Interval("week", 2)), 7),  # six and a half
        (sold(100_000, tax_mode="untaxed", interval=Interval("month", 3)), 33_333),
        (sold(100_000, tax_mode="untaxed", interval=Interval("quarter", 2)), 16_667),
        (sold(100_000, tax_mode="untaxed", interval=Interval("year", 2)), 4_167),
    ],
)
def test_a_price_comes_to_a_month(what: Sold, a_months: int) -> None:
    assert a_month(price(what).net, what, at(2026, 1, 10)) == a_months


def rows_of(read_side: ReadSide, bought: Bought) -> list[tuple[Any, ...]]:
    read_side.log.copy_all(append for _, append in bought.appends)
    read_side.catch_up(batch=1)
    query = "select moment, kind, minor from recurring_movements order by moment, position"
    rows = read_side.rows(query)
    return [tuple(row.values()) for row in rows]


def test_a_trial_that_is_paid_ahead_counts_once_it_is_over(read_side: ReadSide) -> None:
    trial = sold(100_000, name="Basic", tax_mode="untaxed", trial_days=14)
    paid_ahead = Bought("sub_a", "ana", trial, at(2026, 1, 20), paying=ACCOUNT)

    assert rows_of(read_side, paid_ahead.until(at(2026, 2, 1))) == [
        (at(2026, 2, 3), "new", 100_000)
    ]


def test_what_was_to_come_and_does_not_is_gone(read_side: ReadSide) -> None:
    trial = sold(100_000, name="Basic", tax_mode="untaxed", trial_days=14)
    bought = Bought("sub_a", "ana", trial, at(2026, 1, 20), paying=ACCOUNT).until(at(2026, 2, 1))

    assert rows_of(read_side, bought.cancel(at(2026, 2, 2), now=True)) == []


def test_a_change_on_a_trial_that_is_paid_ahead_changes_what_is_to_come(
    read_side: ReadSide,
) -> None:
    trial = sold(100_000, name="Basic", tax_mode="untaxed", trial_days=14)
    bought = Bought("sub_a", "ana", trial, at(2026, 1, 20), paying=ACCOUNT).until(at(2026, 2, 1))

    assert rows_of(read_side, bought.change(at(2026, 2, 2), LARGE)) == [
        (at(2026, 2, 3), "new", 250_000)
    ]


def test_the_clock_may_be_put_back_and_no_level_is_lost(read_side: ReadSide) -> None:
    bought = Bought("sub_a", "ana", BASIC, at(2026, 3, 1))
    earlier = at(2026, 2, 28, 16)
    bought._settle(c.CancelSubscription(now=earlier, at=earlier, reason="dear"))

    assert rows_of(read_side, bought) == [
        (at(2026, 3, 1), "new", 100_000),
        (at(2026, 3, 1), "churn", -100_000),
    ]


@pytest.mark.parametrize(
    ("query", "row"),
    [
        ("select * from recurring_movements", recurring_revenue._Movement),
        ("select * from recurring_standing", Standing),
    ],
)
def test_the_fields_of_a_row_are_the_columns_of_its_table(
    read_side: ReadSide, query: str, row: type[Any]
) -> None:
    columns = read_side.connection.execute(query.encode()).description or []

    assert [column.name for column in columns] == list(row.__struct_fields__)

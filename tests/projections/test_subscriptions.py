"""One row a subscription, of what the ledger itself makes of its facts."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
import pytest

from ledger.coupons.terms import CouponTerms
from ledger.subscriptions import commands as c
from ledger.subscriptions.events import PeriodOpened
from projections import subscriptions
from projections.subscriptions import SubscriptionFilter
from support.read_side import ReadSide, open_read_side
from support.subscription_facts import ACCOUNT, BEGUN, MAX, PRO, SUB, Life, on, sold


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


def row(read_side: ReadSide, life: Life, batch: int = 5_000) -> dict[str, object]:
    """Of a life so far."""
    read_side.log.append(SUB, life.story.facts[read_side.log.versions[SUB] :])
    read_side.catch_up(batch)
    return read_side.one("select * from subscriptions")


def shown(row: dict[str, object], *names: str) -> tuple[object, ...]:
    return tuple(row[name] for name in names)


@pytest.mark.parametrize("batch", [1, 5_000])
def test_a_running_subscription_shows_what_it_is_and_when_it_renews(
    read_side: ReadSide, batch: int
) -> None:
    life = Life().created(sold(quantity=3), metadata={"shop": "1"}).paid(1)

    found = row(read_side, life, batch)

    about = ("subscription_id", "customer_id", "status", "has_access", "plan_id", "plan_version")
    assert shown(found, *about) == (SUB, "cust_1", "active", True, "pro", 1)
    terms = ("price_minor", "currency", "interval_unit", "interval_count", "quantity", "zone")
    assert shown(found, *terms) == (99_000, "IDR", "month", 1, 3, "WIB")
    assert shown(found, "method", "pulled", "coupon") == ("credit_card", True, "")
    assert found["periods"] == [
        {"number": 1, "starts_at": "2026-01-31T03:00:00Z", "ends_at": "2026-02-28T03:00:00Z"}
    ]
    ends_at = on(2, 28)
    assert shown(found, "paid_until", "next_at", "renews_at") == (ends_at, ends_at, ends_at)
    assert shown(found, "renewal_minor", "credit_minor", "owed_minor") == (297_000, 0, 0)
    assert (found["metadata"], found["created_at"]) == ({"shop": "1"}, BEGUN)
    assert shown(found, "first_position", "position") == (1, len(life.story.facts))


def test_until_its_first_bill_is_paid_it_owes_and_will_not_renew(read_side: ReadSide) -> None:
    found = row(read_side, Life().created())

    assert shown(found, "status", "has_access", "owed_minor") == ("incomplete", False, 99_000)
    assert shown(found, "paid_until", "renews_at", "renewal_minor") == (None, None, None)


def test_on_trial_its_first_period_is_the_next_one(read_side: ReadSide) -> None:
    found = row(read_side, Life().created(sold(trial_days=14)))

    ends_at = on(2, 14)
    assert shown(found, "status", "has_access", "periods") == ("trialing", True, [])
    assert shown(found, "trial_ends_at", "renews_at", "paid_until") == (ends_at, ends_at, None)


def test_what_is_billed_ahead_is_a_period_of_its_own_and_the_next_one_comes_after_it(
    read_side: ReadSide,
) -> None:
    life = Life().created(paying=ACCOUNT).paid(1).idle_until(on(2, 26))

    found = row(read_side, life)

    assert [period["number"] for period in found["periods"]] == [1, 2]  # type: ignore[attr-defined]
    assert shown(found, "paid_until", "renews_at") == (on(2, 28), on(3, 31))
    assert shown(found, "owed_minor", "method", "pulled") == (99_000, "bca_va", False)


def test_an_overdue_one_says_whether_it_has_access(read_side: ReadSide) -> None:
    life = Life().created().paid(1).advanced().refused(2)
    grace = row(read_side, life)
    late = row(read_side, life.idle_until(on(3, 8)))

    assert shown(grace, "status", "has_access", "owed_minor") == ("in_grace", True, 99_000)
    assert shown(late, "status", "has_access", "renews_at") == ("past_due", False, on(3, 31))
    assert late["paid_until"] == on(2, 28)


def test_a_scheduled_change_is_shown_and_so_is_what_it_will_cost(read_side: ReadSide) -> None:
    life = Life().created().paid(1)
    life.when(c.ChangeSubscription(now=on(2, 10), sold=MAX, mode="next_period"))

    found = row(read_side, life)

    assert found["scheduled"] == {
        "at": "2026-02-28T03:00:00Z",
        "plan_id": "max",
        "plan_version": 1,
        "plan_name": "Max",
        "quantity": 1,
        "coupon": "",
    }
    assert shown(found, "plan_id", "renewal_minor") == ("pro", 199_000)


def test_tax_comes_on_top_of_a_price_without_it(read_side: ReadSide) -> None:
    life = Life().created(sold(100_000, tax_mode="exclusive")).paid(1)

    assert shown(row(read_side, life), "price_minor", "renewal_minor") == (100_000, 111_000)


def test_a_coupon_is_shown_for_as_long_as_it_is_good(read_side: ReadSide) -> None:
    half = CouponTerms(code="HALF", percent=50, periods=2)
    life = Life().created(sold(coupon=half, coupon_left=2)).paid(1)
    first = row(read_side, life)
    second = row(read_side, life.advanced().paid(2))

    assert shown(first, "coupon", "renewal_minor") == ("HALF", 49_500)
    assert shown(second, "coupon", "renewal_minor") == ("", 99_000)


@pytest.mark.parametrize(
    ("command", "status", "more"),
    [
        (c.CancelSubscription(now=on(2, 10), at=None, reason="dear"), "cancelling", "cancel_at"),
        (c.CancelSubscription(now=on(2, 10), at=on(2, 10), reason="dear"), "cancelled", None),
        (c.PauseSubscription(now=on(2, 10), reason="away", resume_at=on(4, 1)), "paused", "resume_at"),
    ],
)  # fmt: skip
def test_what_is_ending_does_not_renew(
    read_side: ReadSide, command: c.SubscriptionCommand, status: str, more: str | None
) -> None:
    life = Life().created().paid(1)
    life.when(command)

    found = row(read_side, life)

    assert shown(found, "status", "renews_at", "renewal_minor") == (status, None, None)
    expected = {"cancel_at": on(2, 28), "resume_at": on(4, 1)}
    assert shown(found, "cancel_at", "resume_at") == tuple(
        moment if name == more else None for name, moment in expected.items()
    )


def test_periods_that_nobody_was_there_for_are_counted(read_side: ReadSide) -> None:
    life = Life().created().paid(1).advanced(on(6, 5))

    found = row(read_side, life)

    assert found["missed"] == len(life.state.missed) == 2


def test_credit_is_what_the_ledger_says(read_side: ReadSide) -> None:
    life = Life().created(MAX).paid(1)
    life.when(c.ChangeSubscription(now=on(2, 10), sold=PRO, mode="prorate_now"))

    assert row(read_side, life)["credit_minor"] == life.state.credit.minor > 0


def test_the_state_goes_on_from_where_an_earlier_batch_has_left_it(read_side: ReadSide) -> None:
    life = Life().created(paying=ACCOUNT).paid(1).idle_until(on(3, 8))

    found = row(read_side, life, batch=1)

    assert msgspec.convert(found["state"], type(life.state)) == life.state


def test_a_fact_of_a_subscription_that_never_began_is_refused(read_side: ReadSide) -> None:
    life = Life().created()
    opened = next(fact for fact in life.story.facts if isinstance(fact, PeriodOpened))
    read_side.log.append(SUB, [opened])

    with pytest.raises(LookupError, match="has no beginning"):
        read_side.catch_up()


def many(read_side: ReadSide) -> None:
    """Five customers' subscriptions, each a day after the other, the last one cancelled."""
    for n in range(1, 6):
        life = Life()
        what = MAX if n % 2 else PRO
        life.created(what, at=on(1, n), metadata={"n": str(n)}).paid(1)
        if n == 5:
            life.when(c.CancelSubscription(now=on(1, n, 5), at=on(1, n, 5), reason="dear"))
        first, *later = life.story.facts
        own = msgspec.structs.replace(first, subscription_id=f"sub_{n}", customer_id=f"cus_{n % 2}")  # type: ignore[type-var]
        read_side.log.append(f"sub_{n}", [own, *later])
    read_side.catch_up()


async def test_pages_come_newest_first_and_each_filter_narrows_them(read_side: ReadSide) -> None:
    many(read_side)

    async def listed(**filters: str | datetime) -> list[str]:
        found, after = list[str](), None
        while page := await subscriptions.page(conn, SubscriptionFilter(**filters), after, 2):  # type: ignore[arg-type]
            found += [row["subscription_id"] for row in page]
            after = (page[-1]["first_position"],)
        return found

    async with read_side.asking() as conn:
        assert await listed() == ["sub_5", "sub_4", "sub_3", "sub_2", "sub_1"]
        assert await listed(status="cancelled") == ["sub_5"]
        assert await listed(plan_id="pro") == ["sub_4", "sub_2"]
        assert await listed(customer_id="cus_1") == ["sub_5", "sub_3", "sub_1"]
        assert await listed(customer_id="cus_1", status="active") == ["sub_3", "sub_1"]
        assert await listed(created_from=on(1, 4)) == ["sub_5", "sub_4"]
        assert await listed(created_to=on(1, 2)) == ["sub_1"]
        assert await listed(plan_id="nothing") == []


async def test_renewals_come_soonest_first_and_only_those_that_will_be(read_side: ReadSide) -> None:
    many(read_side)

    async with read_side.asking() as conn:
        first = await subscriptions.renewals(conn, on(2, 3), None, 2)
        last = (first[-1]["renews_at"], first[-1]["subscription_id"])
        rest = await subscriptions.renewals(conn, on(2, 3), last, 2)

    found = [(row["subscription_id"], row["renews_at"]) for row in first + rest]
    assert found == [(f"sub_{n}", on(2, n)) for n in (1, 2, 3)]


def test_the_fields_of_a_row_are_the_columns_of_the_table(read_side: ReadSide) -> None:
    columns = read_side.connection.execute("select * from subscriptions").description or []

    assert [column.name for column in columns] == list(
        subscriptions.SubscriptionRow.__struct_fields__
    )

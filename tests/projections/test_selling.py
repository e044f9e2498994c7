"""Plans, coupons and customers as lists: the newest of each, however the batches fall."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from ledger.coupons.events import CouponCreated, CouponRedeemed, CouponWithdrawn
from ledger.coupons.terms import CouponTerms
from ledger.customers import events as e
from ledger.events import TOPICS, DomainEvent
from ledger.money import Money
from ledger.plans.events import PlanCreated, PlanRetired, PlanVersionAdded
from ledger.plans.terms import PlanTerms
from ledger.privacy.sealed import Sealed
from ledger.subscriptions.periods import Interval
from projections import coupons, customers, plans
from projections.engine.read_model import ReadModel
from support.read_side import ReadSide, open_read_side

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
TERMS = PlanTerms(
    version=1, name="Monthly", product="pro", price=Money(99_000), interval=Interval("month", 2)
)
DEARER = replace(TERMS, version=2, price=Money(129_000), trial_days=7)
SEALED = Sealed(subject="cus_1", key_version=1, nonce="bm9uY2U=", ciphertext="Kanarienvogel")
CARD = e.PaymentMethodAttached(
    occurred_at=NOW,
    method_id="pm_1",
    kind="card",
    token=SEALED,
    masked="48111111-1114",
    expires_on="2028-12",
)
GOPAY = e.PaymentMethodAttached(occurred_at=NOW, method_id="pm_2", kind="gopay", token=SEALED)


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


@pytest.mark.parametrize(
    ("model", "prefix"), [(plans, "plan."), (coupons, "coupon."), (customers, "customer.")]
)
def test_each_fact_is_followed_or_listed_without_effect(model: ReadModel, prefix: str) -> None:
    facts: set[type[DomainEvent]] = {
        fact for topic, fact in TOPICS.items() if topic.startswith(prefix)
    }

    followed, without = set(model.FOLLOWS), set(getattr(model, "WITHOUT_EFFECT", ()))

    assert followed | without == facts != set()
    assert followed & without == set()


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_a_plan_is_shown_in_the_version_that_is_sold(read_side: ReadSide, batch: int) -> None:
    created = PlanCreated(occurred_at=NOW, plan_id="pro", terms=TERMS)
    read_side.log.append("plan-pro", [created])
    read_side.log.append("plan-basic", [replace(created, plan_id="basic")])
    read_side.log.append("plan-pro", [PlanVersionAdded(occurred_at=LATER, terms=DEARER)])
    read_side.log.append("plan-basic", [PlanRetired(occurred_at=LATER)])

    read_side.catch_up(batch)

    basic, pro = read_side.rows("select * from plans order by plan_id")
    assert (pro["version"], pro["price_minor"], pro["trial_days"]) == (2, 129_000, 7)
    assert (pro["interval_unit"], pro["interval_count"]) == ("month", 2)
    assert (pro["created_at"], pro["updated_at"], pro["retired_at"]) == (NOW, LATER, None)
    assert (basic["version"], basic["price_minor"], basic["retired_at"]) == (1, 99_000, LATER)


async def test_plans_come_newest_first_in_pages(read_side: ReadSide) -> None:
    for name in ("a", "b", "c"):
        created = PlanCreated(occurred_at=NOW, plan_id=name, terms=TERMS)
        read_side.log.append(f"plan-{name}", [created])
    read_side.log.append("plan-b", [PlanRetired(occurred_at=NOW)])
    read_side.catch_up()

    async with read_side.asking() as conn:
        first = await plans.page(conn, None, None, 2)
        rest = await plans.page(conn, None, (first[-1]["first_position"],), 2)
        sold = await plans.page(conn, False, None, 9)
        retired = await plans.page(conn, True, None, 9)

    assert [row["plan_id"] for row in first + rest] == ["c", "b", "a"]
    assert [row["plan_id"] for row in sold] == ["c", "a"]
    assert [row["plan_id"] for row in retired] == ["b"]


@pytest.mark.parametrize("batch", [1, 100])
async def test_a_coupon_counts_who_redeemed_it(read_side: ReadSide, batch: int) -> None:
    percent = CouponTerms(code="HEMAT", percent=20, periods=3, plans=("pro",))
    amount = CouponTerms(code="POTONG", amount=Money(10_000))
    read_side.log.append(
        "coupon-HEMAT", [CouponCreated(occurred_at=NOW, terms=percent, redeem_by=LATER, most=2)]
    )
    read_side.log.append("coupon-POTONG", [CouponCreated(occurred_at=NOW, terms=amount)])
    for number in range(2):
        redeemed = CouponRedeemed(occurred_at=NOW, subscription_id=f"sub_{number}")
        read_side.log.append("coupon-HEMAT", [redeemed])
    read_side.log.append("coupon-POTONG", [CouponWithdrawn(occurred_at=LATER)])
    read_side.catch_up(batch)

    async with read_side.asking() as conn:
        potong, hemat = await coupons.page(conn, None, 9)

    assert (hemat["percent"], hemat["amount_minor"], hemat["periods"]) == (20, None, 3)
    assert (hemat["plans"], hemat["redeem_by"], hemat["most"]) == (["pro"], LATER, 2)
    assert (hemat["redeemed"], hemat["withdrawn_at"]) == (2, None)
    assert (potong["percent"], potong["amount_minor"], potong["currency"]) == (None, 10_000, "IDR")
    assert (potong["redeemed"], potong["withdrawn_at"]) == (0, LATER)


@pytest.mark.parametrize("batch", [1, 3, 100])
async def test_a_customer_is_shown_without_anything_personal(
    read_side: ReadSide, batch: int
) -> None:
    facts: list[DomainEvent] = [
        e.CustomerRegistered(occurred_at=NOW, customer_id="cus_1", language="id", name=SEALED),
        CARD,
        GOPAY,
        e.PreferredMethodChosen(occurred_at=NOW, method="pm_1"),
        e.CustomerChanged(occurred_at=NOW, changed={"email": SEALED}),
        e.CustomerChanged(occurred_at=NOW, language="en"),
        e.PaymentMethodDetached(occurred_at=LATER, method_id="pm_1"),
    ]
    for fact in facts:
        read_side.log.append("customer-cus_1", [fact])
    read_side.catch_up(batch)

    async with read_side.asking() as conn:
        (row,) = await customers.page(conn, None, 9)

    assert (row["customer_id"], row["language"], row["preferred"]) == ("cus_1", "en", "")
    assert [method["method_id"] for method in row["methods"]] == ["pm_2"]
    assert (row["created_at"], row["updated_at"]) == (NOW, LATER)
    assert "Kanarienvogel" not in str(row)


def test_the_preferred_method_stays_when_another_is_detached(read_side: ReadSide) -> None:
    read_side.log.append(
        "customer-cus_1",
        [
            e.CustomerRegistered(occurred_at=NOW, customer_id="cus_1", language="id"),
            CARD,
            GOPAY,
            e.PreferredMethodChosen(occurred_at=NOW, method="pm_2"),
            e.PaymentMethodDetached(occurred_at=NOW, method_id="pm_1"),
        ],
    )
    read_side.catch_up()

    row = read_side.one("select preferred, methods from customers")
    assert row["preferred"] == "pm_2"
    read_side.log.append(
        "customer-cus_1", [e.PaymentMethodDetached(occurred_at=NOW, method_id="pm_2")]
    )
    read_side.catch_up()
    assert read_side.one("select preferred, methods from customers") == {
        "preferred": "",
        "methods": [],
    }


def test_of_who_is_erased_nothing_that_was_saved_is_shown(read_side: ReadSide) -> None:
    approved = e.ErasureApproved(
        occurred_at=LATER,
        subjects=("cus_1",),
        reason="asked_by_person",
        requested_by="ana",
        by="budi",
    )
    facts = [
        e.CustomerRegistered(occurred_at=NOW, customer_id="cus_1", language="id", name=SEALED),
        CARD,
        e.PreferredMethodChosen(occurred_at=NOW, method="pm_1"),
    ]
    read_side.log.append("customer-cus_1", [*facts, approved])
    read_side.log.append("customer-never-registered", [approved])
    read_side.catch_up()

    row = read_side.one("select preferred, methods, erased_at, updated_at from customers")
    assert row == {"preferred": "", "methods": [], "erased_at": LATER, "updated_at": LATER}

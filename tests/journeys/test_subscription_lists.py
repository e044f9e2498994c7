"""What was sold, in lists, on a customer's page and in reports: filtered, walked, and traced to events."""

from typing import Any

import httpx2
import pytest

from ledger.access.roles import HELD, ROLES
from support.customer import Caller, Fields, eventually
from support.market import Market, bill_id, path, told
from support.moving import Moving

SUBSCRIPTIONS = "/api/v1/subscriptions"
BILLS = "/api/v1/bills"
RENEWALS = "/api/v1/renewals"
REPORT = "/api/v1/reports/recurring_revenue"


def refused(answer: httpx2.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}"), answer.text


async def fresh(shop: Caller, where: str, **asked: Any) -> Fields:
    """The answer, once it shows the whole log."""

    async def caught_up() -> Fields:
        page = told(await shop.get(where, **asked))
        assert page["asOf"]["views"] >= page["asOf"]["head"], page["asOf"]
        return page

    return await eventually(caught_up)


async def walked(shop: Caller, where: str, **asked: Any) -> list[Fields]:
    """All pages of two rows each."""
    page = await fresh(shop, where, pageSize=2, **asked)
    (kind,) = page.keys() - {"nextCursor", "asOf", "month"}
    rows = list(page[kind])
    while cursor := page["nextCursor"]:
        page = told(await shop.get(where, pageSize=2, cursor=cursor, **asked))
        assert len(page[kind]) <= 2
        rows += page[kind]
    return rows


@pytest.fixture
async def sold(life: Moving, market: Market) -> list[Fields]:
    """Ana has two, one of them by virtual account; Budi ends his; Cici is on trial; all begin on 31
    January.
    """
    pro, small = await market.plan(), await market.plan("small", 50_000)
    trial = await market.plan("trial", 200_000, trialDays=14)
    ana, budi, cici = [await market.with_card() for _ in range(3)]
    bought = [
        await market.subscribe(pro, ana, metadata={"shop": "1"}),
        await market.subscribe(small, ana, "bca_va"),
        await market.subscribe(pro, budi),
        await market.subscribe(trial, cici),
    ]
    told(await market.end(bought[2]))
    return bought


async def test_subscriptions_are_listed_newest_first_and_each_filter_finds_what_it_names(
    life: Moving, market: Market, sold: list[Fields]
) -> None:
    one, two, three, four = [each["subscriptionId"] for each in sold]
    ana, now = sold[0]["customerId"], life.now.isoformat()

    expected: dict[str, tuple[Fields, list[str]]] = {
        "nothing": ({}, [four, three, two, one]),
        "status": ({"status": "active"}, [one]),
        "plan": ({"planId": "pro"}, [three, one]),
        "customer": ({"customerId": ana}, [two, one]),
        "two at once": ({"customerId": ana, "planId": "small"}, [two]),
        "from": ({"createdFrom": now}, [four, three, two, one]),
        "to": ({"createdTo": now}, []),
        "nobody": ({"customerId": "nobody"}, []),
    }
    for name, (asked, found) in expected.items():
        rows = await walked(life.shop, SUBSCRIPTIONS, **asked)
        assert [row["subscriptionId"] for row in rows] == found, name


async def test_a_row_says_the_same_as_the_subscription(
    life: Moving, market: Market, sold: list[Fields]
) -> None:
    rows = await walked(life.shop, SUBSCRIPTIONS)

    for row, bought in zip(reversed(rows), sold, strict=True):
        whole = await market.read(bought)
        same = {"status", "access", "planId", "planName", "quantity", "unitPrice", "currency"}
        same |= {"interval", "zone", "customerId", "credit", "missedPeriods", "metadata"}
        assert {name: row[name] for name in same} == {name: whole[name] for name in same}
        for name in ("currentPeriod", "paidUntil", "trialEndsAt"):
            assert row[name] == whole.get(name)
        assert row["paymentMethod"] == whole["paying"]["method"]
        assert row["autoDebit"] == ("savedMethod" in whole["paying"])
        assert row["owed"] == sum(bill["toPay"] for bill in whole["openBills"])
        assert row["endsAt"] == whole.get("cancellation", {}).get("effectiveAt")
        assert row["links"] == whole["links"]
        renewal = whole.get("nextRenewal")
        if row["renewsAt"]:
            assert (row["renewsAt"], row["renewalAmount"]) == (
                renewal["startsAt"],
                renewal["bill"]["amount"]["total"],
            )


async def test_renewals_come_soonest_first_and_only_those_that_will_be(
    life: Moving, market: Market, sold: list[Fields]
) -> None:
    one, _, _, four = [each["subscriptionId"] for each in sold]
    told(await market.change(sold[0], planId="small", proration="next_period"))

    rows = await walked(life.shop, RENEWALS, until="2027-03-01T00:00:00Z")

    found = [(row["subscriptionId"], row["renewsAt"], row["planId"], row["amount"]) for row in rows]
    assert found == [
        (four, "2027-02-14T03:00:00Z", "trial", 200_000),
        (one, "2027-02-28T03:00:00Z", "small", 50_000),
    ]
    assert await walked(life.shop, RENEWALS, until="2027-02-01T00:00:00Z") == []
    refused(await life.shop.get(RENEWALS), 422, "request_invalid")


async def test_bills_are_listed_and_say_the_same_as_each_bill(
    life: Moving, market: Market, sold: list[Fields]
) -> None:
    await life.pass_by(days=15, stride_days=1)  # the trial is over and paid; nobody pays by account
    first, other, ended, trial = [bill_id(each, 1) for each in sold]
    ana = sold[0]["customerId"]

    listed = await walked(life.shop, BILLS)
    expected: dict[str, tuple[Fields, list[str]]] = {
        "nothing": ({}, [trial, ended, other, first]),
        "paid": ({"status": "paid"}, [trial, ended, first]),
        "void": ({"status": "void"}, [other]),
        "subscription": ({"subscriptionId": sold[3]["subscriptionId"]}, [trial]),
        "customer": ({"customerId": ana}, [other, first]),
        "due later": ({"dueFrom": "2027-02-01T00:00:00Z"}, [trial]),
        "due earlier": ({"dueTo": "2027-02-01T00:00:00Z", "status": "paid"}, [ended, first]),
    }
    for name, (asked, found) in expected.items():
        rows = await walked(life.shop, BILLS, **asked)
        assert [row["billId"] for row in rows] == found, name

    for row in listed:
        whole = await market.bill(row["billId"])
        same = {"number", "subscriptionId", "customerId", "period", "reason", "status", "planId"}
        same |= {"startsAt", "endsAt", "dueAt", "currency", "lines", "discount", "amount", "toPay"}
        same |= {"creditUsed", "credited", "refunded", "recognised", "unearned", "openedAt"}
        same |= {"updatedAt"}
        assert {name: row[name] for name in same} == {name: whole[name] for name in same}
        assert row["paidBy"] == whole.get("paidBy")
        assert row["paidAt"] == whole.get("paidAt")
    assert next(row for row in listed if row["billId"] == first)["recognised"] > 0


async def test_what_happened_is_told_in_order_and_without_names(
    life: Moving, market: Market, sold: list[Fields]
) -> None:
    events = await walked(life.shop, f"{path(sold[2])}/events")
    of_bill = await walked(life.shop, f"{BILLS}/{bill_id(sold[2], 1)}/events")

    assert [event["topic"] for event in events] == [
        "subscription.created.v1",
        "subscription.period_opened.v1",
        "subscription.collection_ordered.v1",
        "subscription.bill_settled.v1",
        "subscription.cancellation_scheduled.v1",
    ]
    assert [event["version"] for event in events] == [1, 2, 3, 4, 5]
    assert events[1]["event"]["bill_id"] == bill_id(sold[2], 1)
    assert [event["topic"] for event in of_bill] == [
        "bill.opened.v1",
        "bill.collection_begun.v1",
        "bill.paid.v1",
    ]
    assert "Siti" not in str(events + of_bill)
    nobody = f"{SUBSCRIPTIONS}/sub_{'0' * 26}/events"
    refused(await life.shop.get(nobody), 404, "subscription_not_found")
    refused(await life.shop.get(f"{BILLS}/bill_{'0' * 26}_1/events"), 404, "bill_not_found")


async def test_a_customers_page_shows_what_they_have_owe_and_paid(
    life: Moving, market: Market, sold: list[Fields]
) -> None:
    ana = sold[0]["customerId"]

    page = await fresh(life.shop, f"/api/v1/customers/{ana}/overview")

    assert page["customer"]["name"] == "Siti Rahayu"
    assert page["customer"]["paymentMethods"][0]["masked"].endswith("1118")
    assert (page["recurring"], page["owed"], page["credit"]) == (89_189, 50_000, 0)
    assert (page["captured"], page["refunded"], page["unearned"]) == (99_000, 0, 89_189)
    counted = ("subscriptionCount", "billCount", "paymentCount")
    assert [page[name] for name in counted] == [2, 2, 2]
    assert page["subscriptions"] == await walked(life.shop, SUBSCRIPTIONS, customerId=ana)
    assert page["bills"] == await walked(life.shop, BILLS, customerId=ana)
    assert page["payments"] == await walked(life.shop, "/api/v1/payments", customerId=ana)
    for name, link in page["links"].items():
        where, _, asked = link.partition("?customerId=")
        assert (await fresh(life.shop, where, customerId=asked))[name] == page[name]
    auditor = await life.system.caller("auditor")
    seen = told(await auditor.get(f"/api/v1/customers/{ana}/overview"))
    assert seen["customer"]["name"] == "***"
    nobody = "/api/v1/customers/nobody/overview"
    refused(await life.shop.get(nobody), 404, "customer_not_found")


async def test_recurring_revenue_is_reported_down_to_the_events(
    life: Moving, market: Market, sold: list[Fields]
) -> None:
    await life.pass_by(days=30, stride_days=1)  # 2 March: Budi's is over, the trial is paid
    asked = {"from": "2027-01-31", "to": "2027-02-01"}  # any day of a month stands for all of it

    report = await fresh(life.shop, REPORT, **asked)

    january, february = report["rows"]
    names = ("at_beginning_minor", "new_minor", "churn_minor", "recurring_minor")
    figures = (*names, "customers", "customers_lost")
    assert [january[name] for name in figures] == [0, 178_378, 0, 178_378, 2, 0]
    # 200,000 with tax in it come to 180,180.
    assert [february[name] for name in figures] == [178_378, 180_180, -89_189, 269_369, 2, 1]
    assert (february["customer_churn"], february["revenue_churn"]) == (0.5, 0.5)
    assert february["per_customer_minor"] == 134_685
    assert (february["currency"], january["customer_churn"]) == ("IDR", None)
    march = (await fresh(life.shop, REPORT, **{"from": "2027-03-01"}))["rows"]
    assert [(row["month"], row["recurring_minor"]) for row in march[:1]] == [
        ("2027-03-01", 269_369)
    ]

    moved = await walked(life.shop, f"{REPORT}/2027-02/movements")
    assert [(row["subscriptionId"], row["kind"], row["amount"]) for row in moved] == [
        (sold[3]["subscriptionId"], "new", 180_180),
        (sold[2]["subscriptionId"], "churn", -89_189),
    ]
    for row in moved:
        events = await walked(life.shop, row["links"]["events"])
        (behind,) = [event for event in events if event["position"] == row["position"]]
        assert (behind["topic"], behind["version"]) == (row["topic"], row["version"])
    churned = await walked(life.shop, f"{REPORT}/2027-02/movements", kind="churn")
    assert churned == moved[1:]
    standing = await walked(life.shop, f"{REPORT}/2027-02/subscriptions")
    assert sum(row["level"] for row in standing) == february["recurring_minor"]


@pytest.mark.parametrize(
    ("where", "asked", "code"),
    [
        (SUBSCRIPTIONS, {"pageSize": 0}, "request_invalid"),
        (SUBSCRIPTIONS, {"status": "x" * 33}, "request_invalid"),
        (SUBSCRIPTIONS, {"createdFrom": "yesterday"}, "request_invalid"),
        (BILLS, {"dueTo": "soon"}, "request_invalid"),
        (RENEWALS, {"until": "soon"}, "request_invalid"),
        (REPORT, {"from": "2027-01"}, "request_invalid"),
        (REPORT, {"from": "2027-02-30"}, "request_invalid"),
        (REPORT, {"from": "2027-02-01", "to": "2027-01-31"}, "report_range_invalid"),
        (f"{REPORT}/2027-00/movements", {}, "request_invalid"),
        (f"{REPORT}/2027-01/movements", {"kind": "loss"}, "request_invalid"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    shop: Caller, where: str, asked: Fields, code: str
) -> None:
    refused(await shop.get(where, **asked), 422, code)


@pytest.mark.parametrize("where", [SUBSCRIPTIONS, BILLS, f"{REPORT}/2027-01/movements"])
async def test_a_cursor_that_was_not_given_out_for_this_list_is_refused(
    life: Moving, sold: list[Fields], where: str
) -> None:
    cursor = (await fresh(life.shop, where, pageSize=1))["nextCursor"]
    assert cursor
    other = {"kind": "churn"} if "reports" in where else {"status": "active"}

    refused(await life.shop.get(where, pageSize=1, cursor=cursor, **other), 422, "cursor_invalid")
    refused(await life.shop.get(where, cursor=f"{cursor}AA"), 422, "cursor_invalid")
    refused(await life.shop.get("/api/v1/payments", cursor=cursor), 422, "cursor_invalid")


NEEDS = {
    SUBSCRIPTIONS: "subscriptions:read",
    RENEWALS: "subscriptions:read",
    BILLS: "bills:read",
    f"{SUBSCRIPTIONS}/sub_{'0' * 26}/events": "billing_events:read",
    f"{BILLS}/bill_{'0' * 26}_1/events": "billing_events:read",
    REPORT: "reports:read",
    f"{REPORT}/2027-01/movements": "reports:read",
    f"{REPORT}/2027-01/subscriptions": "reports:read",
    "/api/v1/customers/nobody/overview": "customers:read",
}


async def test_who_may_not_is_refused(life: Moving) -> None:
    for role in ROLES:
        caller = await life.system.caller(role)
        for where, permission in NEEDS.items():
            answer = await caller.get(where)
            assert (answer.status_code == 403) == (permission not in HELD[role]), (role, where)


async def test_a_posting_of_a_bill_names_the_bill(
    life: Moving, market: Market, sold: list[Fields]
) -> None:
    await life.pass_by(days=1)
    account = "/api/v1/accounts/Income:Subscription:pro/entries"

    async def earned() -> list[Fields]:
        entries: list[Fields] = told(await life.shop.get(account))["entries"]
        assert len(entries) == 2
        return entries

    entries = await eventually(earned)

    assert {entry["billId"] for entry in entries} == {bill_id(sold[0], 1), bill_id(sold[2], 1)}
    assert {entry["paymentId"] for entry in entries} == {None}

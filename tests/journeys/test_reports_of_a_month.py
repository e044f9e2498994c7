"""A month of a merchant in reports: the same in every format, and what they say of each other."""

import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal

import httpx2
import pyarrow.parquet
import pytest
import pytest_asyncio

from projections.reporting import REPORTS
from projections.reporting.view import Column, Report
from support.customer import Fields
from support.market import Market, told
from support.moving import Moving, moving
from support.reports import BY_NAME, HERE, head, refused, report, sums

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived(shared_database_with_clock: str) -> AsyncIterator[Moving]:
    """A month of two subscriptions, one of them by virtual account, and a GoPay payment that is refunded."""
    async with moving(shared_database_with_clock) as life:
        await _lived(life, Market(life.shop, life.gateway))
        yield life


async def _lived(life: Moving, market: Market) -> None:
    pro, small = await market.plan(), await market.plan("small", 50_000)
    ana, budi = [await market.with_card() for _ in range(2)]
    await market.subscribe(pro, ana)
    await market.subscribe(small, budi, "bca_va")
    payment = await life.shop.request("gopay", 99_000)
    await life.gateway.pay(payment)
    settled = await life.shop.until(payment, "settled")
    refund = {"amount": 50_000, "reason": "partial_refund"}
    told(await life.shop.post(f"/api/v1/payments/{settled['paymentId']}/refund", refund), 201)
    await life.pass_by(days=31, stride_days=1)


async def test_every_report_is_the_same_in_every_format(lived: Moving) -> None:
    await head(lived.shop)
    for one in REPORTS:
        as_json = await report(lived.shop, one.name)
        as_csv = await lived.shop.get(f"{HERE}/{one.name}", format="csv")
        as_parquet = await lived.shop.get(f"{HERE}/{one.name}", format="parquet")

        assert as_json["count"] == len(as_json["rows"]) > 0, one.name
        assert as_json["rows"] == rows_of_csv(one, as_csv), one.name
        assert as_json["rows"] == rows_of_parquet(as_parquet), one.name
        names = [column["name"] for column in as_json["columns"]]
        assert names == [column.name for column in one.columns] == [*as_json["rows"][0]]
        for answer in (as_csv, as_parquet):
            assert answer.headers["bukubesar-position"] == str(as_json["position"])
        assert {row["as_of_position"] for row in as_json["rows"]} == {as_json["position"]}


def rows_of_csv(one: Report, answer: httpx2.Response) -> list[Fields]:
    assert answer.headers["content-type"].startswith("text/csv")
    header, *lines = csv.reader(io.StringIO(answer.text))
    columns = {column.name: column for column in one.columns}
    assert header == [*columns]
    return [
        {name: from_csv(columns[name], cell) for name, cell in zip(header, line, strict=True)}
        for line in lines
    ]


def from_csv(column: Column, cell: str) -> object:
    if not cell:
        return None
    match column.type:
        case "bigint":
            return int(cell)
        case "boolean":
            return {"true": True, "false": False}[cell]
        case "text" | "date" | "timestamptz":
            return cell
    return float(cell)


def rows_of_parquet(answer: httpx2.Response) -> list[Fields]:
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    rows = pyarrow.parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    return [{name: from_parquet(value) for name, value in row.items()} for row in rows]


def from_parquet(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Decimal():
            return float(value)
        case str() | int() | None:
            return value
    return str(value)


async def test_reports_as_of_one_position_agree_with_each_other_and_the_lists(
    lived: Moving,
) -> None:
    shop = lived.shop
    await head(shop)
    payments = await report(shop, "payments")
    position = payments["position"]
    more = await shop.request("gopay", 10_000)  # the books go on
    await lived.gateway.pay(more)
    await shop.until(more, "settled")

    entries = (await report(shop, "entries", asOf=position))["rows"]
    balances = (await report(shop, "balances", asOf=position))["rows"]
    refunds = (await report(shop, "refunds", asOf=position))["rows"]
    fees = (await report(shop, "fees", asOf=position))["rows"]
    trial = told(await shop.get("/api/v1/trial-balance", asOf=position))

    by_account = {row["account"]: row["balance"] for row in trial["accounts"]}
    assert sums(entries, "account", "amount_minor") == by_account
    assert sums(balances, "account", "change_minor") == by_account
    assert {row["account"]: row["balance_minor"] for row in balances} == by_account
    assert sum(row["amount_minor"] for row in entries) == 0
    listed = told(await shop.get("/api/v1/payments", pageSize=100))["payments"]
    listed = [row for row in listed if row["paymentId"] != more["paymentId"]]
    assert sums(payments["rows"], "payment_id", "captured_minor") == {
        row["paymentId"]: row["capturedAmount"] for row in listed
    }
    assert sums(refunds, "payment_id", "of_payment_minor") == {
        row["paymentId"]: row["refundedAmount"] for row in listed if row["refundedAmount"]
    }
    returned = sum(row["fee_returned_minor"] + row["fee_tax_returned_minor"] for row in refunds)
    assert sum(row["total_minor"] for row in fees) == (
        sum(row["fee_minor"] or 0 for row in payments["rows"]) - returned
    )
    bills = (await report(shop, "bills", minPosition=position))["rows"]
    assert sum(row["unearned_minor"] for row in bills) == -sum(
        amount for account, amount in by_account.items() if ":DeferredRevenue:" in account
    )
    refused(await shop.get(f"{HERE}/payments", asOf=position), 409, "report_position_passed")
    now = await report(shop, "entries", minPosition=await head(shop))
    assert now["position"] > position
    assert now["count"] > len(entries)


# Columns of a view, and what they are called in the list of the same.
SAME = {
    "subscriptions": {
        **{"subscription_id": "subscriptionId", "customer_id": "customerId", "status": "status"},
        **{"has_access": "access", "plan_id": "planId", "plan_name": "planName"},
        **{"quantity": "quantity", "price_minor": "unitPrice", "currency": "currency"},
        **{"method": "paymentMethod", "is_pulled": "autoDebit", "paid_until": "paidUntil"},
        **{"renews_at": "renewsAt", "renewal_minor": "renewalAmount", "credit_minor": "credit"},
        **{"owed_minor": "owed", "missed_periods": "missedPeriods"},
    },
    "bills": {
        **{"bill_id": "billId", "subscription_id": "subscriptionId", "number": "number"},
        **{"period": "period", "reason": "reason", "status": "status", "starts_at": "startsAt"},
        **{"ends_at": "endsAt", "due_at": "dueAt", "discount_minor": "discount"},
        **{"credit_minor": "creditUsed", "to_pay_minor": "toPay", "credited_minor": "credited"},
        **{"recognised_minor": "recognised", "unearned_minor": "unearned", "paid_at": "paidAt"},
    },
    "payments": {
        **{"payment_id": "paymentId", "status": "status", "method": "paymentMethod"},
        **{"amount_minor": "amount", "fee_minor": "feeAmount", "net_minor": "netAmount"},
        **{"refunded_minor": "refundedAmount", "customer_id": "customerId"},
        **{"subscription_id": "subscriptionId", "expires_at": "expiresAt"},
    },
}


@pytest.mark.parametrize("name", SAME)
async def test_rows_say_the_same_as_the_list(lived: Moving, name: str) -> None:
    await head(lived.shop)
    rows = (await report(lived.shop, name))["rows"]
    listed = told(await lived.shop.get(f"/api/v1/{name}", pageSize=100))[name]

    key, *_ = SAME[name].items()
    by_id = {row[key[1]]: row for row in listed}
    assert len(rows) == len(listed) > 0
    for row in rows:
        other = by_id[row[key[0]]]
        assert {ours: row[ours] for ours in SAME[name]} == {
            ours: other[theirs] for ours, theirs in SAME[name].items()
        }


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
async def test_several_reports_come_as_of_one_position_in_an_archive(
    lived: Moving, form: str
) -> None:
    await head(lived.shop)

    answer = await lived.shop.get(HERE, format=form)

    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    about = json.loads(archive.read("reports.json"))
    position = about["position"]
    assert answer.headers["bukubesar-position"] == str(position)
    assert about["reports"] == [*BY_NAME]
    assert archive.namelist() == ["reports.json", *(f"{name}.{form}" for name in BY_NAME)]
    assert archive.testzip() is None
    for name in BY_NAME:
        alone = await lived.shop.get(f"{HERE}/{name}", format=form)
        assert alone.headers["bukubesar-position"] == str(position)  # nothing happens meanwhile
        assert archive.read(f"{name}.{form}") == alone.content


async def test_nothing_personal_is_in_any_report(lived: Moving) -> None:
    """The customers are Siti Rahayu, siti@example.id, +6281234567890."""
    await head(lived.shop)
    for name in BY_NAME:
        text = (await lived.shop.get(f"{HERE}/{name}")).text
        assert not any(word in text for word in ("Siti", "siti@", "81234567890", "partial_refund"))

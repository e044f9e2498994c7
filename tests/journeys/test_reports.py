"""Reports over HTTP: the same rows in every format, as of a position that two of them can share."""

import asyncio
import csv
import io
import json
import zipfile
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx2
import pyarrow.parquet
import pytest

from ledger.access.roles import HELD, ROLES
from projections.reporting import REPORTS
from projections.reporting.view import Column, Report
from support.customer import Caller, Fields, Gateway, eventually
from support.market import Market, told
from support.moving import Moving
from support.running import Running, running

HERE = "/api/v1/reports"
BY_NAME = {report.name: report for report in REPORTS}


def refused(answer: httpx2.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}"), answer.text


async def report(shop: Caller, name: str, **asked: Any) -> Fields:
    return told(await shop.get(f"{HERE}/{name}", **asked))


async def head(shop: Caller) -> int:
    """Of the log, once all read models show it."""

    async def caught_up() -> int:
        fresh = (await report(shop, "balances"))["asOf"]
        assert fresh["money"] == fresh["views"] == fresh["head"], fresh
        return int(fresh["head"])

    return await eventually(caught_up)


@pytest.fixture
async def lived(life: Moving, market: Market) -> Moving:
    """A month of two subscriptions, one of them by virtual account, and a GoPay payment that is refunded."""
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
    return life


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


def sums(rows: list[Fields], key: str, value: str) -> dict[str, int]:
    totals: dict[str, int] = {}
    for row in rows:
        totals[row[key]] = totals.get(row[key], 0) + row[value]
    return totals


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


async def test_reports_of_a_busy_ledger_agree_in_one_archive(
    shop: Caller, gateway: Gateway
) -> None:
    """While payments are made, captured and settled."""
    stop = asyncio.Event()

    async def sell() -> None:
        while not stop.is_set():
            payment = await shop.request("gopay", 99_000)
            await gateway.pay(payment)

    selling = [asyncio.create_task(sell()) for _ in range(3)]
    seen = []
    for _ in range(8):
        await asyncio.sleep(0.2)
        answer = await shop.get(HERE, names="payments,entries,balances,method_success,payments")
        if answer.status_code == 409:
            assert answer.json()["type"] == "/problems/read_models_behind"
            continue
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        read = {name: json.loads(archive.read(name)) for name in archive.namelist()[1:]}
        payments, entries, balances, methods = (found["rows"] for found in read.values())
        seen.append({found["position"] for found in read.values()})
        assert len(seen[-1]) == 1
        captured = sum(row["captured_minor"] for row in payments)
        pending = "Assets:Gateway:Midtrans:Pending"
        debits = [row for row in entries if row["account"] == pending]
        assert sum(row["debit_minor"] for row in debits) == captured
        assert sums(entries, "account", "amount_minor") == sums(balances, "account", "change_minor")
        assert sum(row["amount_minor"] for row in entries) == 0
        assert sum(row["attempts"] for row in methods) == sum(row["attempts"] for row in payments)
    stop.set()
    await asyncio.gather(*selling)

    assert len(seen) >= 4
    assert max(seen[-1]) > max(seen[0])


async def test_a_position_of_ones_own_command_is_waited_for(
    shop: Caller, gateway: Gateway, system: Running
) -> None:
    for amount in (10_000, 20_000, 30_000):
        payment = await shop.request("bca_va", amount)
        length = await system.log_length()

        found = await report(shop, "payments", minPosition=length)

        assert found["position"] >= length
        assert payment["paymentId"] in [row["payment_id"] for row in found["rows"]]


async def test_a_position_that_is_not_reached_is_refused_and_nothing_older_given(
    shop: Caller, system: Running
) -> None:
    await shop.request("bca_va", 10_000)
    beyond = await system.log_length() + 1_000

    for name in ("payments", "entries"):
        for asked in ({"minPosition": beyond}, {"asOf": beyond}):
            refused(await shop.get(f"{HERE}/{name}", **asked), 409, "position_not_reached")


async def test_read_models_that_stand_still_give_what_they_have_and_say_so(
    own_database: str, gateway: Gateway
) -> None:
    async with running(own_database, gateway, workers=0) as still:
        shop = await still.caller()
        await shop.request("bca_va", 10_000)
        length = await still.log_length()

        found = await report(shop, "payments")
        assert (found["position"], found["rows"], found["asOf"]["head"]) == (0, [], length)
        refused(await shop.get(f"{HERE}/payments", minPosition=length), 409, "read_models_behind")
        refused(await shop.get(f"{HERE}/entries", asOf=length), 409, "read_models_behind")


@pytest.mark.parametrize(
    ("where", "asked", "status", "code"),
    [
        ("gone", {}, 404, "report_unknown"),
        ("freshness", {}, 404, "report_unknown"),
        ("", {"names": "payments,gone"}, 404, "report_unknown"),
        ("", {"names": "payments,"}, 404, "report_unknown"),
        ("", {"from": "2026-11-02", "to": "2026-11-01"}, 422, "report_range_invalid"),
        ("", {"asOf": 10**6}, 409, "position_not_reached"),
        ("payments", {"from": "2026-11-02", "to": "2026-11-01"}, 422, "report_range_invalid"),
        ("payments", {"from": "yesterday"}, 422, "request_invalid"),
        ("payments", {"from": "1793923200"}, 422, "request_invalid"),
        ("payments", {"to": "9999-12-31"}, 422, "request_invalid"),
        ("payments", {"to": "0001-01-01"}, 422, "request_invalid"),
        ("payments", {"format": "xlsx"}, 422, "request_invalid"),
        ("payments", {"minPosition": -1}, 422, "request_invalid"),
        ("payments", {"minPosition": 2**63}, 422, "request_invalid"),
        ("payments", {"asOf": "2026-11-01T00:00:00Z"}, 422, "request_invalid"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    shop: Caller, where: str, asked: Fields, status: int, code: str
) -> None:
    refused(await shop.get(f"{HERE}/{where}".rstrip("/"), **asked), status, code)


async def test_the_format_may_be_named_by_accept(shop: Caller) -> None:
    async def asked(accept: str) -> httpx2.Response:
        return await shop.send("GET", f"{HERE}/payments", Accept=accept)

    assert (await asked("text/csv")).text.startswith("payment_id,")
    assert (await asked("application/json, text/csv;q=0.5")).json()["rows"] == []
    assert (await asked("application/vnd.apache.parquet")).content[:4] == b"PAR1"
    refused(await asked("text/html"), 406, "report_format_not_acceptable")


async def test_who_may_not_is_refused(system: Running) -> None:
    for role in ROLES:
        caller = await system.caller(role)
        for name in BY_NAME:
            answer = await caller.get(f"{HERE}/{name}")
            may = "reports:read" in HELD[role]
            assert answer.status_code == (200 if may else 403), (role, name)
        assert (await caller.get(HERE)).status_code == (200 if may else 403), role


async def test_nothing_personal_is_in_any_report(lived: Moving) -> None:
    """The customers are Siti Rahayu, siti@example.id, +6281234567890."""
    await head(lived.shop)
    for name in BY_NAME:
        text = (await lived.shop.get(f"{HERE}/{name}")).text
        assert not any(word in text for word in ("Siti", "siti@", "81234567890", "partial_refund"))


async def test_places_for_reports_are_given_back(shop: Caller) -> None:
    """More than are read at once, one after the other, some of them refused."""
    for _ in range(6):
        told(await shop.get(f"{HERE}/payments"))
        refused(await shop.get(f"{HERE}/entries", asOf=10**9), 409, "position_not_reached")
    for _ in range(6):
        told(await shop.get(f"{HERE}/payments"))

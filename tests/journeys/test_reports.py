"""Reports over HTTP: the same rows in every format, as of a position that two of them can share."""

import asyncio
import io
import json
import zipfile

import httpx2
import pytest

from ledger.access.roles import HELD, ROLES
from support.customer import Caller, Fields, Gateway
from support.market import told
from support.reports import BY_NAME, HERE, refused, report, sums
from support.running import Running, running


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
    ledger_database: str, gateway: Gateway
) -> None:
    async with running(ledger_database, gateway, workers=0) as still:
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


async def test_places_for_reports_are_given_back(shop: Caller) -> None:
    """More than are read at once, one after the other, some of them refused."""
    for _ in range(6):
        told(await shop.get(f"{HERE}/payments"))
        refused(await shop.get(f"{HERE}/entries", asOf=10**9), 409, "position_not_reached")
    for _ in range(6):
        told(await shop.get(f"{HERE}/payments"))

"""Reports that do not fit between two processes: streamed, bounded in number, and left behind by their callers."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import psycopg
import pyarrow.parquet
import pytest

from api.wiring import REPORTS_AT_ONCE
from support.customer import Gateway, eventually
from support.market import told
from support.running import Running, running

HERE = "/api/v1/reports"

MANY = """
insert into bukubesar_read.payments
select 'pay_' || n, 'settled', false, 'gopay', 'gopay', 99000, 'IDR', 99000, 0, 0, 2198, 96802, '', '',
    'order-' || n, 'transaction-' || n, 1, '{}', null, now(), now(), n, 8, n
from generate_series(1, %s) n
"""
ROWS = 60_000  # about 35 MB of JSON: more than lies between two processes


@pytest.fixture
async def many(ledger_database: str, gateway: Gateway) -> AsyncIterator[Running]:
    """Rows that no event has made, because these are quicker."""
    with psycopg.connect(ledger_database) as conn:
        conn.execute(MANY, [ROWS])
    async with running(ledger_database, gateway, workers=0) as system:
        yield system


def reading(database: str) -> int:
    """Connections that are in the middle of a report."""
    query = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and application_name = 'bukubesar reporting' and state <> 'idle'"
    )
    with psycopg.connect(database) as conn:
        (found,) = conn.execute(query).fetchone() or (0,)
    return int(found)


async def test_a_caller_who_leaves_holds_no_place(many: Running, ledger_database: str) -> None:
    shop = await many.caller()

    for _ in range(REPORTS_AT_ONCE + 1):
        async with many.http.stream(
            "GET", f"{shop.url}{HERE}/payments", headers=shop._headers()
        ) as answer:
            assert answer.status_code == 200
            await anext(answer.aiter_bytes())

    async def given_back() -> None:
        assert reading(ledger_database) == 0

    await eventually(given_back)
    assert told(await shop.get(f"{HERE}/balances"))["rows"] == []


async def test_there_are_only_so_many_places(many: Running) -> None:
    shop = await many.caller()

    async with AsyncExitStack() as held:
        for _ in range(REPORTS_AT_ONCE):
            asked = many.http.stream("GET", f"{shop.url}{HERE}/payments", headers=shop._headers())
            assert (await held.enter_async_context(asked)).status_code == 200
        refused_one = await shop.get(f"{HERE}/payments")
        assert (refused_one.status_code, refused_one.headers["retry-after"]) == (503, "1")
        assert (await shop.get("/api/v1/payments")).status_code == 200  # lists have their own
    assert (await shop.get(f"{HERE}/payments", to="2020-01-01")).status_code == 200


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
async def test_a_large_report_leaves_while_it_is_read(many: Running, form: str) -> None:
    shop = await many.caller()
    pieces: list[bytes] = []

    async with many.http.stream(
        "GET", f"{shop.url}{HERE}/payments", params={"format": form}, headers=shop._headers()
    ) as answer:
        assert "content-length" not in answer.headers  # nobody knew how long it would be
        async for piece in answer.aiter_bytes():
            pieces.append(piece)

    content = b"".join(pieces)
    match form:
        case "json":
            assert json.loads(content)["count"] == ROWS
        case "csv":
            assert content.count(b"\n") == ROWS + 1
        case _:
            groups = pyarrow.parquet.ParquetFile(io.BytesIO(content)).metadata
            assert (groups.num_rows, groups.num_row_groups) == (ROWS, 2)

"""What reports are asked, and what is done with their rows."""

from typing import Any

import httpx2

from projections.reporting import REPORTS
from support.customer import Caller, Fields, eventually
from support.market import told

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


def sums(rows: list[Fields], key: str, value: str) -> dict[str, int]:
    totals: dict[str, int] = {}
    for row in rows:
        totals[row[key]] = totals.get(row[key], 0) + row[value]
    return totals

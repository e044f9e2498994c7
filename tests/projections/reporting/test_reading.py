"""As of which position a report is, and that it is nothing else."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from ledger.eventstore.connections import conninfo_for
from projections.points import PositionNotReached, ReadModelsBehind
from projections.rebuilding import rebuild_live
from projections.reporting import REPORTS
from projections.reporting.reading import (
    Asked,
    Opened,
    ReportIncomplete,
    ReportPositionPassed,
    Standing,
    opened,
    position_of,
)
from projections.reporting.view import Group
from projections.resuming import resume
from support.following import as_deployed, aside, eventually, poison, running
from support.log_rows import SCHEMA
from support.payment_lives import SETTLED, Life, lived
from support.report_side import ReportSide, open_report_side

BY_NAME = {report.name: report for report in REPORTS}
STATE, EXACT = BY_NAME["payments"], BY_NAME["entries"]
BOTH, EXACT_ONES = (STATE, EXACT), (EXACT, BY_NAME["refunds"])


@pytest.fixture
def side(ledger_database: str) -> Iterator[ReportSide]:
    with open_report_side(ledger_database) as made:
        yield made


@pytest.mark.parametrize(
    ("asked", "group", "position"),
    [
        (Asked(reports=(STATE,)), Standing(8, True, 8), 8),
        (Asked(reports=(STATE,)), Standing(7, False, 8), None),  # a fact without its entry
        (Asked(reports=(EXACT,)), Standing(7, False, 8), None),
        (Asked(reports=(STATE,)), Standing(0, True, 8), 0),
        (Asked(reports=(STATE,), at_least=8), Standing(8, True, 9), 8),
        (Asked(reports=(STATE,), at_least=8), Standing(7, True, 9), None),
        (Asked(reports=(EXACT,), as_of=6), Standing(8, True, 9), 6),
        (Asked(reports=(EXACT,), as_of=6), Standing(7, False, 9), 6),
        (Asked(reports=(EXACT,), as_of=6), Standing(5, True, 9), None),
        (Asked(reports=(STATE,), as_of=6), Standing(6, True, 9), 6),
        (Asked(reports=(STATE,), as_of=6), Standing(5, True, 9), None),
        (Asked(reports=(EXACT,), as_of=6, at_least=8), Standing(7, True, 9), None),
        (Asked(reports=(STATE,), as_of=6), Standing(8, True, 9), ReportPositionPassed),
        (Asked(reports=(STATE,)), Standing(9, True, 9, parked_streams=1), ReportIncomplete),
        (
            Asked(reports=(EXACT,), as_of=6),
            Standing(9, True, 9, parked_streams=2),
            ReportIncomplete,
        ),
        (Asked(reports=(STATE,), at_least=10), Standing(9, True, 9), PositionNotReached),
        (Asked(reports=(EXACT,), as_of=10), Standing(9, True, 9), PositionNotReached),
    ],
)
def test_the_position_is_what_was_asked_for_or_there_is_no_report(
    asked: Asked, group: Standing, position: int | type[Exception] | None
) -> None:
    if isinstance(position, type):
        with pytest.raises(position):
            position_of(asked, {asked.reports[0].group: group})
    else:
        assert position_of(asked, {asked.reports[0].group: group}) == position


@pytest.mark.parametrize(
    ("money", "views", "asked", "position"),
    [
        (Standing(8, True, 8), Standing(8, True, 8), Asked(reports=BOTH), 8),
        (Standing(9, True, 9), Standing(8, True, 9), Asked(reports=BOTH), 8),
        (Standing(9, False, 9), Standing(8, True, 9), Asked(reports=BOTH), 8),
        (Standing(9, True, 9), Standing(8, False, 9), Asked(reports=BOTH), None),
        (Standing(7, True, 9), Standing(8, True, 9), Asked(reports=BOTH), None),
        (Standing(9, True, 9), Standing(8, True, 9), Asked(reports=BOTH, at_least=9), None),
        (Standing(9, True, 9), Standing(8, True, 9), Asked(reports=BOTH, as_of=8), 8),
        (Standing(9, True, 9), Standing(7, True, 9), Asked(reports=BOTH, as_of=8), None),
        (Standing(7, True, 9), Standing(8, True, 9), Asked(reports=BOTH, as_of=8), None),
        (
            Standing(9, True, 9),
            Standing(9, True, 9),
            Asked(reports=BOTH, as_of=8),
            ReportPositionPassed,
        ),
        (Standing(7, True, 9), Standing(8, True, 9), Asked(reports=EXACT_ONES), 7),
        (Standing(9, True, 9), Standing(8, True, 9), Asked(reports=EXACT_ONES), 8),
        (Standing(9, True, 9), Standing(9, True, 9), Asked(reports=EXACT_ONES, as_of=8), 8),
    ],
)
def test_reports_of_both_groups_have_one_position(
    money: Standing, views: Standing, asked: Asked, position: int | type[Exception] | None
) -> None:
    standing: dict[Group, Standing] = {"money": money, "views": views}
    if isinstance(position, type):
        with pytest.raises(position):
            position_of(asked, standing)
    else:
        assert position_of(asked, standing) == position


async def test_money_that_is_ahead_is_cut_where_the_views_stand(side: ReportSide) -> None:
    for n in (1, 2):
        side.append(f"pay_{n}", lived(f"pay_{n}", *SETTLED))
        if n == 1:
            side.catch_up()
    side.followers["money"].step(side.connection)

    async with reader(side) as conn, opened(conn, Asked(reports=BOTH)) as found:
        payments = [row[0] async for rows in found.batches(STATE) for row in rows]
        entries = {row[0] async for rows in found.batches(EXACT) for row in rows}

    assert (found.position, payments) == (8, ["pay_1"])
    assert entries == {"pay_1/6", "pay_1/8"}


@asynccontextmanager
async def reader(side: ReportSide) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    conninfo = conninfo_for(side.conninfo, SCHEMA, "reporting")
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as conn:
        yield conn


async def ids(found: Opened) -> list[str]:
    return [row[0] async for rows in found.batches(found.asked.reports[0]) for row in rows]


async def test_what_comes_meanwhile_is_not_in_it(side: ReportSide) -> None:
    side.append("pay_1", lived("pay_1", *SETTLED))
    side.catch_up()

    async with reader(side) as conn, opened(conn, Asked(reports=(STATE,))) as found:
        side.append("pay_2", lived("pay_2", *SETTLED))
        side.catch_up()
        assert (found.position, await ids(found)) == (8, ["pay_1"])


async def test_a_rebuild_waits_until_it_is_read(side: ReportSide) -> None:
    """Tables that take the place of others hold rows that an older snapshot does not see."""
    side.append("pay_1", lived("pay_1", *SETTLED))
    side.catch_up()

    async with reader(side) as conn, opened(conn, Asked(reports=(STATE,))) as found:
        rebuilding = asyncio.create_task(
            asyncio.to_thread(rebuild_live, side.conninfo, SCHEMA, "views")
        )
        await asyncio.wait({rebuilding}, timeout=1.0)
        assert not rebuilding.done()
        assert await ids(found) == ["pay_1"]
    await rebuilding

    async with reader(side) as conn, opened(conn, Asked(reports=(STATE,))) as found:
        assert await ids(found) == ["pay_1"]


@pytest.mark.parametrize("report", [STATE, EXACT], ids=lambda report: report.name)
async def test_the_end_of_an_append_is_waited_for(side: ReportSide, report: Any) -> None:
    side.append("pay_1", lived("pay_1", *SETTLED))
    for follower in side.followers.values():
        follower._size = 3
        follower.step(side.connection)

    async def go_on() -> None:
        await asyncio.sleep(0.2)
        side.catch_up()

    going = asyncio.create_task(go_on())
    async with reader(side) as conn, opened(conn, Asked(reports=(report,))) as found:
        assert found.position == 8
    await going


async def test_who_asks_for_more_than_there_is_in_time_gets_nothing(
    side: ReportSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.reporting.reading.MAY_LAG_SECONDS", 0.1)
    side.append("pay_1", lived("pay_1", *SETTLED))
    side.catch_up()
    side.append("pay_2", lived("pay_2", *SETTLED))

    async with reader(side) as conn:
        with pytest.raises(ReadModelsBehind) as refused:
            async with opened(conn, Asked(reports=(STATE,), at_least=16)):
                pass
        assert refused.value.context == {"position": 16, "reached": 8}
        async with opened(conn, Asked(reports=(STATE,), at_least=8)) as found:
            assert await ids(found) == ["pay_1"]


async def test_looking_back_ends_with_the_report(side: ReportSide) -> None:
    for n in (1, 2):
        side.append(f"pay_{n}", lived(f"pay_{n}", *SETTLED))
    side.catch_up()

    async with reader(side) as conn:
        async with opened(conn, Asked(reports=(EXACT,), as_of=8)) as found:
            then = await ids(found)
        async with opened(conn, Asked(reports=(EXACT,))) as found:
            now = await ids(found)

    assert {entry.split("/")[0] for entry in then} == {"pay_1"}
    assert {entry.split("/")[0] for entry in now} == {"pay_1", "pay_2"}


@pytest.mark.parametrize(
    ("report", "first", "last", "found"),
    [
        ("payments", None, None, 1),
        ("payments", date(2026, 11, 1), date(2026, 11, 1), 1),
        ("payments", None, date(2026, 10, 31), 0),
        ("payments", date(2026, 11, 2), None, 0),
        ("entries", date(2026, 11, 1), date(2026, 11, 1), 8),
        ("entries", date(2026, 11, 2), date(2026, 11, 30), 0),
        ("balances", date(2026, 11, 1), None, 7),
        ("balances", None, date(2026, 10, 31), 0),
        ("method_success", date(2026, 11, 1), date(2026, 11, 1), 1),
        ("method_success", date(2026, 11, 2), None, 0),
    ],
)
async def test_a_range_is_of_days_in_jakarta_both_included(
    side: ReportSide, report: str, first: date | None, last: date | None, found: int
) -> None:
    """The payment begins at midnight of 1 November in UTC, seven in the morning in Jakarta."""
    side.append("pay_1", lived("pay_1", *SETTLED))
    side.catch_up()
    asked = Asked(reports=(BY_NAME[report],), first=first, last=last)

    async with reader(side) as conn, opened(conn, asked) as made:
        assert len(await ids(made)) == found


async def test_a_day_begins_at_midnight_in_jakarta(side: ReportSide) -> None:
    before, after = (
        datetime(2026, 10, 31, 16, 50, tzinfo=UTC),
        datetime(2026, 10, 31, 17, tzinfo=UTC),
    )
    for payment_id, began in (("pay_1", before), ("pay_2", after)):
        side.append(payment_id, Life(payment_id, random.Random(1), began=began).walk(1)[0])
    side.catch_up()

    found = {}
    for day in (date(2026, 10, 31), date(2026, 11, 1)):
        asked = Asked(reports=(STATE,), first=day, last=day)
        async with reader(side) as conn, opened(conn, asked) as made:
            found[day.day] = await ids(made)

    assert found == {31: ["pay_1"], 1: ["pay_2"]}


async def test_of_read_models_that_have_put_a_stream_aside_there_is_no_report(
    side: ReportSide,
) -> None:
    for n in (1, 2):
        side.append(f"pay_{n}", lived(f"pay_{n}", *SETTLED))
    repair = poison(side, 11)
    side.followers["money"].step(side.connection)
    with running(as_deployed(side, "views")):
        eventually(lambda: aside(side))
        eventually(lambda: side.report("select position from freshness where position = 16"))

    async with reader(side) as conn:
        with pytest.raises(ReportIncomplete) as refused:
            async with opened(conn, Asked(reports=(STATE,))):
                pass
        assert refused.value.context == {"streams": 1}
        async with opened(conn, Asked(reports=(EXACT,))) as found:
            assert found.position == 16
    repair()
    resume(side.conninfo, SCHEMA, "views")
    async with reader(side) as conn, opened(conn, Asked(reports=(STATE,))) as found:
        assert await ids(found) == ["pay_1", "pay_2"]

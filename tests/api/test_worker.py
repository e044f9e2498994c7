"""Work of other areas than payments: done by a scheduler, and looked at again step by step."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from api import worker
from api.next_look import OTHERWISE
from api.wiring import open_wiring
from api.worker import Worker
from ledger.errors import Conflict
from ledger.eventstore.group_call import StoreUnavailable
from ledger.scheduler import Scheduler
from ledger.settings import Settings
from support.gateway_in_process import GatewayInProcess
from support.running import MASTER_KEY, SCHEMA

START = datetime(2026, 11, 25, 10, tzinfo=UTC)
RENEWAL = ("sub_1", "renew", "3")


@dataclass
class Renewals:
    """Does what it is told, unless a fault comes first."""

    faults: list[Exception] = field(default_factory=list)
    done: list[tuple[str, str, str]] = field(default_factory=list)
    kinds: frozenset[str] = frozenset({"renew"})

    async def do(self, stream: str, kind: str, subject: str) -> None:
        self.done.append((stream, kind, subject))
        if self.faults:
            raise self.faults.pop(0)


@dataclass
class AtWork:
    """A worker by a clock of its own, and the table of due work."""

    database: str
    worker: Worker | None = None
    now: datetime = START

    def time(self) -> datetime:
        return self.now

    async def turn(self, after: timedelta = timedelta()) -> None:
        assert self.worker
        self.now += after
        await self.worker.turn()

    def execute(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database, autocommit=True) as conn:
            conn.execute(f"set search_path = {SCHEMA}, {SCHEMA}_read".encode())
            cursor = conn.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def is_due(self, stream: str, kind: str, subject: str) -> None:
        self.execute(
            "insert into due_work values (%s, %s, %s, %s, 1)", stream, kind, subject, START
        )

    def claims(self) -> list[tuple[object, ...]]:
        rows = self.execute("select not_before, tries, at_work from work_claims")
        return [(at - self.now, *more) for at, *more in rows]  # type: ignore[operator]


@asynccontextmanager
async def at_work(database: str, scheduler: Scheduler | None) -> AsyncIterator[AtWork]:
    settings = Settings(database_url=database, database_schema=SCHEMA, master_key=MASTER_KEY)
    async with open_wiring(settings, "worker", gateway=GatewayInProcess()) as wired:
        stage = AtWork(database)
        stage.worker = Worker(replace(wired, scheduler=scheduler), stage.time)
        yield stage


async def test_a_scheduler_does_its_kinds_of_work_once_while_the_read_model_lags(
    ledger_database: str,
) -> None:
    renewals = Renewals()
    async with at_work(ledger_database, renewals) as stage:
        stage.is_due(*RENEWAL)
        await stage.turn()
        await stage.turn()

        assert renewals.done == [RENEWAL]
        assert stage.claims() == [(OTHERWISE[0], 1, False)]


async def test_what_is_still_due_afterwards_is_done_again_up_the_ladder(
    ledger_database: str,
) -> None:
    renewals = Renewals()
    async with at_work(ledger_database, renewals) as stage:
        stage.is_due(*RENEWAL)
        await stage.turn()
        tries = []
        for pause in (*OTHERWISE, OTHERWISE[-1]):
            await stage.turn(pause - timedelta(seconds=1))
            early = len(renewals.done)
            await stage.turn(timedelta(seconds=1))
            tries.append((early, len(renewals.done)))

        assert tries == [(n, n + 1) for n in range(1, 2 + len(OTHERWISE))]


@pytest.mark.parametrize("fault", [Conflict(), ZeroDivisionError()])
async def test_what_failed_goes_up_the_same_ladder_and_takes_nothing_with_it(
    ledger_database: str, fault: Exception
) -> None:
    renewals = Renewals([fault, fault])
    async with at_work(ledger_database, renewals) as stage:
        stage.is_due(*RENEWAL)
        await stage.turn()
        first = stage.claims()
        await stage.turn(OTHERWISE[0])

        assert first == [(OTHERWISE[0], 1, False)]
        assert stage.claims() == [(OTHERWISE[1], 2, False)]
        assert len(renewals.done) == 2


async def test_a_moment_without_the_store_costs_no_try(
    ledger_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "TROUBLE_SECONDS", 0.01)
    renewals = Renewals([StoreUnavailable(), StoreUnavailable()])
    async with at_work(ledger_database, renewals) as stage:
        stage.is_due(*RENEWAL)
        await stage.turn()

        assert renewals.done == [RENEWAL] * 3
        assert stage.claims() == [(OTHERWISE[0], 1, False)]


@pytest.mark.parametrize("scheduler", [None, Renewals(kinds=frozenset({"remind"}))])
async def test_what_nobody_here_can_do_waits_for_who_can(
    ledger_database: str, scheduler: Renewals | None
) -> None:
    async with at_work(ledger_database, scheduler) as stage:
        stage.is_due(*RENEWAL)
        await stage.turn()

        assert stage.claims() == [(OTHERWISE[0], 1, False)]
        assert not scheduler or not scheduler.done


async def test_work_that_was_ended_leaves_no_claim(ledger_database: str) -> None:
    async with at_work(ledger_database, Renewals()) as stage:
        stage.is_due(*RENEWAL)
        await stage.turn()
        stage.execute("delete from due_work")
        await stage.turn(OTHERWISE[0])

        assert stage.claims() == []

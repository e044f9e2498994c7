"""Which work a worker takes up: every piece that is due, once, however it came to be due."""

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from api.claims import LEASE, LOOK, PAGE, START_OVER, Claimed, Claims
from ledger.eventstore.connections import Readers
from projections.due_work import EVER
from support.log_rows import SCHEMA
from support.read_side import ReadSide, open_read_side

START = datetime(2026, 11, 25, 10, tzinfo=UTC)


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


class Work:
    """Due work as the read model would hold it, the position of its group, and the time."""

    def __init__(self, read_side: ReadSide) -> None:
        self.now = START
        self.position = 0
        self._read_side = read_side

    def time(self) -> datetime:
        return self.now

    def due_in(self, seconds: float, stream: str = "") -> str:
        self.position += 1
        stream = stream or f"pay_{self.position}"
        self._execute(
            "insert into due_work values (%s, 'inquire', '1', %s, %s) on conflict"
            " (stream, kind, subject) do update set due_at = excluded.due_at, position = excluded.position",
            stream,
            self.now + timedelta(seconds=seconds),
            self.position,
        )
        self.reach(self.position)
        return stream

    def done(self, stream: str) -> None:
        self._execute("delete from due_work where stream = %s", stream)

    def reach(self, position: int) -> None:
        self._execute(
            "update tracking set notification_id = %s where application_name = 'views'", position
        )

    def claims(self) -> dict[str, int]:
        rows = self._read_side.rows(f"select stream, tries from {SCHEMA}.work_claims")  # noqa: S608
        return {row["stream"]: row["tries"] for row in rows}

    def _execute(self, statement: str, *values: object) -> None:
        self._read_side.connection.execute(statement.encode(), values)


@pytest.fixture
def work(read_side: ReadSide) -> Work:
    with psycopg.connect(read_side.conninfo) as conn:
        conn.execute(f"grant select on {SCHEMA}.work_claims to {SCHEMA}_projector".encode())
    return Work(read_side)


@pytest.fixture
async def readers(read_side: ReadSide) -> AsyncIterator[Readers]:
    opened = Readers(read_side.conninfo, SCHEMA, size=2)
    await opened.open()
    yield opened
    await opened.close()


async def claimed(claims: Claims, limit: int = 60) -> list[Claimed]:
    """Look and claim, as a worker does, until a look finds nothing."""
    found: list[Claimed] = []
    while (await claims.look()).work:
        found += await claims.claim(limit)
    return found


async def names(claims: Claims, limit: int = 60) -> list[str]:
    return [work.stream for work in await claimed(claims, limit)]


async def test_work_is_claimed_when_it_falls_due_and_not_before(
    work: Work, readers: Readers
) -> None:
    claims = Claims(readers, work.time)
    work.due_in(10)

    early = await names(claims)
    work.now += timedelta(seconds=10)

    assert early == []
    assert await names(claims) == ["pay_1"]


async def test_work_that_was_due_when_it_was_written_is_claimed_too(
    work: Work, readers: Readers
) -> None:
    claims = Claims(readers, work.time)
    assert await names(claims) == []  # so that it has looked beyond that time

    work.due_in(-3_600)

    assert await names(claims) == ["pay_1"]


async def test_when_the_clock_was_set_back_work_is_claimed_when_it_falls_due_and_not_before(
    work: Work, readers: Readers
) -> None:
    claims = Claims(readers, work.time)
    assert await names(claims) == []

    work.now -= timedelta(hours=2)
    work.due_in(600)
    early = await names(claims)
    work.now += timedelta(seconds=600)

    assert early == []
    assert await names(claims) == ["pay_1"]


async def test_a_worker_that_starts_finds_what_has_long_been_due(
    work: Work, readers: Readers
) -> None:
    for seconds in (-5, -9, -7):
        work.due_in(seconds)

    assert await names(Claims(readers, work.time)) == ["pay_2", "pay_3", "pay_1"]


async def test_two_workers_do_not_get_the_same(work: Work, readers: Readers) -> None:
    one, other = Claims(readers, work.time), Claims(readers, work.time)
    for _ in range(30):
        work.due_in(-1)
    assert (await one.look()).work
    assert (await other.look()).work

    both = [
        *await one.claim(60),
        *await other.claim(60),
        *await claimed(one),
        *await claimed(other),
    ]

    assert sorted(work.stream for work in both) == sorted(f"pay_{n}" for n in range(1, 31))


async def test_what_nobody_finished_is_claimed_again_after_the_lease(
    work: Work, readers: Readers
) -> None:
    died, lives = Claims(readers, work.time), Claims(readers, work.time)
    work.due_in(-1)
    await claimed(died)

    meanwhile = await claimed(lives)
    work.now += LEASE

    assert meanwhile == []
    # Who died has tried nothing: else workers that die would put off what waits for nobody else.
    assert await claimed(lives) == [Claimed("pay_1", "inquire", "1", tries=1)]


async def test_what_is_looked_at_later_counts_its_tries_and_newer_work_begins_anew(
    work: Work, readers: Readers
) -> None:
    claims = Claims(readers, work.time)
    work.due_in(0)
    (first,) = await claimed(claims)

    claims.later(first, work.now + timedelta(hours=1))
    await claims.write_down()
    work.now += timedelta(hours=1)
    (second,) = await claimed(claims)
    work.due_in(5, "pay_1")
    work.now += timedelta(seconds=5)
    (newer,) = await claimed(claims)

    assert [first.tries, second.tries, newer.tries] == [1, 2, 1]


async def test_what_was_not_written_down_in_time_comes_up_with_the_lease(
    work: Work, readers: Readers
) -> None:
    dies, lives = Claims(readers, work.time), Claims(readers, work.time)
    work.due_in(0)
    (first,) = await claimed(dies)
    dies.later(first, work.now + timedelta(hours=1))

    work.now += LEASE

    assert await names(lives) == ["pay_1"]


async def test_the_claim_of_work_that_was_put_off_waits_with_it(
    work: Work, readers: Readers
) -> None:
    claims = Claims(readers, work.time)
    work.due_in(0)
    await claimed(claims)
    work.due_in(3_600, "pay_1")

    work.now += LEASE
    meanwhile = await claimed(claims)
    work.now += timedelta(hours=1)

    assert meanwhile == []
    assert await claimed(claims) == [Claimed("pay_1", "inquire", "1", tries=1)]


async def test_the_claim_of_work_that_is_done_goes(work: Work, readers: Readers) -> None:
    claims = Claims(readers, work.time)
    work.due_in(0)
    await claimed(claims)
    work.done("pay_1")

    work.now += LEASE

    assert await claimed(claims) == []
    assert work.claims() == {}


async def test_work_is_found_again_when_the_read_models_are_made_anew(
    work: Work, readers: Readers
) -> None:
    claims = Claims(readers, work.time)
    work.position = 1_000
    work.due_in(0)
    await claimed(claims)
    work.done("pay_1001")
    work.position = 0
    work.reach(0)
    await claimed(claims)

    work.due_in(-60)

    assert await names(claims) == ["pay_1"]


async def test_claims_that_were_lost_are_made_again_within_the_hour(
    work: Work, readers: Readers, read_side: ReadSide
) -> None:
    claims = Claims(readers, work.time)
    work.due_in(0)
    await claimed(claims)
    with psycopg.connect(read_side.conninfo) as conn:
        conn.execute(f"truncate {SCHEMA}.work_claims".encode())

    work.now += START_OVER

    assert await names(claims) == ["pay_1"]


async def test_very_much_work_comes_up_in_pieces_of_what_was_asked_for(
    work: Work, readers: Readers
) -> None:
    claims, others = Claims(readers, work.time), Claims(readers, work.time)
    for _ in range(PAGE + 100):
        work.due_in(-1)
    first = await _claimed_once(claims, 20)
    await claimed(others, 200)  # another worker takes the rest
    work.due_in(-60)

    assert len(first) == 10
    assert await names(claims, 20) == [f"pay_{PAGE + 101}"]


async def _claimed_once(claims: Claims, limit: int) -> list[Claimed]:
    assert (await claims.look()).work
    return list(await claims.claim(limit))


async def test_a_statement_that_fails_passes_nothing_over(
    work: Work, readers: Readers, read_side: ReadSide
) -> None:
    claims = Claims(readers, work.time)
    work.due_in(0)
    assert (await claims.look()).work

    with _read_only(read_side.conninfo), pytest.raises(psycopg.errors.InsufficientPrivilege):
        await claims.claim(60)

    assert await names(claims) == ["pay_1"]


@contextmanager
def _read_only(conninfo: str) -> Iterator[None]:
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(f"revoke insert on {SCHEMA}.work_claims from {SCHEMA}_app".encode())
        yield
        conn.execute(f"grant insert on {SCHEMA}.work_claims to {SCHEMA}_app".encode())


@pytest.mark.parametrize("seed", range(5))
async def test_every_piece_that_falls_due_comes_up_once(
    work: Work, readers: Readers, seed: int
) -> None:
    chance = random.Random(seed)
    claims = Claims(readers, work.time)
    found: list[str] = []

    for _ in range(60):
        for _ in range(chance.randrange(9)):
            work.due_in(chance.choice((-90, -5, 0, 0, 3)))
        work.now += timedelta(seconds=chance.choice((0, 0.01, 0.05)))
        if (await claims.look()).work:
            work.due_in(chance.choice((-90, 0)))  # between the look and the claim
            found += [piece.stream for piece in await claims.claim(9)]
    work.now += timedelta(seconds=3)
    found += await names(claims, 9)

    assert sorted(found) == sorted(f"pay_{n}" for n in range(1, work.position + 1))


async def test_waiting_work_costs_a_look_next_to_nothing(work: Work, read_side: ReadSide) -> None:
    waiting, later = 20_000, START + timedelta(hours=1)
    with psycopg.connect(read_side.conninfo, autocommit=True) as conn:
        conn.execute(f"set search_path = {SCHEMA}, {SCHEMA}_read".encode())
        conn.execute(
            "insert into due_work select 'pay_' || n, 'inquire', '1', %s, n from generate_series(1, %s) n",
            [START, waiting],
        )
        conn.execute(
            "insert into work_claims select stream, kind, subject, due_at, %s, 1 from due_work",
            [later],
        )
        asked = {"now": START, "due_at": START, "position": EVER, "seen": waiting}

        plan = conn.execute(f"explain (analyze, buffers, format json) {LOOK}".encode(), asked)

        row = plan.fetchone()
    assert row is not None
    whole = row[0][0]["Plan"]
    assert whole["Shared Hit Blocks"] + whole["Shared Read Blocks"] < 30


async def test_work_that_appears_behind_what_was_looked_through_is_offered(
    work: Work, readers: Readers
) -> None:
    """As that of a stream that had been parked."""
    claims = Claims(readers, work.time)
    work.due_in(-60)
    assert await names(claims) == ["pay_1"]
    parked = work.due_in(-3_600)
    work.reach(1)
    await claims.look()
    work.reach(3)
    work.due_in(-1)
    work._execute("update due_work set position = 0 where stream = %s", parked)
    assert await names(claims) == ["pay_3"]

    await Claims(readers, work.time).offer([parked])

    assert await claimed(claims) == [Claimed(parked, "inquire", "1", 1)]


async def test_work_that_somebody_is_at_is_not_offered_again(work: Work, readers: Readers) -> None:
    claims = Claims(readers, work.time)
    at_work = work.due_in(-60)
    assert await names(claims) == [at_work]

    await claims.offer([at_work])

    assert await claimed(claims) == []

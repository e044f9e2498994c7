"""When seals are made, by how many workers whatever, and when none is made any more."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from api.seal_sinks import FileSink, FolderSink, kept_in
from api.seals import key as seals_key
from api.wiring import open_wiring
from api.worker import Worker
from ledger.audit import proving, service
from ledger.audit import seal as sealing
from ledger.audit.seal import Seal
from ledger.audit.service import LogNotSealable, Sealer
from ledger.audit.sink import SealsDiffer, SealsMissing
from ledger.eventstore.connections import conninfo_for
from ledger.settings import SealSettings, Settings
from support.following import eventually
from support.gateway_in_process import GatewayInProcess
from support.log_rows import SCHEMA, LogRows
from support.payment_lives import PAID, SETTLED, lived
from support.running import MASTER_KEY
from support.sealed_log import AT, EVERY, PUBLIC, SealedLog, payments


@contextmanager
def at_work(*workers: Callable[[threading.Event], None]) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=work, args=(stop,), daemon=True) for work in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)


def positions(seals: list[Seal]) -> list[tuple[int, int]]:
    return [(seal.first, seal.position) for seal in seals]


# ── when ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_log_is_not_sealed(sealed_log: SealedLog) -> None:
    assert sealed_log.seal() == 0
    assert sealed_log.seals == []


def test_a_seal_is_made_once_there_are_so_many_events(sealed_log: SealedLog) -> None:
    sealed_log.log.append("pay_0", lived("pay_0", *PAID[:1]))
    sealed_log.seal()  # so that the time since the last one is short
    last = sealed_log.log.copy_all(())

    for n in range(EVERY + 3):
        assert sealed_log.seal(at_once=False) == (n == EVERY)
        sealed_log.log.append(f"pay_{n + 1}", lived(f"pay_{n + 1}", *PAID[:1]))

    assert positions(sealed_log.seals) == [(1, last), (last + 1, last + EVERY)]


def test_a_seal_is_made_after_so_long_when_there_is_any_event(sealed_log: SealedLog) -> None:
    patient, eager = sealed_log.sealer(), sealed_log.sealer(every_seconds=0)
    sealed_log.log.append("pay_1", lived("pay_1", *SETTLED))
    assert sealed_log.seal(patient, at_once=False) == 1  # the first has no seal before it

    assert sealed_log.seal(eager, at_once=False) == 0
    sealed_log.log.append("pay_2", lived("pay_2", *PAID[:1]))
    assert sealed_log.seal(patient, at_once=False) == 0
    assert sealed_log.seal(eager, at_once=False) == 1

    assert positions(sealed_log.seals) == [(1, 8), (9, 9)]


def test_what_there_is_to_catch_up_with_is_sealed_in_even_ranges(sealed_log: SealedLog) -> None:
    last = sealed_log.log.copy_all(payments(payments=60, steps=20))
    assert last > service.SEALS_AT_ONCE * EVERY

    assert sealed_log.seal() == -(-last // EVERY)

    seals = sealed_log.seals
    assert {seal.count for seal in seals[:-1]} == {EVERY}
    assert seals[-1].position == last
    assert sealing.first_fault(seals, [PUBLIC]) is None


def test_what_is_not_committed_is_not_sealed(sealed_log: SealedLog) -> None:
    sealed_log.log.append("pay_1", lived("pay_1", *PAID))
    head = sealed_log.log.position
    with psycopg.connect(conninfo_for(sealed_log.conninfo, SCHEMA, "app")) as unfinished:
        unfinished.execute(
            "select append(array['pay_2'], array[1::bigint], array['payment.requested.v1'],"
            " array['{}'::bytea], array['cmd_2'], array[''::bytea])"
        )
        assert sealed_log.seal() == 1
        assert sealed_log.seals[-1].position == head
        assert sealed_log.seal() == 0
        unfinished.commit()

    assert sealed_log.seal() == 1
    assert sealed_log.seals[-1].position == head + 1


def test_an_append_does_not_wait_for_a_seal(sealed_log: SealedLog) -> None:
    sealed_log.log.append("pay_1", lived("pay_1", *PAID))
    with sealed_log.connected() as connection, connection.transaction():
        sealed_log.sealer()._make(connection, at_once=True)  # and it is not committed

        sealed_log.log.append("pay_2", lived("pay_2", *PAID))  # fails after 1.5 s of waiting


# ── by whom ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_many_workers_make_one_series(sealed_log: SealedLog) -> None:
    def work(sealer: Sealer, stop: threading.Event) -> None:
        with sealed_log.connected() as connection:
            while not stop.is_set():
                sealer.step(connection)

    with at_work(*[partial(work, sealed_log.sealer(every_seconds=0)) for _ in range(4)]):
        sealed_log.log.append_all(payments(payments=10, steps=10))
        eventually(lambda: sealed_log.seals and _last(sealed_log) == sealed_log.log.position)

    with sealed_log.connected("auditor") as connection:
        kept = proving.stored(connection)
    assert kept == sealed_log.seals
    assert sealing.first_fault(kept, [PUBLIC]) is None


def _last(sealed_log: SealedLog) -> int:
    return sealed_log.seals[-1].position


def test_two_that_overlap_do_not_both_make_a_seal(sealed_log: SealedLog) -> None:
    """As when the lock of one is lost: the number lets only one of them in."""
    sealed_log.log.append("pay_1", lived("pay_1", *PAID))
    one, other = sealed_log.sealer(), sealed_log.sealer()
    other._lock += 1
    with sealed_log.connected() as first, sealed_log.connected() as second:
        with first.transaction():
            assert len(one._make(first, at_once=True)) == 1
            thread = threading.Thread(target=other.step, args=(second,), kwargs={"at_once": True})
            thread.start()
            thread.join(0.3)
        thread.join(10)

    assert [seal.number for seal in sealed_log.seals] == [1]


def test_a_thread_seals_until_it_is_stopped(sealed_log: SealedLog) -> None:
    with at_work(sealed_log.sealer(every_seconds=0).run):
        sealed_log.log.append("pay_1", lived("pay_1", *PAID))
        eventually(lambda: sealed_log.seals)


def test_a_new_key_goes_on_where_the_old_one_ended(sealed_log: SealedLog) -> None:
    sealed_log.log.append("pay_1", lived("pay_1", *PAID))
    sealed_log.seal()
    other = sealing.signing_key(bytes(range(1, 33)))
    turned = Sealer(sealed_log.conninfo, SCHEMA, other, [FileSink(sealed_log.file)], now=lambda: AT)
    sealed_log.log.append("pay_2", lived("pay_2", *PAID))
    sealed_log.seal(turned)

    seals = sealed_log.seals
    assert [seal.key for seal in seals] == [PUBLIC, sealing.public_key(other)]
    assert sealing.first_fault(seals, {seal.key for seal in seals}) is None


# ── places outside ────────────────────────────────────────────────────────────────────────────────────────────


def test_seals_made_while_a_place_was_away_are_brought_there(
    sealed_log: SealedLog, tmp_path: Path
) -> None:
    """As after a crash between the database and the file."""
    sealed_log.log.append("pay_1", lived("pay_1", *SETTLED))
    sealed_log.seal(sealed_log.sealer(sinks=[]))
    assert sealed_log.seals == []

    folder = tmp_path / "seals"
    sealed_log.seal(sealed_log.sealer([FileSink(sealed_log.file), FolderSink(folder)]))

    assert [seal.number for seal in sealed_log.seals] == [1]
    assert kept_in(folder) == sealed_log.seals


class Broken:
    """A place that cannot be written."""

    name = "broken"

    def newest(self) -> Seal | None:
        return None

    def write(self, seals: object) -> None:
        raise OSError("no space left")


def test_a_place_that_fails_keeps_no_other_from_its_seals(sealed_log: SealedLog) -> None:
    sealed_log.log.append("pay_1", lived("pay_1", *PAID))

    with pytest.raises(OSError, match="no space"):
        sealed_log.seal(sealed_log.sealer([Broken(), FileSink(sealed_log.file)]))

    assert len(sealed_log.seals) == 1


def test_a_database_that_lacks_what_was_published_is_noticed(sealed_log: SealedLog) -> None:
    sealed_log.log.append("pay_1", lived("pay_1", *PAID))
    sealed_log.seal()
    _superuser(sealed_log, "delete from seals")

    with pytest.raises(SealsMissing):
        sealed_log.seal()

    with sealed_log.connected() as connection:
        assert proving.stored(connection) == []  # there are no two seals of one number, ever


def test_a_seal_made_anew_for_another_history_is_noticed(sealed_log: SealedLog) -> None:
    sealed_log.log.append("pay_1", lived("pay_1", *PAID))
    sealed_log.seal()
    _superuser(sealed_log, "delete from seals")
    sealed_log.seal(sealed_log.sealer(sinks=[], every_events=2))

    with pytest.raises(SealsDiffer):
        sealed_log.seal(at_once=False)


# ── a log that must not be sealed ─────────────────────────────────────────────────────────────────────────────


def test_nothing_is_sealed_over_an_event_that_does_not_follow(sealed_log: SealedLog) -> None:
    sealed_log.log.append("pay_1", lived("pay_1", *SETTLED))
    sealed_log.tamper("update events set state = state || ' ' where notification_id = 5")

    with pytest.raises(LogNotSealable) as refused:
        sealed_log.seal()

    assert refused.value.context == {"position": 5}
    assert sealed_log.seals == []


@pytest.mark.parametrize(
    ("gone", "change"),
    [
        (9, "delete from events where notification_id = 9"),
        (12, "delete from events where notification_id = 12"),
        (18, "delete from events where notification_id = 18"),
    ],
    ids=["the first", "one within", "the last"],
)
def test_nothing_is_sealed_over_a_range_that_lacks_an_event(
    sealed_log: SealedLog, gone: int, change: str
) -> None:
    """The next range is 9 to 18."""
    sealed_log.log.append("pay_1", lived("pay_1", *SETTLED))
    sealed_log.seal()
    for stream in ("pay_2", "pay_3"):
        sealed_log.log.append(stream, lived(stream, *SETTLED))
    sealed_log.tamper(change)

    with pytest.raises(LogNotSealable) as refused:
        sealed_log.seal(at_once=False)

    assert refused.value.context == {"position": gone}
    assert len(sealed_log.seals) == 1


@pytest.mark.parametrize(
    "change",
    [
        "delete from events where notification_id > 6",
        "update events set hash = sha256(hash) where notification_id = 8",
    ],
    ids=["the tail cut", "the chain made anew"],
)
def test_nothing_is_sealed_over_a_log_that_is_not_what_was_sealed(
    sealed_log: SealedLog, change: str
) -> None:
    sealed_log.log.append("pay_1", lived("pay_1", *SETTLED))
    sealed_log.seal()
    sealed_log.tamper(change)

    with pytest.raises(LogNotSealable) as refused:
        sealed_log.seal(at_once=False)

    assert refused.value.context == {"seal": 1, "position": 8}


def test_nothing_is_sealed_after_a_seal_that_was_changed(sealed_log: SealedLog) -> None:
    sealed_log.log.append("pay_1", lived("pay_1", *SETTLED))
    sealed_log.seal()
    _superuser(sealed_log, "update seals set seal = replace(seal, '10:00:00', '11:00:00')")

    with pytest.raises(LogNotSealable):
        sealed_log.seal(sealed_log.sealer(sinks=[]))


@pytest.mark.parametrize("role", ["app", "projector", "auditor"])
@pytest.mark.parametrize(
    "statement",
    ["update seals set position = 9", "delete from seals", "truncate seals", "drop table seals"],
)
def test_no_role_changes_a_seal(sealed_log: SealedLog, role: str, statement: str) -> None:
    with sealed_log.connected(role) as connection, pytest.raises(psycopg.Error):
        connection.execute(statement.encode())


def test_not_even_the_owner_changes_a_seal_without_taking_the_trigger_away(
    sealed_log: SealedLog,
) -> None:
    sealed_log.log.append("pay_1", lived("pay_1", *PAID))
    sealed_log.seal()
    with psycopg.connect(sealed_log.conninfo, autocommit=True) as superuser:
        superuser.execute("set session_replication_role = replica")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            superuser.execute("delete from bukubesar.seals")


def _superuser(sealed_log: SealedLog, statement: str) -> None:
    with psycopg.connect(sealed_log.conninfo, autocommit=True) as conn:
        conn.execute(f"set search_path = {SCHEMA}".encode())
        conn.execute("alter table seals disable trigger all")
        conn.execute(statement.encode())


async def test_a_worker_seals_what_was_appended(ledger_database: str, tmp_path: Path) -> None:
    file, stop = tmp_path / "seals.jsonl", asyncio.Event()
    settings = Settings(
        database_url=SecretStr(ledger_database),
        master_key=SecretStr(MASTER_KEY),
        seals=SealSettings(file=file),
    )
    log = LogRows(ledger_database)
    log.append("pay_1", lived("pay_1", *PAID))
    async with open_wiring(settings, "worker", gateway=GatewayInProcess()) as wired:
        working = asyncio.create_task(Worker(wired).run(stop))
        await asyncio.to_thread(eventually, file.exists)
        stop.set()
        await working

    seals = kept_in(file)
    assert sealing.first_fault(seals, [sealing.public_key(seals_key(settings))]) is None
    assert [seal.position for seal in seals] == [log.position]

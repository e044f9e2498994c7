"""The key ring on a real PostgreSQL: one key a person, whoever is first; destroyed for good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.eventstore import key_ring
from ledger.eventstore.committer import StoreUnavailable
from ledger.eventstore.connections import Readers, Role, conninfo_for
from ledger.eventstore.key_ring import KeyRing
from ledger.privacy import sealing
from ledger.privacy.erased import SubjectErased
from ledger.privacy.sealing import SealBroken
from support.stores import SCHEMA

MASTER = b"m" * 32


@asynccontextmanager
async def opened(database: str, master: bytes = MASTER) -> AsyncIterator[KeyRing]:
    readers = Readers(database, SCHEMA, size=2)
    await readers.open()
    try:
        yield KeyRing(readers, master)
    finally:
        await readers.close()


def rows(database: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database, options=f"-c search_path={SCHEMA}") as conn:
        return conn.execute(
            "select subject, version, wrapped, destroyed_at from key_ring"
        ).fetchall()


async def test_what_one_process_sealed_another_opens(ledger_database: str):
    async with opened(ledger_database) as one, opened(ledger_database) as other:
        sealed = await one.seal("cus_1", "name", "Budi", stream="pay_1")

        assert sealed.key_version == 1
        assert await other.open(sealed, "name", stream="pay_1") == "Budi"
        with pytest.raises(SealBroken):
            await other.open(sealed, "email", stream="pay_1")


async def test_all_who_are_first_at_once_get_the_same_key(ledger_database: str):
    async with opened(ledger_database) as one, opened(ledger_database) as other:
        sealed = await asyncio.gather(
            *(ring.seal("cus_1", "name", f"{n}") for n in range(20) for ring in (one, other))
        )
        async with opened(ledger_database) as third:
            texts = [await third.open(each, "name") for each in sealed]

    assert texts == [f"{n}" for n in range(20) for _ in (1, 2)]
    assert len(rows(ledger_database)) == 1


async def test_an_erased_person_is_a_marker_and_others_are_untouched(ledger_database: str):
    async with opened(ledger_database) as ring, opened(ledger_database) as other:
        erased = await ring.seal("cus_1", "name", "Budi")
        kept = await ring.seal("cus_2", "name", "Siti")
        moment = await ring.destroy("cus_1")

        assert await ring.open(erased, "name") is None
        assert await other.open(erased, "name") is None
        assert await other.open(kept, "name") == "Siti"
        with pytest.raises(SubjectErased):
            await ring.seal("cus_1", "name", "Budi again")

    found = {row[0]: row for row in rows(ledger_database)}
    assert found["cus_1"][2:] == (b"", moment)


async def test_erasing_twice_keeps_the_first_moment(ledger_database: str):
    async with opened(ledger_database) as ring:
        await ring.seal("cus_1", "name", "Budi")
        first = await ring.destroy("cus_1")
        await ring.destroy("cus_1")

    assert [row[3] for row in rows(ledger_database)] == [first]


async def test_who_was_erased_before_any_key_was_made_gets_none(ledger_database: str):
    async with opened(ledger_database) as ring:
        await ring.destroy("cus_1")

        with pytest.raises(SubjectErased):
            await ring.seal("cus_1", "name", "Budi")


async def test_another_process_forgets_an_erased_key_in_time(
    ledger_database: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(key_ring, "CACHED_SECONDS", 0.1)
    async with opened(ledger_database) as ring, opened(ledger_database) as other:
        sealed = await ring.seal("cus_1", "name", "Budi")
        assert await other.open(sealed, "name") == "Budi"
        await ring.destroy("cus_1")
        await asyncio.sleep(0.1)

        assert await other.open(sealed, "name") is None


async def test_another_master_key_opens_nothing(ledger_database: str):
    async with opened(ledger_database) as ring, opened(ledger_database, b"n" * 32) as thief:
        sealed = await ring.seal("cus_1", "name", "Budi")

        with pytest.raises(SealBroken):
            await thief.open(sealed, "name")


async def test_keys_beyond_the_cache_are_read_again(
    ledger_database: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(key_ring, "CACHED_KEYS", 2)
    async with opened(ledger_database) as ring:
        sealed = [await ring.seal(f"cus_{n}", "name", f"{n}") for n in range(5)]

        assert [await ring.open(each, "name") for each in sealed] == ["0", "1", "2", "3", "4"]
        assert len(ring._keys) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "delete from key_ring",
        "truncate key_ring",
        "update key_ring set wrapped = decode(repeat('00', 60), 'hex')",
        "update key_ring set wrapped = decode(repeat('00', 60), 'hex'), destroyed_at = null",
        "update key_ring set subject = 'cus_9'",
    ],
)
async def test_not_even_the_owner_of_the_database_can_swap_or_revive_a_key(
    ledger_database: str, statement: str
):
    async with opened(ledger_database) as ring:
        await ring.seal("cus_1", "name", "Budi")
        await ring.destroy("cus_2")

    with (
        psycopg.connect(ledger_database, options=f"-c search_path={SCHEMA}") as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        conn.execute(statement)


@pytest.mark.parametrize("role", ["projector", "auditor"])
def test_only_the_application_reads_keys(ledger_database: str, role: Role):
    with (
        psycopg.connect(conninfo_for(ledger_database, SCHEMA, role)) as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        conn.execute("select * from key_ring")


async def test_without_a_database_the_caller_is_told_to_come_back(ledger_database: str):
    async with opened(ledger_database) as ring:
        sealed = await ring.seal("cus_1", "name", "Budi")
        ring._keys.clear()
        await ring._readers.close()

        with pytest.raises(StoreUnavailable):
            await ring.open(sealed, "name")


async def test_keys_that_were_are_counted_in_every_version_and_markers_are_not(
    ledger_database: str,
):
    async with opened(ledger_database) as ring:
        await ring.seal("cus_1", "name", "Budi")
        another_version(ledger_database, "cus_1", 2)
        assert await ring.destroyed(["cus_1"]) == 0

        for subject in ("cus_1", "cus_2", "cus_1"):
            await ring.destroy(subject)

        assert await ring.destroyed(["cus_1", "cus_2"]) == 2
        assert [await ring.has(one) for one in ("cus_1", "cus_2", "cus_3")] == [True, True, False]
    assert {row[2] for row in rows(ledger_database)} == {b""}


async def test_a_sweep_leaves_nothing_of_a_destroyed_key_in_the_file_and_the_others_as_they_are(
    ledger_database: str,
):
    async with opened(ledger_database) as ring:
        kept = await ring.seal("cus_2", "name", "Siti")
        for n in range(50):
            await ring.seal(f"cus_1{n}", "name", "Budi")
        wrapped = [row[2] for row in rows(ledger_database) if row[0] != "cus_2"]
        assert all(key in file_of_the_ring(ledger_database) for key in wrapped)

        for n in range(50):
            await ring.destroy(f"cus_1{n}")
        with psycopg.connect(ledger_database, autocommit=True) as admin:
            admin.execute("vacuum bukubesar.key_ring")
        assert any(key in file_of_the_ring(ledger_database) for key in wrapped)  # why we sweep
        with psycopg.connect(conninfo_for(ledger_database, SCHEMA, "app")) as app:
            app.execute("select sweep_key_ring()")

        left = file_of_the_ring(ledger_database)
        assert not any(key in left for key in wrapped)
        ring._keys.clear()
        assert await ring.open(kept, "name") == "Siti"


def test_the_application_writes_the_table_anew_by_the_sweep_alone(ledger_database: str):
    with (
        psycopg.connect(conninfo_for(ledger_database, SCHEMA, "app")) as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        conn.execute("alter table key_ring alter column wrapped type text using 'x'")


def another_version(database: str, subject: str, version: int) -> None:
    """As a rotation would make it."""
    wrapped = sealing.wrap(AESGCM(MASTER), b"k" * 32, subject=subject, version=version)
    with psycopg.connect(database) as conn:
        conn.execute(
            "insert into bukubesar.key_ring (subject, version, wrapped) values (%s, %s, %s)",
            [subject, version, wrapped],
        )


def file_of_the_ring(database: str) -> bytes:
    """As it lies on disk."""
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("checkpoint")
        row = admin.execute(
            "select current_setting('data_directory'), pg_relation_filepath('bukubesar.key_ring')"
        ).fetchone()
    assert row is not None
    return Path(*row).read_bytes()

"""Issuing, recognising and revoking keys on a real event log."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from structlog.testing import capture_logs

from ledger.access import key_format, service
from ledger.access.api_key import ApiKeyNotFound
from ledger.access.caller import Caller, Unauthenticated
from ledger.access.key_format import new_key
from ledger.access.service import ApiKeys
from support.stores import SCHEMA, open_store

PEPPER = b"p" * 32


async def test_an_issued_key_is_recognised_in_every_process(ledger_database: str):
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        key, key_id = await ApiKeys(one.store, PEPPER).issue("service", "shop", "till", by="test")

        caller = await ApiKeys(other.store, PEPPER).authenticate(key)

    assert caller == Caller(account="shop", role="service", key_id=key_id)


async def test_neither_the_log_nor_our_logs_hold_the_secret(ledger_database: str):
    with capture_logs() as logs:
        async with open_store(ledger_database) as opened:
            api_keys = ApiKeys(opened.store, PEPPER)
            key, _ = await api_keys.issue("service", "shop", "till", by="test")
            await api_keys.authenticate(key)
    with psycopg.connect(ledger_database, options=f"-c search_path={SCHEMA}") as conn:
        rows = conn.execute("select convert_from(state, 'UTF8') from events").fetchall()

    secret = key.split("_")[2]
    assert secret not in str(logs)
    assert secret not in str(rows)


async def test_a_database_without_its_pepper_lets_nobody_in(ledger_database: str):
    async with open_store(ledger_database) as opened:
        key, _ = await ApiKeys(opened.store, PEPPER).issue("service", "shop", "till", by="test")

        with pytest.raises(Unauthenticated):
            await ApiKeys(opened.store, b"q" * 32).authenticate(key)


async def test_a_well_formed_key_that_was_never_issued_is_refused(ledger_database: str):
    async with open_store(ledger_database) as opened:
        api_keys = ApiKeys(opened.store, PEPPER)
        for _ in range(3):
            with pytest.raises(Unauthenticated):
                await api_keys.authenticate(new_key().text)


async def test_the_right_id_with_another_secret_is_refused(ledger_database: str):
    async with open_store(ledger_database) as opened:
        api_keys = ApiKeys(opened.store, PEPPER)
        _, key_id = await api_keys.issue("service", "shop", "till", by="test")
        body = f"bkb_{key_id}_{new_key().text.split('_')[2]}"

        with pytest.raises(Unauthenticated):
            await api_keys.authenticate(f"{body}_{key_format._checksum(body)}")


async def test_a_key_is_refused_from_the_moment_it_expires(ledger_database: str):
    now = [datetime(2026, 11, 23, tzinfo=UTC)]
    async with open_store(ledger_database) as opened:
        api_keys = ApiKeys(opened.store, PEPPER, now=lambda: now[0])
        key, _ = await api_keys.issue(
            "service", "shop", "till", by="test", lifetime=timedelta(hours=1)
        )
        await api_keys.authenticate(key)
        now[0] += timedelta(hours=1)

        with pytest.raises(Unauthenticated):
            await api_keys.authenticate(key)


async def test_a_revoked_key_is_refused_here_at_once_and_elsewhere_within_the_cache(
    ledger_database: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service, "CACHED_SECONDS", 0.5)
    async with open_store(ledger_database) as one, open_store(ledger_database) as other:
        here, elsewhere = ApiKeys(one.store, PEPPER), ApiKeys(other.store, PEPPER)
        key, key_id = await here.issue("service", "shop", "till", by="test")
        await here.authenticate(key)
        await elsewhere.authenticate(key)
        await here.revoke(key_id, by="test", reason="leaked")

        with pytest.raises(Unauthenticated):
            await here.authenticate(key)
        await asyncio.sleep(0.5)
        with pytest.raises(Unauthenticated):
            await elsewhere.authenticate(key)


async def test_revoking_what_was_never_issued_is_not_found(ledger_database: str):
    async with open_store(ledger_database) as opened:
        with pytest.raises(ApiKeyNotFound):
            await ApiKeys(opened.store, PEPPER).revoke("00000000", by="test")


async def test_who_issued_and_who_revoked_stands_in_the_log(ledger_database: str):
    async with open_store(ledger_database) as opened:
        api_keys = ApiKeys(opened.store, PEPPER)
        _, key_id = await api_keys.issue("admin", "ops", "first", by="operator:cli")
        await api_keys.revoke(key_id, by="key:00000000")
        history = await opened.store.history(f"key_{key_id}")

    assert [entry.metadata.actor for entry in history] == ["operator:cli", "key:00000000"]

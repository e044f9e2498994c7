"""Sealed logs for tests that ask for one: empty, or with a little history that is the same for all."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ledger.eventstore.migrate import LogNames, grant_rights
from support.intruder import Intruder, undone
from support.log_rows import SCHEMA
from support.moving import database_with_clock, laid_out_with_clock, life, market
from support.payment_lives import SETTLED, lived
from support.running import gateway, shop, simulated, system
from support.sealed_log import SealedLog

__all__ = [
    "database_with_clock",
    "gateway",
    "laid_out_with_clock",
    "life",
    "market",
    "sealed_history",
    "sealed_log",
    "shop",
    "simulated",
    "system",
]

SEALED_PAYMENTS = 5
HISTORY = "sealed_history"


@pytest.fixture
def sealed_log(ledger_database: str, tmp_path: Path) -> SealedLog:
    return SealedLog(ledger_database, tmp_path)


@pytest.fixture(scope="session")
def history(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> SealedLog:
    """Six settled payments of eight events each, one after the other; the first five are under four seals,
    the sixth is younger than the last seal.
    """
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f'create database "{HISTORY}" template "{template}"'.encode())
        grant_rights(conn, LogNames(SCHEMA), HISTORY)
    conninfo, folder = make_conninfo(server, dbname=HISTORY), tmp_path_factory.mktemp("history")
    made = SealedLog(conninfo, folder)
    for n in range(1, SEALED_PAYMENTS + 1):
        made.log.append(f"pay_{n}", lived(f"pay_{n}", *SETTLED))
    assert (made.seal(), made.log.position) == (4, 40)
    made.log.append("pay_6", lived("pay_6", *SETTLED))
    return made


@pytest.fixture
def sealed_history(history: SealedLog, tmp_path: Path) -> Iterator[SealedLog]:
    """May be changed in any way by an intruder."""
    copied = SealedLog(history.conninfo, tmp_path)
    copied.file.write_bytes(history.file.read_bytes())
    with undone(copied.conninfo):
        yield copied


@pytest.fixture
def intruder(sealed_history: SealedLog) -> Iterator[Intruder]:
    found = Intruder(sealed_history.conninfo)
    yield found
    found.close()

"""A sealed log for each test that asks for one."""

from pathlib import Path

import pytest

from support.running import laid_out, own_database
from support.sealed_log import SealedLog

__all__ = ["laid_out", "own_database", "sealed_log"]


@pytest.fixture
def sealed_log(ledger_database: str, tmp_path: Path) -> SealedLog:
    return SealedLog(ledger_database, tmp_path)

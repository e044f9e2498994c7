"""Journeys walk through the whole running system; see support/running.py and support/moving.py."""

from support.moving import (
    database_with_clock,
    laid_out_with_clock,
    life,
    market,
    shared_database_with_clock,
)
from support.running import (
    gateway,
    shop,
    simulated,
    system,
)

__all__ = [
    "database_with_clock",
    "gateway",
    "laid_out_with_clock",
    "life",
    "market",
    "shared_database_with_clock",
    "shop",
    "simulated",
    "system",
]

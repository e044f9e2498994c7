"""Faults are done to the same running system; see support/running.py."""

from support.running import (
    gateway,
    laid_out,
    own_database,
    shared_database,
    shop,
    simulated,
    system,
)

__all__ = ["gateway", "laid_out", "own_database", "shared_database", "shop", "simulated", "system"]

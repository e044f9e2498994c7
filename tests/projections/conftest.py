"""What the rebuild under load needs of a whole running system; see support/running.py."""

from support.running import gateway, laid_out, own_database, simulated, system

__all__ = ["gateway", "laid_out", "own_database", "simulated", "system"]

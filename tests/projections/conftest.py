"""What the rebuild under load needs of a whole running system; see support/running.py."""

from support.running import gateway, simulated, system

__all__ = ["gateway", "simulated", "system"]

"""For tests that need a database of their own with everything laid out; see support/running.py."""

from support.running import laid_out, own_database

__all__ = ["laid_out", "own_database"]

"""How many connections a process may hold: as many as the system lets it have, not as many as a shell
hands on. A charge in flight takes two, the caller's and the gateway's.
"""

import contextlib


def raise_descriptor_limit() -> None:
    """The soft limit to the hard one, where there are such limits."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  not on every system

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

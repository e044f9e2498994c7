"""How long work says how far it has come."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # the step, how much of it is done, of how much


def silent(step: str, done: int, total: int) -> None:
    """For those whom nobody watches."""

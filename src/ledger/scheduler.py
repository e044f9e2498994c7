"""Who does the due work of areas other than payments: the worker's port for it."""

from typing import Protocol


class Scheduler(Protocol):
    @property
    def kinds(self) -> frozenset[str]:
        """Of the work that it does."""

    async def do(self, stream: str, kind: str, subject: str) -> None:
        """What is due, as its stream says that it is now; harmless to repeat. The facts it appends
        end the work. What is still due afterwards, or failed, is looked at again later.
        """

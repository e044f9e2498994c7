"""Appends commands to the log, each with its own outcome, many in one commit: the group call of
append().

A batch whose reply was lost is sent again: command ids make that safe, because a command that did
commit comes back as a duplicate of itself.
"""

import asyncio
from collections.abc import Awaitable, Sequence

from ledger.eventstore.append_call import (
    Append,
    AppendCall,
    Appended,
    Duplicate,
    NewEvent,
    Outcome,
    VersionConflict,
)
from ledger.eventstore.group_call import (
    Connect,
    GroupCall,
    StoreOverloaded,
    StoreRefused,
    StoreUnavailable,
)

__all__ = [
    "Append",
    "Appended",
    "Committer",
    "Duplicate",
    "NewEvent",
    "Outcome",
    "StoreOverloaded",
    "StoreRefused",
    "StoreUnavailable",
    "VersionConflict",
]


class Committer(GroupCall[Append, Outcome]):
    def __init__(self, connect: Connect) -> None:
        super().__init__(connect, AppendCall(), under_way=2)

    def append(
        self, command_id: str, fingerprint: bytes, events: Sequence[NewEvent]
    ) -> Awaitable[Outcome]:
        """Awaited, raises StoreUnavailable or StoreOverloaded, and then the command may or may not have
        been stored; StoreRefused, and then it was not.
        """
        return self.submit(Append(command_id, fingerprint, events))

    async def append_all(self, appends: Sequence[Append]) -> list[Outcome | BaseException]:
        """The same for many commands: what `append` would raise stands among the outcomes."""
        return await asyncio.gather(
            *[self.submit(append) for append in appends], return_exceptions=True
        )

"""A row of the log with everything that stands in it, for those who check it rather than work with it."""

from typing import Final, NamedTuple


class LogRow(NamedTuple):
    """The columns in the order of COLUMNS."""

    position: int
    stream: str
    version: int
    topic: str
    state: bytes
    hash: bytes
    command_id: str | None = None
    fingerprint: bytes | None = None


COLUMNS: Final = (
    "notification_id",
    "originator_id",
    "originator_version",
    "topic",
    "state",
    "hash",
    "command_id",
    "fingerprint",
)

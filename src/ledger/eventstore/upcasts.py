"""How an old event is read today: one row a released topic that has a successor.

An upcast takes the stored payload as plain JSON values and returns the payload of the next topic.
Stored bytes are never rewritten; chains (v1 → v2 → v3) are followed by mapping.py.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple


class Upcast(NamedTuple):
    topic: str
    change: Callable[[dict[str, Any]], dict[str, Any]]


UPCASTS: Final[dict[str, Upcast]] = {}

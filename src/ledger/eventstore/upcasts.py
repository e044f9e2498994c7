"""How an old event is read today: one row a topic that has a successor.

An upcast takes the event as it was stored and gives what it says in the words of its successor, which
may have one in its turn: mapping.py follows them. Stored bytes are never rewritten, so hashes and
seals over them hold.
"""

from collections.abc import Callable
from typing import Any, Final

from ledger.access import past_events as access
from ledger.events import DomainEvent

Upcast = Callable[[Any], DomainEvent]

UPCASTS: Final[dict[str, Upcast]] = {
    access.ApiKeyIssuedV1.TOPIC: access.api_key_issued,
}

"""What stands beside the log, in memory: read models that are looked at, the key ring, the inbox."""

from datetime import datetime
from typing import Any

from api.inbox import LADDER, LEASE, Stored
from ledger.clock import Clock
from ledger.privacy.sealed import Sealed
from support.driven import Pause
from support.gateway_faults import Posted


class Look:
    """A read model: one look at it, which may take a while."""

    def __init__(self, shown: Any) -> None:
        self._shown = shown

    async def health(self) -> Any:
        await Pause("health is looked up")
        return self._shown

    async def available(self, gateway: str) -> Any:
        await Pause("balance is looked up")
        return self._shown


class MemoryKeyRing:
    """Who sealed what is not the question here."""

    async def seal(self, subject: str, field: str, text: str, *, stream: str = "") -> Sealed:
        await Pause("a key is read")
        return Sealed(subject=subject, key_version=1, nonce="", ciphertext=text)

    async def open(self, sealed: Sealed, field: str, *, stream: str = "") -> str | None:
        await Pause("a key is read")
        return sealed.ciphertext


class MemoryInbox:
    """The rows of inbox.sql."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._open: dict[str, tuple[Stored, datetime]] = {}
        self.posted: dict[str, Posted] = {}

    def receive(self, posted: Posted) -> None:
        if posted.digest not in self.posted:
            self.posted[posted.digest] = posted
            stored = Stored(posted.digest, posted.order_id, posted.transaction_id, 0)
            self._open[posted.digest] = (stored, self._now())

    def claim(self, limit: int) -> list[Stored]:
        ripe = [stored for stored, at in self._open.values() if at <= self._now()][:limit]
        claimed = [
            Stored(one.digest, one.order_id, one.transaction_id, one.tries + 1) for one in ripe
        ]
        for one in claimed:
            self._open[one.digest] = (one, self._now() + LEASE)
        return claimed

    def next_moment(self) -> datetime | None:
        return min((at for _, at in self._open.values()), default=None)

    async def done(self, stored: Stored, outcome: str) -> None:
        await Pause("a notice is done")
        self._open.pop(stored.digest, None)

    async def later(self, stored: Stored, outcome: str) -> None:
        pause = LADDER[min(stored.tries, len(LADDER)) - 1]
        self._open[stored.digest] = (stored, self._now() + pause)

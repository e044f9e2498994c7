"""What stands beside the log, in memory: read models that are looked at, the key ring, the inbox."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from api.inbox import LEASE, Stored, grouped, pause_after
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
        self._open: dict[str, tuple[int, datetime]] = {}  # tries that failed, not before
        self.posted: dict[str, Posted] = {}

    def receive(self, posted: Posted) -> None:
        if posted.digest not in self.posted:
            self.posted[posted.digest] = posted
            self._open[posted.digest] = (0, self._now())

    def claim(self, limit: int) -> list[Stored]:
        ripe = [digest for digest, (_, at) in self._open.items() if at <= self._now()][:limit]
        told = [self.posted[digest] for digest in ripe]
        claimed = grouped(
            (one.order_id, one.transaction_id, one.digest, self._open[one.digest][0])
            for one in told
        )
        self._put_off(ripe, LEASE)
        return claimed

    def next_moment(self) -> datetime | None:
        return min((at for _, at in self._open.values()), default=None)

    async def done(self, stored: Stored, outcome: str) -> None:
        await Pause("a notice is done")
        for digest in stored.digests:
            self._open.pop(digest, None)

    async def later(self, stored: Stored, outcome: str) -> None:
        self._put_off(stored.digests, pause_after(stored.tries), tries=stored.tries)

    def _put_off(self, digests: Iterable[str], pause: timedelta, tries: int | None = None) -> None:
        for digest in self._open.keys() & set(digests):
            failed, _ = self._open[digest]
            self._open[digest] = (failed if tries is None else tries, self._now() + pause)

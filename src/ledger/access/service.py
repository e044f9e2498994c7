"""Issues, revokes and recognises API keys; every request passes here."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from msgspec import structs

from ledger import clock
from ledger.access import key_format
from ledger.access.api_key import API_KEY, LONGEST_LIFE, ApiKey, IssueKey, RevokeKey
from ledger.access.caller import Caller, Unauthenticated
from ledger.access.key_format import PlainKey
from ledger.clock import Clock
from ledger.eventstore.store import Context, EventStore
from ledger.identity import KEY, new_id

CACHED_SECONDS: Final = 5.0  # a key revoked elsewhere is refused here after at most this
CACHED_KEYS: Final = 4_096

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    key: ApiKey
    read_at: float


class ApiKeys:
    def __init__(self, store: EventStore, pepper: bytes, now: Clock = clock.now) -> None:
        self._store = store
        self._pepper = pepper
        self._now = now
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    async def issue(
        self,
        role: str,
        account: str,
        label: str,
        by: str,
        lifetime: timedelta = LONGEST_LIFE,
    ) -> tuple[str, str]:
        """The key in clear, never to be had again, and its id. `by` is an actor, as in metadata."""
        key, now = key_format.new_key(), self._now()
        command = IssueKey(
            now=now,
            key_id=key.key_id,
            account=account,
            role=role,
            label=label,
            kept=key_format.keyed_hash(self._pepper, key),
            expires_at=now + lifetime,
        )
        await self._store.execute(API_KEY, stream_of(key.key_id), command, _context(by))
        log.info("access.key_issued", key_id=key.key_id, account=account, role=role, by=by)
        return key.text, key.key_id

    async def revoke(self, key_id: str, by: str, reason: str = "") -> None:
        command = RevokeKey(now=self._now(), reason=reason)
        await self._store.execute(API_KEY, stream_of(key_id), command, _context(by))
        self._seen.pop(key_id, None)
        log.info("access.key_revoked", key_id=key_id, by=by)

    async def authenticate(self, presented: str) -> Caller:
        """Raises Unauthenticated, in the same words whatever the reason."""
        key = key_format.parse(presented)
        if key is None:
            raise Unauthenticated()
        return self._recognised(key, await self._known(key.key_id))

    def _recognised(self, presented: PlainKey, known: ApiKey) -> Caller:
        # An unknown id is compared as well, so that it takes as long as a wrong secret.
        hashed = key_format.keyed_hash(self._pepper, presented)
        kept = known.issued.kept if known.issued else structs.replace(hashed, digest="0" * 64)
        same = key_format.same_hash(kept, hashed)
        if not (same and known.issued and known.usable(self._now())):
            log.info("access.refused", key_id=presented.key_id, genuine=same)
            raise Unauthenticated()
        issued = known.issued
        return Caller(account=issued.account, role=issued.role, key_id=issued.key_id)

    async def _known(self, key_id: str) -> ApiKey:
        seen, moment = self._seen.get(key_id), clock.monotonic_seconds()
        if seen and moment - seen.read_at < CACHED_SECONDS:
            return seen.key
        loaded = await self._store.load(API_KEY, stream_of(key_id))
        self._seen[key_id] = _Seen(loaded.state, moment)
        self._seen.move_to_end(key_id)
        if len(self._seen) > CACHED_KEYS:
            self._seen.popitem(last=False)
        return loaded.state


def stream_of(key_id: str) -> str:
    return f"{KEY}_{key_id}"


def _context(by: str) -> Context:
    return Context(command_id=new_id("cmd"), actor=by)

"""The life of an API key: issued, used until it expires, perhaps revoked (twice is once)."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from ledger.access.events import AccessEvent, ApiKeyIssued, ApiKeyRevoked, KeyedHash
from ledger.access.roles import known_role
from ledger.decider import Decider
from ledger.errors import Conflict, NotFound, Rejected
from ledger.events import DomainEvent

LONGEST_LIFE: Final = timedelta(days=365)  # reliability.md 4.9
ACCOUNT: Final = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
LONGEST_LABEL: Final = 80


class AccountMalformed(Rejected):
    code = "account_malformed"
    title = "An account is 1 to 64 of a-z, 0-9, `-` and `_`, with no sign at either end."


class LabelMalformed(Rejected):
    code = "label_malformed"
    title = "A label is 1 to 80 printable characters."


class LifetimeRefused(Rejected):
    code = "key_lifetime_refused"
    title = "An API key lives more than nothing and at most 365 days."


class ApiKeyExists(Conflict):
    code = "api_key_exists"
    title = "This key id is taken."


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"
    title = "There is no API key under that id."


class ApiKey(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`issued` is None until the key exists."""

    issued: ApiKeyIssued | None = None
    revoked_at: datetime | None = None

    def usable(self, now: datetime) -> bool:
        return bool(self.issued and not self.revoked_at and now < self.issued.expires_at)


class IssueKey(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime
    key_id: str
    account: str
    role: str
    label: str
    kept: KeyedHash
    expires_at: datetime


class RevokeKey(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    now: datetime
    reason: str = ""


Command = IssueKey | RevokeKey


def decide(key: ApiKey, command: Command) -> Sequence[AccessEvent]:
    match command:
        case IssueKey():
            return issue(key, command)
        case RevokeKey():
            return revoke(key, command)


def issue(key: ApiKey, command: IssueKey) -> Sequence[AccessEvent]:
    if key.issued:
        raise ApiKeyExists()
    if not ACCOUNT.fullmatch(command.account):
        raise AccountMalformed()
    if not 0 < len(command.label) <= LONGEST_LABEL or not command.label.isprintable():
        raise LabelMalformed()
    if not command.now < command.expires_at <= command.now + LONGEST_LIFE:
        raise LifetimeRefused(longest_days=LONGEST_LIFE.days)
    return [
        ApiKeyIssued(
            key_id=command.key_id,
            account=command.account,
            role=known_role(command.role),
            label=command.label,
            kept=command.kept,
            expires_at=command.expires_at,
            occurred_at=command.now,
        )
    ]


def revoke(key: ApiKey, command: RevokeKey) -> Sequence[AccessEvent]:
    if not key.issued:
        raise ApiKeyNotFound()
    if key.revoked_at:
        return []
    return [ApiKeyRevoked(reason=command.reason, occurred_at=command.now)]


def evolve(key: ApiKey, event: DomainEvent) -> ApiKey:
    match event:
        case ApiKeyIssued():
            return ApiKey(issued=event, revoked_at=key.revoked_at)
        case ApiKeyRevoked():
            return ApiKey(issued=key.issued, revoked_at=event.occurred_at)
    return key


API_KEY: Final[Decider[ApiKey, Command]] = Decider(ApiKey(), decide, evolve)

"""Events of API keys as they were stored once, and what they say in today's words."""

from datetime import datetime

from ledger.access.events import ApiKeyIssued, KeyedHash
from ledger.access.roles import Role
from ledger.events import DomainEvent


class ApiKeyIssuedV1(DomainEvent, topic="access.key_issued.v1", past=True):
    """It did not say how the hash was made, because there was one way only."""

    key_id: str
    account: str
    role: Role
    label: str
    keyed_hash: str
    expires_at: datetime


def api_key_issued(past: ApiKeyIssuedV1) -> ApiKeyIssued:
    return ApiKeyIssued(
        key_id=past.key_id,
        account=past.account,
        role=past.role,
        label=past.label,
        kept=KeyedHash(algorithm="hmac-sha-256", pepper="key-pepper/1", digest=past.keyed_hash),
        expires_at=past.expires_at,
        occurred_at=past.occurred_at,
    )

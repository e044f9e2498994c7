"""What can happen to an API key. Who did it stands in the metadata, the key itself nowhere."""

from datetime import datetime

from ledger.access.roles import Role
from ledger.events import DomainEvent


class ApiKeyIssued(DomainEvent, topic="access.key_issued.v1"):
    key_id: str
    account: str
    role: Role
    label: str  # the issuer's words for what it is used by
    keyed_hash: str  # hex of HMAC-SHA-256 under a pepper that is not in the database
    expires_at: datetime


class ApiKeyRevoked(DomainEvent, topic="access.key_revoked.v1"):
    reason: str = ""


AccessEvent = ApiKeyIssued | ApiKeyRevoked

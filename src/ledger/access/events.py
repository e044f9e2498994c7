"""What can happen to an API key. Who did it stands in the metadata, the key itself nowhere."""

from datetime import datetime

import msgspec

from ledger.access.roles import Role
from ledger.events import DomainEvent


class KeyedHash(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How a key is kept: it can be recognised, and not be read. It says how it was made, so that
    another pepper can take the place of this one while older keys still work.
    """

    algorithm: str
    pepper: str  # its name; it is derived from the master key under that label, and not stored
    digest: str  # hexadecimal


class ApiKeyIssued(DomainEvent, topic="access.key_issued.v2"):
    key_id: str
    account: str
    role: Role
    label: str  # the issuer's words for what it is used by
    kept: KeyedHash
    expires_at: datetime


class ApiKeyRevoked(DomainEvent, topic="access.key_revoked.v1"):
    reason: str = ""


AccessEvent = ApiKeyIssued | ApiKeyRevoked

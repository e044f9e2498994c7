"""The caller of one request, once its key was accepted."""

import msgspec

from ledger.access.roles import HELD, Permission, Role
from ledger.errors import NotAllowed


class Unauthenticated(NotAllowed):
    code = "unauthenticated"
    title = "No valid API key was presented."


class PermissionMissing(NotAllowed):
    code = "permission_missing"
    title = "The role of this API key does not include that."


class Caller(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    account: str
    role: Role
    key_id: str

    @property
    def actor(self) -> str:
        """How metadata of events and logs name the caller."""
        return f"key:{self.key_id}"

    def may(self, permission: Permission) -> bool:
        return permission in HELD[self.role]

    def require(self, permission: Permission) -> None:
        if not self.may(permission):
            raise PermissionMissing(permission=permission, role=self.role)

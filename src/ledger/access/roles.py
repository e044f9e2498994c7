"""Roles are data: which role holds which permission. Routes name permissions, never roles."""

from typing import Final, Literal, get_args

from ledger.errors import Rejected

Role = Literal["service", "operator", "auditor", "reporting", "admin"]
Permission = Literal[
    "payments:create",
    "payments:import",
    "payments:read",
    "payments:capture",
    "payments:cancel",
    "payments:refund",
    "payment_events:read",
    "payment_methods:read",
    "customers:change",
    "customers:read",
    "customers:open",
    "personal_data:read",
    "personal_data:erase",
    "plans:change",
    "plans:read",
    "coupons:change",
    "coupons:read",
    "subscriptions:create",
    "subscriptions:change",
    "subscriptions:cancel",
    "subscriptions:read",
    "bills:read",
    "billing_events:read",
    "reports:read",
    "accounts:read",
    "explanations:read",
    "metrics:read",
    "keys:create",
    "keys:read",
    "keys:revoke",
]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
PERMISSIONS: Final[tuple[Permission, ...]] = get_args(Permission)

# The columns stand in the order of ROLES. An admin holds all: who issues keys can have any other.
YES, NO = True, False
GRANTS: Final[dict[Permission, tuple[bool, bool, bool, bool, bool]]] = {
    #                       service operator auditor reporting admin
    "payments:create":      (YES,   NO,      NO,     NO,       YES),
    "payments:import":      (YES,   NO,      NO,     NO,       YES),
    "payments:read":        (YES,   YES,     YES,    YES,      YES),
    "payments:capture":     (YES,   YES,     NO,     NO,       YES),
    "payments:cancel":      (YES,   YES,     NO,     NO,       YES),
    "payments:refund":      (YES,   YES,     NO,     NO,       YES),
    "payment_events:read":  (NO,    YES,     YES,    NO,       YES),
    "payment_methods:read": (YES,   YES,     YES,    YES,      YES),
    "customers:change":     (YES,   YES,     NO,     NO,       YES),
    "customers:read":       (YES,   YES,     YES,    YES,      YES),
    "customers:open":       (YES,   YES,     NO,     NO,       YES),  # what names them, in clear
    "personal_data:read":   (NO,    NO,      NO,     NO,       YES),  # all of one person
    "personal_data:erase":  (NO,    YES,     NO,     NO,       YES),  # it takes two of them
    "plans:change":         (YES,   YES,     NO,     NO,       YES),
    "plans:read":           (YES,   YES,     YES,    YES,      YES),
    "coupons:change":       (YES,   YES,     NO,     NO,       YES),
    "coupons:read":         (YES,   YES,     YES,    YES,      YES),
    "subscriptions:create": (YES,   NO,      NO,     NO,       YES),
    "subscriptions:change": (YES,   YES,     NO,     NO,       YES),
    "subscriptions:cancel": (YES,   YES,     NO,     NO,       YES),
    "subscriptions:read":   (YES,   YES,     YES,    YES,      YES),
    "bills:read":           (YES,   YES,     YES,    YES,      YES),
    "billing_events:read":  (NO,    YES,     YES,    NO,       YES),
    "reports:read":         (NO,    YES,     YES,    YES,      YES),
    "accounts:read":        (NO,    YES,     YES,    YES,      YES),
    "explanations:read":    (NO,    YES,     YES,    NO,       YES),  # down to raw notices
    "metrics:read":         (NO,    YES,     NO,     YES,      YES),
    "keys:create":          (NO,    NO,      NO,     NO,       YES),
    "keys:read":            (NO,    NO,      YES,    NO,       YES),
    "keys:revoke":          (NO,    NO,      NO,     NO,       YES),
}  # fmt: skip


def _held_by(role: Role) -> frozenset[Permission]:
    column = ROLES.index(role)
    return frozenset(permission for permission, held in GRANTS.items() if held[column])


HELD: Final[dict[Role, frozenset[Permission]]] = {role: _held_by(role) for role in ROLES}


class RoleUnknown(Rejected):
    code = "role_unknown"
    title = "There is no such role."


def known_role(name: str) -> Role:
    """The role of that name; raises RoleUnknown."""
    for known in ROLES:
        if known == name:
            return known
    raise RoleUnknown(known=list(ROLES))
